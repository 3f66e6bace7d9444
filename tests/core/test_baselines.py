"""Which cached record or snapshot a load starts from, and what becomes of the others."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from interlock._engine.reports import Reason, Source
from interlock.application.aggregates import (
    AlwaysCache,
    CacheStrategy,
    SnapshotAfterN,
)
from interlock.backends import AggregateRecord, RecordKey
from interlock.errors import (
    BackendUnavailableError,
    StreamTruncatedError,
)
from interlock.routing import applies_event
from rig import Rig, ended, snapshotting, unharmed
from rig_domain import Account, Deposited
from rig_stores import Snapshots

UNUSABLE = {
    "corrupt": {"payload": b"{"},
    "other type": {"aggregate_type": "Wallet"},
    "other id": {"aggregate_id": uuid4()},
    "other revision": {"revision": "0"},
    "other codec": {"codec": "pickle"},
    "other version than its state's": {"version": 9},
    "version 0": {"version": 0},
}


class Old(Account):
    """The same account as older code had it."""

    type_name = "Account"
    revision = "0"


class New(Account):
    """The same account, whose code may read the older one's snapshots."""

    type_name = "Account"
    revision = "1"
    reads_revisions = ("0",)


class Stricter(Account):
    """The same account under the same revision, though its schema changed."""

    type_name = "Account"
    revision = "1"

    marks: dict[str, int] = {}  # type: ignore[assignment] # that is the change

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount


