"""Stores that fail, lag and lie where a test armed them to, and count what bit.

A fault stays armed until a call comes that it can bite: a read can only be answered with an older
record where there is one. No fault forges a state with a right checksum.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from interlock._model.aggregate import origin_of, set_origin
from interlock._storage.memory import InMemoryEventStore
from interlock.application.aggregates import (
    AggregateCacheBackend,
    AggregateSnapshotStorageBackend,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
)
from interlock.backends import (
    AggregateRecord,
    EventRow,
    RecordKey,
    SnapshotStore,
    Stamp,
    StoredEvent,
)
from interlock.domain import Aggregate, ConcurrencyError
from interlock.errors import BackendUnavailableError, RecordUnusableError

T = TypeVar("T")
Subject = tuple[str, UUID]

READ_FAULTS = ("fails", "missing", "stale", "foreign", "corrupt", "other-revision", "ghost")
PUT_FAULTS = ("put-fails", "put-fails-late", "put-dropped", "put-lags")
REMOVE_FAULTS = ("remove-fails",)
APPEND_FAULTS = ("lost-before", "lost-after", "lost-late", "refused", "unreachable")
STREAM_FAULTS = ("read-fails", "read-breaks")
INTRUSIONS = ("written-before-append", "written-before-read", "written-after-read")
FAILURES = (
    lambda: OSError("the server is down"),
    lambda: TimeoutError("the driver waited long enough"),
    lambda: BackendUnavailableError("not now"),
    lambda: KeyError("a bug in a driver"),
)


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """Something that a store was given once."""

    version: int
    value: T


class Faults(Generic[T]):
    """What is armed on one store of states, and what that store was ever given.

    `lost` holds what was given for a stream that was then restored: ahead of it, or of another
    branch.
    """

    def __init__(self, where: str, bites: Counter[str], turns: int) -> None:
        self.where = where
        self.bites = bites
        self.turns = turns
        self.failed = 0
        self.taken = 0
        self.haunted: set[Subject] = set()
        self.kept: defaultdict[Subject, list[Kept[T]]] = defaultdict(list)
        self.lost: defaultdict[Subject, list[Kept[T]]] = defaultdict(list)
        self._armed: list[str] = []
        self._lagging: list[tuple[Subject, Callable[[], Awaitable[None]]]] = []
        self.calls = 0
        self._stubborn = 0  # so many removals fail as well

    def arm(self, fault: str) -> None:
        if fault not in self._armed:
            self._armed.append(fault)

    def takes(self, fault: str) -> bool:
        if fault not in self._armed:
            return False
        self._armed.remove(fault)
        self.taken += 1
        self.bites[f"{self.where} {fault}"] += 1
        return True

    def restored(self, subject: Subject, version: int) -> None:
        """The stream ends at this version again, or there is none, at 0."""
        kept = self.kept[subject]
        self.lost[subject] += [one for one in kept if one.version > version]
        self.kept[subject] = [one for one in kept if one.version <= version]
        self._lagging = [late for late in self._lagging if late[0] != subject]

    async def begin(self, fault: str) -> None:
        """What happens at the start of a call: turns pass, lagging puts arrive, or it fails."""
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.calls += 1
        if self._lagging and self.calls % 2 == 0:
            _, arrive = self._lagging.pop(0)
            await arrive()
        if fault == "remove-fails" and self._stubborn:
            self._stubborn -= 1
            self.fail()
        if self.takes(fault):
            self._stubborn = 12 if fault == "remove-fails" else 0
            self.fail()

    def fail(self) -> None:
        self.failed += 1
        failure = FAILURES[self.failed % len(FAILURES)]()
        raise failure

    def lag(self, subject: Subject, put: Callable[[], Awaitable[None]]) -> None:
        self._lagging.append((subject, put))

    def keep(self, subject: Subject, version: int, value: T) -> None:
        self.kept[subject].append(Kept(version, value))

    def answer(
        self, subject: Subject, found: Kept[T] | None, bound: int | None
    ) -> tuple[str, T | None]:
        """Which read fault bites, and what it answers with; "" for the honest answer."""
        for fault in list(self._armed):
            answer = self._tried(fault, subject, found, bound)
            if answer is not None and self.takes(fault):
                return fault, answer.value
        if found is not None and "missing" in self._armed and self.takes("missing"):
            return "missing", None
        return "", None if found is None else found.value

    def _tried(
        self, fault: str, subject: Subject, found: Kept[T] | None, bound: int | None
    ) -> Kept[T] | None:
        if fault in ("corrupt", "other-revision"):
            return found
        if fault == "stale" and found is not None:
            older = [one for one in self.kept[subject] if one.version < found.version]
            return older[len(older) // 2] if older else None
        if fault == "foreign":
            others = [one for key, kept in self.kept.items() if key != subject for one in kept[-1:]]
            return others[-1] if others else None
        if fault == "ghost":
            ghosts = [one for one in self.lost[subject] if bound is None or one.version <= bound]
            if ghosts:
                self.haunted.add(subject)
                return ghosts[-1]
        return None


def _subject(key: RecordKey) -> Subject:
    return key.aggregate_type, key.aggregate_id


def _from_blob(fault: str, record: AggregateRecord, count: int) -> AggregateRecord:
    """The record as a store that keeps blobs reads it back, some of them damaged."""
    if fault == "other-revision":
        # What the other code made of the same events: it has another meaning.
        payload = record.payload.removesuffix(b"}") + b',"owner":"other","points":-1}'
        record = replace(record, revision="6", payload=payload)
    blob = record.to_bytes()
    if fault == "corrupt":
        blob = _flipped(blob, blob.rindex(record.payload), len(blob) - 16, count)
    try:
        return AggregateRecord.from_bytes(blob, key=record.key)
    except RecordUnusableError as error:
        raise RecordUnusableError(str(error), version=record.version) from error


def _flipped(blob: bytes, start: int, stop: int, count: int) -> bytes:
    """Another digit in the place of one of those between the bounds; each time of another one."""
    digits = [index for index in range(start, stop) if blob[index : index + 1].isdigit()]
    index = digits[-1 - count % len(digits)] if digits else start
    return blob[:index] + (b"1" if blob[index] != ord("1") else b"2") + blob[index + 1 :]


class RecordCache(InMemoryAggregateCacheBackend):
    """A cache of records, kept as blobs."""

    timeout: timedelta | None

    def __init__(self, faults: Faults[AggregateRecord], timeout: timedelta | None) -> None:
        super().__init__()
        self.faults = faults
        self.timeout, self.is_local = timeout, timeout is None

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        await self.faults.begin("fails")
        record = await super().read(key)
        found = None if record is None else Kept(record.version, record)
        fault, answer = self.faults.answer(_subject(key), found, None)
        return None if answer is None else _from_blob(fault, answer, self.faults.calls)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self.faults.begin("put-fails")
        self.faults.keep(_subject(key), record.version, record)
        put = super().put
        if self.faults.takes("put-dropped"):
            return
        if self.faults.takes("put-lags"):
            self.faults.lag(_subject(key), lambda: put(key, record, supersedes))
            return
        await put(key, record, supersedes)
        if self.faults.takes("put-fails-late"):
            self.faults.fail()

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        await self.faults.begin("remove-fails")
        await super().remove(key, stamp)

    def evict(self) -> None:
        self._records.clear()


class RecordSnapshots(InMemoryAggregateSnapshotStorageBackend):
    """A snapshot store of records, kept as blobs."""

    timeout: timedelta | None

    def __init__(
        self, faults: Faults[AggregateRecord], timeout: timedelta | None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.faults = faults
        self.timeout, self.is_local = timeout, timeout is None

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        await self.faults.begin("fails")
        record = await super().read(key, at_or_below)
        found = None if record is None else Kept(record.version, record)
        fault, answer = self.faults.answer(_subject(key), found, at_or_below)
        return None if answer is None else _from_blob(fault, answer, self.faults.calls)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self.faults.begin("put-fails")
        self.faults.keep(_subject(key), record.version, record)
        put = super().put
        if self.faults.takes("put-dropped"):
            return
        if self.faults.takes("put-lags"):
            self.faults.lag(_subject(key), lambda: put(key, record, supersedes))
            return
        await put(key, record, supersedes)
        if self.faults.takes("put-fails-late"):
            self.faults.fail()

    async def forget(self, key: RecordKey) -> int:
        await self.faults.begin("fails")
        return await super().forget(key)

    def evict(self) -> None:
        self._records.clear()


def _of_other_code(state: Aggregate) -> Aggregate:
    """What the other code made of the same events: it has another meaning."""
    other, origin = state.model_copy(), origin_of(state)
    for name, value in (("owner", "other"), ("points", -1)):
        if name in type(state).model_fields:
            setattr(other, name, value)
    set_origin(other, origin and origin._replace(revision="6"))
    return other


class Plain(AggregateCacheBackend, AggregateSnapshotStorageBackend):
    """Written by hand, for one aggregate type: keeps the stamped JSON, or the very object.

    Unlike the record stores it lets the last put win.
    """

    def __init__(self, faults: Faults[Any], name: str, *, shares: bool) -> None:
        self.faults = faults
        self._name = name
        self._shares = shares
        self._rows: defaultdict[UUID, dict[int, Kept[Any]]] = defaultdict(dict)

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        return await self.load_snapshot(aggregate_id)

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        await self._put(aggregate, keeps_history=False)

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        await self.faults.begin("remove-fails")
        self._rows.pop(aggregate_id, None)

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        await self._put(aggregate, keeps_history=True)

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        await self.faults.begin("fails")
        rows = self._rows[aggregate_id]
        below = [v for v in rows if intended_version is None or v <= intended_version]
        found = rows[max(below)] if below else None
        fault, answer = self.faults.answer((self._name, aggregate_id), found, intended_version)
        return None if answer is None else self._decoded(fault, answer)

    async def _put(self, aggregate: Aggregate, *, keeps_history: bool) -> None:
        await self.faults.begin("put-fails")
        value = aggregate if self._shares else aggregate.model_dump_json()
        kept = Kept(aggregate.version, value)
        subject = (self._name, aggregate.id)
        self.faults.keep(subject, kept.version, kept.value)
        if self.faults.takes("put-dropped"):
            return
        if self.faults.takes("put-lags"):
            self.faults.lag(subject, lambda: self._store(aggregate.id, kept, keeps_history))
            return
        await self._store(aggregate.id, kept, keeps_history)
        if self.faults.takes("put-fails-late"):
            self.faults.fail()

    async def _store(self, aggregate_id: UUID, kept: Kept[Any], keeps_history: bool) -> None:  # noqa: FBT001 a callback's
        rows = self._rows[aggregate_id]
        if not keeps_history:
            rows.clear()
        rows[kept.version] = kept

    def _decoded(self, fault: str, value: Any) -> Aggregate:
        if fault == "corrupt" and self._shares:
            unstamped: Aggregate = type(value)(**dict(value))
            return unstamped
        if fault == "corrupt":
            text = value.encode()
            start, stop = text.index(b'"version":'), text.index(b'"interlock_stamp"')
            return Aggregate.model_validate_json(_flipped(text, start, stop, self.faults.calls))
        found: Aggregate = value if self._shares else Aggregate.model_validate_json(value)
        return _of_other_code(found) if fault == "other-revision" else found

    def evict(self) -> None:
        self._rows.clear()


class Events(InMemoryEventStore):
    """Small chunks, turns between them, and other writers that come at the worst moment."""

    def __init__(self, bites: Counter[str], turns: int, chunk: int, *, reads_ahead: bool) -> None:
        super().__init__()
        self.bites = bites
        self.reads_ahead = reads_ahead
        self.turns = turns
        self.chunk = chunk
        self.failed = 0
        self.intrude: Callable[[Subject], bool] = lambda _: False
        self.dawdle: Callable[[], None] = lambda: None
        self._armed: list[str] = []
        self._unreachable = 0
        self._landing: tuple[Sequence[StoredEvent], tuple[int, UUID] | None] | None = None

    def arm(self, fault: str) -> None:
        if fault not in self._armed:
            self._armed.append(fault)

    def _takes(self, fault: str) -> bool:
        if fault not in self._armed:
            return False
        self._armed.remove(fault)
        self.bites[f"events {fault}"] += 1
        self.failed += 1
        return True

    def _fail(self) -> None:
        failure = FAILURES[self.failed % len(FAILURES)]()
        raise failure

    def _intrude(self, when: str, subject: Subject) -> bool:
        if when in self._armed and self.intrude(subject):
            self._armed.remove(when)
            self.bites[f"events {when}"] += 1
            return True
        return False

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        await self._turn()
        self._intrude("written-before-append", (events[0].aggregate_type, events[0].aggregate_id))
        if self._takes("refused"):
            raise BackendUnavailableError("the disk is full", nothing_done=True)
        if self._takes("lost-before"):
            self._fail()
        if self._takes("lost-late"):
            self._landing = (events, after)  # under way still, when the caller hears of a failure
            self._fail()
        if self._landing is not None:
            landing, self._landing = self._landing, None
            with suppress(ConcurrencyError):
                await super().append(landing[0], after=landing[1])
        await super().append(events, after=after)
        await self._turn()
        if self._takes("lost-after"):
            self._fail()
        if self._takes("unreachable"):
            self._unreachable = 4
            self._fail()

    async def read_many(
        self, aggregate_type: str, first: Mapping[UUID, int]
    ) -> AsyncIterator[tuple[UUID, Sequence[EventRow]]]:
        for aggregate_id, version in first.items():
            async for rows in self.read(aggregate_type, aggregate_id, first=version):
                yield aggregate_id, rows

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        await self._turn()
        if self._unreachable:
            self._unreachable -= 1
            self.failed += 1
            self._fail()
        if self._takes("read-fails"):
            self._fail()
        self._intrude("written-before-read", (aggregate_type, aggregate_id))
        rows = self.rows((aggregate_type, aggregate_id))[first - 1 if first else 0 : last]
        for start in range(0, len(rows), self.chunk):
            if start and self._takes("read-breaks"):
                self._fail()
            yield rows[start : start + self.chunk]
            await self._turn()
        if self._intrude("written-after-read", (aggregate_type, aggregate_id)):
            self.dawdle()

    def keeps_beside(self, snapshots: SnapshotStore) -> bool:
        return self.reads_ahead

    async def read_from_snapshot(
        self, snapshots: SnapshotStore, key: RecordKey, *, last: int | None = None
    ) -> tuple[AggregateRecord | None, AsyncIterator[Sequence[EventRow]]]:
        record = await snapshots.read(key, last)
        first = 1 if record is None else max(record.version, 1)
        chunks = self.read(key.aggregate_type, key.aggregate_id, first=first, last=last)
        rows = await anext(chunks, None)
        self.bites["events read ahead"] += 1
        return record, _resumed(rows, chunks)

    def rows(self, subject: Subject) -> list[EventRow]:
        return list(self._streams.get(subject, ()))

    def restore(self, subject: Subject, version: int) -> None:
        """As it was in a backup."""
        self._landing = None
        stream = self._streams.pop(subject, [])[:version]
        if stream:
            self._streams[subject] = stream

    def write(self, subject: Subject, rows: Sequence[EventRow]) -> None:
        """As another process appends."""
        self._streams.setdefault(subject, []).extend(rows)

    async def _turn(self) -> None:
        for _ in range(self.turns):
            await asyncio.sleep(0)


async def _resumed(
    rows: Sequence[EventRow] | None, chunks: AsyncIterator[Sequence[EventRow]]
) -> AsyncIterator[Sequence[EventRow]]:
    if rows is not None:
        yield rows
        async for more in chunks:
            yield more
