"""The event store and the snapshot store, and each as a process sees it: behind its wire."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

from interlock.application.aggregates import (
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
)
from interlock.backends import (
    AggregateRecord,
    EventRow,
    RecordKey,
    RecordSnapshotBackend,
    Scope,
    SnapshotStore,
    Stamp,
    StoredEvent,
)
from interlock.errors import BackendUnavailableError, RecordUnusableError
from surroundings import READ_FAULTS, WRITE_FAULTS, Fault, Wire

TYPE = "Account"


@dataclass
class Stream:
    """The events of one id with the times at which they came to stand, now and in the past."""

    rows: Sequence[EventRow]
    stood_at: list[float]


class Events(InMemoryEventStore):
    """The event store itself; keeps each stream as it was before it was rolled back or deleted."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._time = clock
        self.stood_at: dict[UUID, list[float]] = defaultdict(list)
        self.past: dict[UUID, list[Stream]] = defaultdict(list)
        self.deleted_at: dict[UUID, float] = {}
        self._archived: dict[UUID, Sequence[EventRow]] = {}
        self.has_gaps = False
        """Whether an event in the middle is missing in what is read."""

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        await super().append(events, after=after)
        self.stood_at[events[0].aggregate_id] += [self._time()] * len(events)

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        if below is not None:
            stream = self._streams[TYPE, aggregate_id]
            self._archived[aggregate_id] = [row for row in stream if row.version < below]
            return await super().delete(aggregate_type, aggregate_id, below=below)
        self._cut(aggregate_id, 0)
        self.deleted_at[aggregate_id] = self._time()
        return 0

    def roll_back(self, moment: float) -> None:
        """Be as it was at a moment; what was deleted since isn't brought back."""
        for aggregate_id, times in self.stood_at.items():
            self._cut(aggregate_id, len([time for time in times if time <= moment]))

    def stands(self, aggregate_id: UUID, event: tuple[int, UUID] | None) -> bool:
        """Tell whether the event is one of the stream."""
        rows = self._streams.get((TYPE, aggregate_id), ())
        return event is None or (event[0], event[1].bytes) in {row[:2] for row in rows}

    def now(self, aggregate_id: UUID) -> Stream:
        """Give the stream as it is."""
        rows = [row for rows in self._chunks(TYPE, aggregate_id, 1, None) for row in rows]
        rows = [*self._archived.get(aggregate_id, ()), *rows]
        return Stream(rows, [*self.stood_at[aggregate_id]])

    def _cut(self, aggregate_id: UUID, length: int) -> None:
        stream = self._streams.get((TYPE, aggregate_id))
        if stream is None or length == len(stream):
            return
        self.past[aggregate_id].append(self.now(aggregate_id))
        self.stood_at[aggregate_id] = self.stood_at[aggregate_id][:length]
        if length:
            self._streams[TYPE, aggregate_id] = stream[:length]
        else:
            del self._streams[TYPE, aggregate_id]


class Snapshots(InMemoryAggregateSnapshotStorageBackend):
    """The snapshot store itself."""

    def newest(self, aggregate_id: UUID, revision: str) -> int:
        """Give the version of the newest snapshot, 0 if there is none."""
        found = [ids.get(aggregate_id, {}).get(revision, {}) for ids in self._records.values()]
        return max((version for versions in found for version in versions), default=0)


class RemoteEvents:
    """The event store as one process sees it."""

    timeout: timedelta | None = timedelta(seconds=1)
    is_local = False

    def __init__(self, wire: Wire, store: Events, *, is_safe: bool) -> None:
        self._wire = wire
        self._store = store
        self._reads = () if is_safe else READ_FAULTS
        self._writes = () if is_safe else (*WRITE_FAULTS, Fault.REFUSED)
        self._breaks = () if is_safe else (Fault.BROKEN_OFF,)
        self.refuses = False
        """Whether it says that it has done nothing where an event is gone, and not why."""
        self.rows_read = 0
        self.breaks_down = False
        """Whether it can't be read for a while after a request to append that failed."""
        self._down_until = 0.0

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        async def append() -> None:
            if self.refuses and not self._store.stands(events[0].aggregate_id, after):
                raise BackendUnavailableError("no such event", nothing_done=True)
            await self._store.append(events, after=after)

        try:
            await self._wire.call(append, self._writes)
        except BaseException:
            if self.breaks_down:
                around = self._wire.surroundings
                self._down_until = around.loop.time() + around.choices.one_of((0.0, 0.0, 0.5, 1.0))
            raise

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        if self._wire.surroundings.loop.time() < self._down_until:
            await asyncio.sleep(0.001)
            raise BackendUnavailableError("down")

        async def rows() -> list[EventRow]:
            chunks = self._store.read(aggregate_type, aggregate_id, first=first, last=last)
            return [row async for chunk in chunks for row in chunk]

        async for chunk in self._broken_up(await self._wire.call(rows, self._reads)):
            yield chunk

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        return await self._wire.call(
            lambda: self._store.head(aggregate_type, aggregate_id), self._reads
        )

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        return await self._wire.call(
            lambda: self._store.delete(aggregate_type, aggregate_id, below=below), self._writes
        )

    async def _broken_up(self, found: list[EventRow]) -> AsyncIterator[Sequence[EventRow]]:
        around = self._wire.surroundings
        self.rows_read += len(found)
        if self._store.has_gaps and len(found) > 2:
            del found[1 + around.choices.below(len(found) - 2)]
        while found:
            size = 1 + around.choices.below(len(found))
            yield found[:size]
            found = found[size:]
            if found and around.fault(self._breaks) is not Fault.NONE:
                raise BackendUnavailableError(Fault.BROKEN_OFF)


