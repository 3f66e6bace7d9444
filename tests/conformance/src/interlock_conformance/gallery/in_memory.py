"""Correct backends in memory, for the bugs of backends that wait between two steps."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    ConcurrencyError,
    EventRow,
    RecordCacheBackend,
    RecordKey,
    RecordSnapshotBackend,
    Scope,
    SnapshotStore,
    Stamp,
    StoredEvent,
    in_chunks,
    newer,
)


class Events:
    """Keeps streams, see `interlock.backends.EventStore`; reads from snapshots, and to fold."""

    timeout = None

    def __init__(self) -> None:
        self._streams: dict[tuple[str, UUID], list[EventRow]] = {}

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        name = events[0].aggregate_type, events[0].aggregate_id
        found = await self.head(*name)
        if found != after:
            raise ConcurrencyError(f"{name}: the head is {found}, not {after}")
        self._streams.setdefault(name, []).extend(event.row() for event in events)

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        stream = self._streams.get((aggregate_type, aggregate_id), [])
        deleted = stream[0].version - 1 if stream else 0
        start = max(first - 1 - deleted, 0)
        stop = len(stream) if last is None else min(last - deleted, len(stream))
        for chunk in in_chunks(stream[place] for place in range(start, stop)):
            yield chunk

    async def read_to_fold(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        async for chunk in self.read(aggregate_type, aggregate_id, first=first, last=last):
            yield [(*row[:5], None, row[6]) for row in chunk]  # type: ignore[misc] # plain tuples

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        stream = self._streams.get((aggregate_type, aggregate_id))
        return (stream[-1].version, UUID(bytes=stream[-1].event_id)) if stream else None

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        stream = self._streams.pop((aggregate_type, aggregate_id), [])
        kept = [row for row in stream if below is not None and row.version >= below]
        if kept:
            self._streams[aggregate_type, aggregate_id] = kept
        return len(stream) - len(kept)

    def keeps_beside(self, snapshots: SnapshotStore) -> bool:
        return isinstance(snapshots, Snapshots)

    async def read_from_snapshot(
        self, snapshots: SnapshotStore, key: RecordKey, *, last: int | None = None
    ) -> tuple[AggregateRecord | None, AsyncIterator[Sequence[EventRow]]]:
        record = await snapshots.read(key, last)
        first = 1 if record is None else record.version
        return record, self.read(key.aggregate_type, key.aggregate_id, first=first, last=last)


class Snapshots(RecordSnapshotBackend):
    """Keeps the newest record of each key, see `interlock.backends.SnapshotStore`."""

    timeout = None

    def __init__(self) -> None:
        self._records: dict[RecordKey, AggregateRecord] = {}

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        found = self._records.get(key)
        is_above = found is not None and at_or_below is not None and found.version > at_or_below
        return None if is_above else found

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        return {key: self._records[key] for key in keys if key in self._records}

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        for stamp in supersedes:
            await self.remove(key._replace(revision=stamp.revision), stamp)
        kept = self._records.pop(key, None)
        if kept is not None and kept.stamp not in supersedes and kept.version > record.version:
            record = kept
        self._records[key] = record

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        found = self._records.get(key)
        if found is not None and found.stamp == stamp:
            del self._records[key]

    async def revisions(self, key: RecordKey) -> Collection[str]:
        return [
            found.revision
            for found in sorted(self._records, key=lambda k: self._records[k].taken_at)[::-1]
            if (found.namespace, found.aggregate_type, found.aggregate_id)
            == (key.namespace, key.aggregate_type, key.aggregate_id)
        ]

    async def ids(self, scope: Scope) -> AsyncIterator[UUID]:
        for key in [key for key in self._records if scope.key(key.aggregate_id) == key]:
            yield key.aggregate_id

    async def prune(self, scope: Scope) -> int:
        return 0


class Cache(RecordCacheBackend):
    """Keeps records, see `interlock.backends.CacheStore`."""

    timeout = None

    def __init__(self) -> None:
        self._records: dict[RecordKey, AggregateRecord] = {}

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        return self._records.get(key)

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        return {key: self._records[key] for key in keys if key in self._records}

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        found = self._records.pop(key, None)
        if found is not None and found.stamp not in supersedes:
            record = newer(found, record)
        self._records[key] = record

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        found = self._records.get(key)
        if found is not None and stamp in (None, found.stamp):
            del self._records[key]