class TestSnapshots:
    """The snapshots."""

    async def test_the_newest_is_taken(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(*[1] * 5)
            await rig.load()
            assert (rig.report.baseline, rig.report.baseline_version) == (Source.SNAPSHOT, 4)
            assert rig.report.events_folded == 1

    async def test_a_cache_miss_falls_back_to_the_snapshot(self) -> None:
        async with Rig(snapshot_strategy=SnapshotAfterN(2)) as rig, rig.other() as cold:
            await rig.deposit(1, 2, 4)
            assert (await cold.load()).balance == 7
            assert cold.misses == [(Source.CACHE, Reason.ABSENT)]
            assert cold.report.baseline is Source.SNAPSHOT

    @pytest.mark.parametrize("changes", UNUSABLE.values(), ids=UNUSABLE)
    async def test_an_unusable_one_is_passed_over_for_the_next_best(
        self, changes: dict[str, Any]
    ) -> None:
        snapshots = Lying()
        async with Rig(snapshots=snapshots, **snapshotting(2)) as rig:
            await rig.deposit(*[1] * 6)
            snapshots.lie_about(6, changes)
            assert (await rig.load()).balance == 6
            assert (Source.SNAPSHOT, Reason.UNUSABLE) in rig.misses
            assert rig.app.counters()["snapshot.unusable"] >= 1

    async def test_after_an_unusable_one_the_one_below_is_the_baseline(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(*[1] * 6)
            await rig.snapshots.plant(rig.snapshots.records()[6], payload=b"{")
            assert (await rig.load()).balance == 6
            assert (rig.report.baseline_version, rig.report.events_folded) == (4, 2)

    async def test_after_a_refuted_one_the_one_below_is_the_baseline(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(*[1] * 6)
            await rig.snapshots.plant(rig.snapshots.records()[6], last_event_id=uuid4())
            assert (await rig.load()).balance == 6
            assert (rig.report.baseline_version, rig.report.events_folded) == (4, 2)
            assert (Source.SNAPSHOT, Reason.OTHER_BRANCH) in rig.misses

    async def test_loads_remove_no_snapshots(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(*[1] * 6)
            await rig.snapshots.plant(rig.snapshots.records()[6], payload=b"{")
            rig.events.roll_back(to=3)
            rig.snapshots.calls.clear()
            await rig.load()
            assert set(rig.snapshots.calls) == {"read"}
            assert set(rig.snapshots.records()) == {2, 4, 6}

    async def test_one_above_the_asked_version_is_not_taken_even_if_the_store_gives_it(
        self,
    ) -> None:
        snapshots = Deaf()
        async with Rig(snapshots=snapshots, **snapshotting(4)) as rig:
            await rig.deposit(*[1] * 5)
            assert (await rig.load(version=3)).balance == 3
            assert rig.misses == [(Source.SNAPSHOT, Reason.UNUSABLE)]

    async def test_a_store_that_answers_the_same_for_ever_is_given_up(self) -> None:
        snapshots = Deaf()
        async with Rig(snapshots=snapshots, **snapshotting(4)) as rig:
            await rig.deposit(*[1] * 4)
            await rig.snapshots.plant(rig.snapshots.records()[4], payload=b"{")
            assert (await rig.load()).balance == 4

    async def test_a_state_whose_schema_changed_is_passed_over(self) -> None:
        async with Rig(**snapshotting(2)) as old, old_to(Stricter, old) as new:
            await old.deposit(1, 2, 4)
            with unharmed("a state of another schema failed the load"):
                assert (await new.load()).balance == 7
            assert (Source.SNAPSHOT, Reason.UNUSABLE) in new.misses
            assert new.report.baseline is Source.EMPTY

    async def test_other_code_has_its_own_snapshots(self) -> None:
        async with Rig(Old, **snapshotting(2)) as old, old_to(Account, old) as new:
            await old.deposit(1, 2)
            assert (await new.load()).balance == 3
            assert new.report.baseline is Source.EMPTY
            await new.deposit(4, 8)
            assert list(old.snapshots.records("0")) == [2]

    async def test_named_older_revisions_are_read_where_no_own_one_is_usable(self) -> None:
        async with Rig(Old, **snapshotting(2)) as old, old_to(New, old) as new:
            await old.deposit(1, 2)
            old.events.drop_below(2)
            with unharmed("the older revision was not read"):
                assert (await new.load()).balance == 3
            assert (new.report.baseline, new.report.events_folded) == (Source.SNAPSHOT, 0)

    async def test_no_name_of_a_state_of_an_older_revision_is_unset(self) -> None:
        class Grown(New):
            type_name = "Account"
            revision = "1"
            reads_revisions = ("0",)

            more: int = 0

        async with Rig(Old, **snapshotting(2)) as old, old_to(Grown, old) as new:
            await old.deposit(1, 2)
            assert (await new.load()).model_fields_set == set(Grown.model_fields)
            assert new.report.baseline is Source.SNAPSHOT

    async def test_a_state_of_an_older_revision_is_cached_as_one_of_the_own(self) -> None:
        async with Rig(Old, **snapshotting(2)) as old, old_to(New, old, AlwaysCache()) as new:
            await old.deposit(1, 2)
            await new.load()
            assert new.cache.found.revision == "1"

    async def test_own_snapshots_come_before_those_of_older_revisions(self) -> None:
        async with Rig(Old, **snapshotting(1)) as old, old_to(New, old) as new:
            await new.deposit(1, 2)
            await old.deposit(4)
            assert (await new.load()).balance == 7
            assert new.report.baseline_version == 2

    async def test_a_state_from_an_older_revision_is_kept_under_the_own_one(self) -> None:
        async with Rig(Old, **snapshotting(2)) as old, old_to(New, old) as new:
            await old.deposit(1, 2)
            await new.deposit(4, 8)
            assert [record.revision for record in new.snapshots.records("1").values()] == ["1"]
            assert list(new.snapshots.records("0")) == [2]

    async def test_an_unlisted_older_revision_is_not_read(self) -> None:
        async with Rig(Old, **snapshotting(2)) as old, old_to(Account, old) as new:
            await old.deposit(1, 2)
            old.events.drop_below(2)
            with pytest.raises(StreamTruncatedError) as caught:
                await new.load()
            assert caught.value.revisions == ("0",)
            assert "reads_revisions" in str(caught.value)


class TestOutages:
    """A snapshot store that is down is not a bad record."""

    async def test_by_default_the_events_are_replayed(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(1, 2)
            rig.snapshots.down.add("read")
            with unharmed("the outage reached the caller"):
                assert (await rig.load()).balance == 3
            assert (Source.SNAPSHOT, Reason.UNAVAILABLE) in rig.misses

    async def test_with_fail_the_load_fails(self) -> None:
        async with Rig(**snapshotting(2, on_unavailable="fail")) as rig:
            await rig.deposit(1, 2)
            rig.snapshots.down.add("read")
            with pytest.raises(BackendUnavailableError):
                await rig.load()

    async def test_a_bad_record_is_no_outage(self) -> None:
        async with Rig(**snapshotting(2, on_unavailable="fail", replay_limit=1)) as rig:
            await rig.deposit(1, 2)
            await rig.snapshots.plant(rig.snapshots.records()[2], payload=b"{")
            with unharmed("a bad record was taken for an outage"):
                assert (await rig.load()).balance == 3

    async def test_up_to_the_replay_limit_events_are_folded(self) -> None:
        async with Rig(**snapshotting(2, replay_limit=3)) as rig:
            await rig.deposit(1, 1, 1)
            rig.snapshots.down.add("read")
            assert (await rig.load()).balance == 3
            rig.events.write(1)
            with pytest.raises(BackendUnavailableError, match="replay_limit = 3"):
                await rig.load()

    async def test_the_limit_holds_only_while_the_store_is_down(self) -> None:
        async with Rig(**snapshotting(100, replay_limit=3)) as rig:
            rig.events.write(1, 1, 1, 1)
            with unharmed("the limit held though the store was up"):
                assert (await rig.load()).balance == 4

    async def test_a_store_that_never_answers_counts_as_down(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(1, 2)
            rig.snapshots.timeout = timedelta(milliseconds=1)
            rig.snapshots.hold("read")
            assert (await ended(rig.load())).balance == 3
            assert rig.misses == [(Source.SNAPSHOT, Reason.UNAVAILABLE)]

    async def test_other_revisions_are_not_asked_of_a_store_that_is_down(self) -> None:
        async with Rig(New, **snapshotting(2)) as rig:
            await rig.deposit(1, 2)
            rig.snapshots.down.add("read")
            rig.snapshots.calls.clear()
            await rig.load()
            assert rig.snapshots.calls == ["read"]


class Deaf(Snapshots):
    """Gives the newest snapshot, whatever is asked for."""

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        return await super().read(key)


class Lying(Snapshots):
    """Gives one record changed."""

    def lie_about(self, version: int, changes: dict[str, Any]) -> None:
        self.lie = (version, changes)

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        record = await super().read(key, at_or_below)
        version, changes = getattr(self, "lie", (None, {}))
        if record is not None and record.version == version:
            return record._replace(**changes)
        return record


def old_to(cls: type[Account], old: Rig, caching: CacheStrategy | None = None) -> Rig:
    """A process with newer code."""
    registration = old.registration | ({} if caching is None else {"cache_strategy": caching})
    return Rig(cls, events=old.events, snapshots=old.snapshots, **registration)
