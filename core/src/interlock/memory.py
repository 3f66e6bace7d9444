"""The null and memory forms of every port: the reference for authors of backends."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import timedelta
from uuid import UUID

from interlock.adapters import RecordCacheBackend, RecordSnapshotBackend
from interlock.errors import ConcurrencyError
from interlock.records import (
    AggregateRecord,
    EventRow,
    RecordKey,
    Scope,
    Stamp,
    StoredEvent,
)

_CHUNK = 500


class NullAggregateSnapshotStorageBackend(RecordSnapshotBackend):
    """Keeps no snapshots."""

    timeout = None

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        """None."""
        return None

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """Nothing."""

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        """Nothing."""

    async def revisions(self, key: RecordKey) -> Collection[str]:
        """None."""
        return ()

    async def ids(self, scope: Scope) -> AsyncIterator[UUID]:
        """None."""
        no_ids: tuple[UUID, ...] = ()
        for aggregate_id in no_ids:
            yield aggregate_id

    async def prune(self, scope: Scope) -> int:
        """0."""
        return 0


class InMemoryAggregateSnapshotStorageBackend(RecordSnapshotBackend):
    """Keeps snapshots in this process, for tests and development.

    `keep` records of a revision and `keep_revisions` revisions of an aggregate are kept, the
    newest.
    """

    timeout = None

    def __init__(self, *, keep: int = 1, keep_revisions: int = 2) -> None:
        self._keep = keep
        self._keep_revisions = keep_revisions
        # (namespace, type) -> id -> revision, the most recently taken last -> version -> record
        self._records: dict[tuple[str, str], dict[UUID, dict[str, dict[int, AggregateRecord]]]] = {}

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        """See `SnapshotStore.read`."""
        versions = self._revisions(key).get(key.revision, {})
        bounded = [v for v in versions if at_or_below is None or v <= at_or_below]
        return versions[max(bounded)] if bounded else None

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """See `SnapshotStore.put`."""
        for stamp in supersedes:
            await self.remove(key, stamp)
        ids = self._records.setdefault((key.namespace, key.aggregate_type), {})
        revisions = ids.setdefault(key.aggregate_id, {})
        versions = revisions.pop(key.revision, {})
        versions[record.version] = record
        revisions[key.revision] = versions  # now the most recently taken
        self._retain(revisions)

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        """See `SnapshotStore.remove`."""
        versions = self._revisions(key).get(stamp.revision, {})
        record = versions.get(stamp.version)
        if record is not None and record.stamp == stamp:
            del versions[stamp.version]

    async def revisions(self, key: RecordKey) -> Collection[str]:
        """See `SnapshotStore.revisions`."""
        return [name for name, versions in reversed(self._revisions(key).items()) if versions]

    async def ids(self, scope: Scope) -> AsyncIterator[UUID]:
        """See `SnapshotStore.ids`."""
        ids = self._records.get((scope.namespace, scope.aggregate_type), {})
        for aggregate_id in [i for i, revisions in ids.items() if revisions.get(scope.revision)]:
            yield aggregate_id

    async def prune(self, scope: Scope) -> int:
        """See `SnapshotStore.prune`."""
        ids = self._records.get((scope.namespace, scope.aggregate_type), {})
        return sum(self._retain(revisions) for revisions in ids.values())

    def _revisions(self, key: RecordKey) -> dict[str, dict[int, AggregateRecord]]:
        return self._records.get((key.namespace, key.aggregate_type), {}).get(key.aggregate_id, {})

    def _retain(self, revisions: dict[str, dict[int, AggregateRecord]]) -> int:
        before = sum(map(len, revisions.values()))
        for name in [name for name, versions in revisions.items() if not versions]:
            del revisions[name]
        for name in list(revisions)[: -self._keep_revisions]:
            del revisions[name]
        for versions in revisions.values():
            for version in sorted(versions)[: -self._keep]:
                del versions[version]
        return before - sum(map(len, revisions.values()))


class NullAggregateCacheBackend(RecordCacheBackend):
    """Caches nothing."""

    timeout = None

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        """None."""
        return None

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """Nothing."""

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        """Nothing."""


class InMemoryAggregateCacheBackend(RecordCacheBackend):
    """Caches in this process: the `size` most recently used records, for as long as it lives.

    Records are immutable and are kept encoded, so that nothing handed out is shared.
    """

    timeout = None

    def __init__(self, *, size: int = 10_000) -> None:
        self._size = size
        self._records: dict[RecordKey, AggregateRecord] = {}  # the most recently used last

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        """See `CacheStore.read`."""
        record = self._records.pop(key, None)
        if record is not None:
            self._records[key] = record
        return record

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """See `CacheStore.put`."""
        found = self._records.pop(key, None)
        if found is not None and found.stamp not in supersedes:
            record = newer(found, record)
        self._records[key] = record
        if len(self._records) > self._size:
            del self._records[next(iter(self._records))]

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        """See `CacheStore.remove`."""
        found = self._records.get(key)
        if found is not None and (stamp is None or stamp == found.stamp):
            del self._records[key]


def newer(found: AggregateRecord, record: AggregateRecord) -> AggregateRecord:
    """Which record a cache keeps where `found` stands and `record` is put: see `CacheStore.put`."""
    if found.version > record.version:
        return found
    if found.stamp == record.stamp and found.verified_at > record.verified_at:
        return found
    return record


class InMemoryEventStore:
    """Keeps streams in this process."""

    timeout: timedelta | None = None

    def __init__(self) -> None:
        self._streams: dict[tuple[str, UUID], list[EventRow]] = {}

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        """See `EventStore.append`."""
        first = events[0]
        found = await self.head(first.aggregate_type, first.aggregate_id)
        if found != after:
            raise ConcurrencyError(
                f"{first.aggregate_type} {first.aggregate_id}: the head is {found}, wanted {after}"
            )
        stream = self._streams.setdefault((first.aggregate_type, first.aggregate_id), [])
        stream.extend(event.row() for event in events)

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        """See `EventStore.read`."""
        stream = self._streams.get((aggregate_type, aggregate_id), [])
        offset = stream[0].version if stream else 1
        start = max(first - offset, 0)
        stop = len(stream) if last is None else min(last - offset + 1, len(stream))
        for index in range(start, stop, _CHUNK):
            yield stream[index : min(index + _CHUNK, stop)]

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        """See `EventStore.head`."""
        stream = self._streams.get((aggregate_type, aggregate_id))
        return (stream[-1].version, UUID(bytes=stream[-1].event_id)) if stream else None

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        """See `EventStore.delete`."""
        stream = self._streams.get((aggregate_type, aggregate_id), [])
        kept = [row for row in stream if below is not None and row.version >= below]
        deleted = len(stream) - len(kept)
        if kept:
            self._streams[aggregate_type, aggregate_id] = kept
        elif stream:
            del self._streams[aggregate_type, aggregate_id]
        return deleted