class ConfirmingEvents(RemoteEvents):
    """An event store that confirms heads."""

    async def is_head(
        self, aggregate_type: str, aggregate_id: UUID, version: int, event_id: UUID
    ) -> bool:
        async def is_head() -> bool:
            return await self._store.head(aggregate_type, aggregate_id) == (version, event_id)

        return await self._wire.call(is_head, self._reads)


class RemoteDatabase(RemoteEvents):
    """An event store that reads many streams at once, and a snapshot with the events after it."""

    async def read_many(
        self, aggregate_type: str, first: Mapping[UUID, int]
    ) -> AsyncIterator[tuple[UUID, Sequence[EventRow]]]:
        async def rows() -> dict[UUID, list[EventRow]]:
            found: dict[UUID, list[EventRow]] = {}
            async for aggregate_id, chunk in self._store.read_many(aggregate_type, first):
                found.setdefault(aggregate_id, []).extend(chunk)
            return found

        found = await self._wire.call(rows, self._reads)
        for aggregate_id, stream in found.items():
            async for chunk in self._broken_up(stream):
                yield aggregate_id, chunk

    def keeps_beside(self, snapshots: SnapshotStore) -> bool:
        return isinstance(snapshots, RemoteSnapshots)

    async def read_from_snapshot(
        self, snapshots: SnapshotStore, key: RecordKey, *, last: int | None = None
    ) -> tuple[AggregateRecord | None, AsyncIterator[Sequence[EventRow]]]:
        beside = cast("RemoteSnapshots", snapshots)  # what `keeps_beside` was asked

        async def both() -> tuple[AggregateRecord | None, list[EventRow]]:
            record = await beside.stored(key, last)
            first = 1 if record is None else record.version
            chunks = self._store.read(key.aggregate_type, key.aggregate_id, first=first, last=last)
            return record, [row async for chunk in chunks for row in chunk]

        record, rows = await self._wire.call(both, self._reads)
        return record, self._broken_up(rows)


class RemoteSnapshots(RecordSnapshotBackend):
    """The snapshot store as one process sees it."""

    timeout: timedelta | None = timedelta(seconds=1)
    is_local = False

    def __init__(self, wire: Wire, store: InMemoryAggregateSnapshotStorageBackend) -> None:
        self._wire = wire
        self._store = store
        self.is_down = False

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        return await self._wire.call(lambda: self.stored(key, at_or_below), READ_FAULTS)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self._wire.call(lambda: self._store.put(key, record, supersedes), WRITE_FAULTS)

    async def revisions(self, key: RecordKey) -> Collection[str]:
        return await self._wire.call(lambda: self._store.revisions(key), READ_FAULTS)

    async def prune(self, scope: Scope) -> int:
        return await self._wire.call(lambda: self._store.prune(scope), WRITE_FAULTS)

    async def forget(self, key: RecordKey) -> int:
        return await self._wire.call(lambda: self._store.forget(key), WRITE_FAULTS)

    async def stored(self, key: RecordKey, at_or_below: int | None) -> AggregateRecord | None:
        """Read as it is done in the store itself."""
        if self.is_down:
            raise BackendUnavailableError("the snapshot store is down")
        record = await self._store.read(key, at_or_below)
        if record is not None and self._wire.surroundings.fault([Fault.DAMAGED]) is Fault.DAMAGED:
            raise RecordUnusableError("not a record", version=record.version)
        if record is not None and self._wire.surroundings.fault([Fault.GARBLED]) is Fault.GARBLED:
            return record._replace(payload=record.payload[:-1])
        return record
