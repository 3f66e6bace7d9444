"""Random calls, each compared with a plain dictionary."""

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from interlock.backends import AggregateRecord, RecordKey, RemovesOne, SnapshotStore, Stamp
from interlock_conformance.checks import IF, KEEPS, check, expect
from interlock_conformance.exploring import explore
from interlock_conformance.harness import CacheHarness, Harness
from interlock_conformance.records import told

places = st.integers(0, 1)
versions = st.integers(9, 11)  # few, so that they meet; on both sides of one digit more
branches = st.integers(0, 1)
seconds = st.integers(0, 3)
KEEP = 2


def record_at(
    harness: Harness[SnapshotStore] | CacheHarness, key: RecordKey, version: int, branch: int
) -> AggregateRecord:
    """The record of a branch: equal stamps for equal arguments."""
    last_event_id = UUID(int=key.aggregate_id.int ^ (version * 2 + branch))
    record = harness.record(key, version, text=f"{version} on branch {branch}")
    return record._replace(last_event_id=last_event_id)


@check(
    "CACHE-060",
    KEEPS,
    others="`interlock.backends.newer` says which of two records stays; put it into the store's "
    "own compare and set",
)
def cache_is_a_dictionary(harness: CacheHarness) -> None:
    """After any calls a cache holds what a dictionary of the newest records would."""
    store = harness.run(harness.open())

    class Model(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.keys = [harness.key() for _ in range(2)]
            self.model: dict[RecordKey, AggregateRecord] = {}

        def stamp(self, place: int, version: int, branch: int) -> Stamp:
            return record_at(harness, self.keys[place], version, branch).stamp

        @rule(
            place=places,
            version=versions,
            branch=branches,
            later=seconds,
            false=st.none() | st.tuples(versions, branches),
        )
        def put(
            self,
            place: int,
            version: int,
            branch: int,
            later: int,
            false: tuple[int, int] | None,
        ) -> None:
            key = self.keys[place]
            record = record_at(harness, key, version, branch)
            record = record._replace(verified_at=record.verified_at + timedelta(seconds=later))
            superseded = [] if false is None else [self.stamp(place, *false)]
            harness.run(store.put(key, record, superseded))
            found = self.model.get(key)
            stands = found is not None and found.stamp not in superseded
            if found is None or not stands or not _stays(found, record):
                self.model[key] = record
            self.read(place)

        @rule(place=places, of=st.none() | st.tuples(versions, branches))
        def remove(self, place: int, of: tuple[int, int] | None) -> None:
            key = self.keys[place]
            stamp = None if of is None else self.stamp(place, *of)
            harness.run(store.remove(key, stamp))
            if key in self.model and stamp in (None, self.model[key].stamp):
                del self.model[key]
            self.read(place)

        def read(self, place: int) -> None:
            key = self.keys[place]
            found, wanted = harness.run(harness.read(store, key)), self.model.get(key)
            expect(found == wanted, told(wanted), told(found))

        @rule()
        def read_many(self) -> None:
            found = dict(harness.run(store.read_many(self.keys)))
            expect(found == self.model, f"{len(self.model)} records", f"{found}")

    explore(Model)


def _stays(found: AggregateRecord, record: AggregateRecord) -> bool:
    if found.stamp == record.stamp:
        return found.verified_at > record.verified_at
    return found.version > record.version


@check(
    "SNAP-060",
    IF("keep"),
    others="one transaction: delete the superseded stamps, insert or replace, retain by version",
)
def snapshots_are_a_dictionary(harness: Harness[SnapshotStore]) -> None:
    """After any calls a snapshot store holds what a dictionary by version would, with `keep` 2."""
    store = harness.run(harness.open(keep=KEEP))

    class Model(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.keys = [harness.key() for _ in range(2)]
            self.model: dict[RecordKey, dict[int, AggregateRecord]] = {k: {} for k in self.keys}

        @rule(
            place=places,
            version=versions,
            branch=branches,
            false=st.none() | st.tuples(versions, branches),
        )
        def put(self, place: int, version: int, branch: int, false: tuple[int, int] | None) -> None:
            key = self.keys[place]
            record = record_at(harness, key, version, branch)
            if false is None:
                harness.run(store.put(key, record))
            else:
                superseded = record_at(harness, key, *false).stamp
                harness.run(store.put(key, record, [superseded]))
                _forget(self.model[key], superseded)
            _keep(self.model[key], record)
            self.read(place)

        @rule(place=places, version=versions, branch=branches)
        def remove(self, place: int, version: int, branch: int) -> None:
            key = self.keys[place]
            stamp = record_at(harness, key, version, branch).stamp
            if not isinstance(store, RemovesOne):
                return
            harness.run(store.remove(key, stamp))
            _forget(self.model[key], stamp)
            self.read(place)

        def read(self, place: int) -> None:
            key = self.keys[place]
            for bound in (None, 9, 10):
                found = harness.run(store.read(key, bound))
                wanted = _newest(self.model[key], bound)
                expect(found == wanted, f"{told(wanted)} at or below {bound}", told(found))

        @rule()
        def read_many(self) -> None:
            found = dict(harness.run(store.read_many(self.keys)))
            wanted = {key: kept[max(kept)] for key, kept in self.model.items() if kept}
            expect(found == wanted, f"{len(wanted)} records", f"{found}")

    explore(Model)


def _keep(kept: dict[int, AggregateRecord], record: AggregateRecord) -> None:
    kept[record.version] = record
    for retired in sorted(kept)[:-KEEP]:
        del kept[retired]


def _forget(kept: dict[int, AggregateRecord], stamp: Stamp) -> None:
    found = kept.get(stamp.version)
    if found is not None and found.stamp == stamp:
        del kept[stamp.version]


def _newest(kept: dict[int, AggregateRecord], bound: int | None) -> AggregateRecord | None:
    below = [version for version in kept if bound is None or version <= bound]
    return kept[max(below)] if below else None
