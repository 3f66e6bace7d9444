"""Backends that store nothing or keep it in memory: the reference for authors of backends."""

import math
import time
from bisect import bisect
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import UTC, datetime, timedelta
from uuid import UUID

from interlock._storage.event_backends import EventStoreBackend, conflict, frozen, in_chunks
from interlock._storage.record_backends import RecordCacheBackend, RecordSnapshotBackend
from interlock._storage.records import (
    AggregateRecord,
    EventRow,
    RecordKey,
    Scope,
    Stamp,
    StoredEvent,
)
from interlock._storage.replacing import newer

_TOMBSTONE_STANDS = timedelta(days=1)


class NullAggregateSnapshotStorageBackend(RecordSnapshotBackend):
    """Keeps no snapshots."""

    timeout: timedelta | None = None
    is_local = True

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        return None

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        pass

    async def revisions(self, key: RecordKey) -> Collection[str]:
        return ()

    async def prune(self, scope: Scope) -> int:
        return 0

    async def forget(self, key: RecordKey) -> int:
        return 0


class InMemoryAggregateSnapshotStorageBackend(RecordSnapshotBackend):
    """Keeps snapshots in this process, for tests and development.

    `keep` records of a revision and `keep_revisions` revisions of an aggregate are kept, the
    newest. `clock` dates tombstones.
    """

    timeout: timedelta | None = None
    is_local = True

    def __init__(
        self,
        *,
        keep: int = 1,
        keep_revisions: int = 2,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._tombstones: dict[tuple[str, str, UUID], datetime] = {}  # the latest last
        self._keep = keep
        self._keep_revisions = keep_revisions
        # (namespace, type) -> id -> revision, the last one put last -> version -> record
        self._records: dict[tuple[str, str], dict[UUID, dict[str, dict[int, AggregateRecord]]]] = {}

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        versions = self._revisions(key).get(key.revision, {})
        bounded = [v for v in versions if at_or_below is None or v <= at_or_below]
        return versions[max(bounded)] if bounded else None

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        if self._is_buried(key, record):
            return
        for stamp in supersedes:
            await self.remove(key, stamp)
        ids = self._records.setdefault((key.namespace, key.aggregate_type), {})
        revisions = ids.setdefault(key.aggregate_id, {})
        versions = revisions.pop(key.revision, {})
        versions[record.version] = record
        revisions[key.revision] = versions  # the last one put
        self._retain(revisions)

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        versions = self._revisions(key).get(stamp.revision, {})
        record = versions.get(stamp.version)
        if record is not None and record.stamp == stamp:
            del versions[stamp.version]

    async def revisions(self, key: RecordKey) -> Collection[str]:
        taken = {
            name: max(record.taken_at for record in versions.values())
            for name, versions in self._revisions(key).items()
            if versions
        }
        return sorted(taken, key=taken.__getitem__)[::-1]  # of one moment: the last one put first

    async def ids(self, scope: Scope) -> AsyncIterator[UUID]:
        ids = self._records.get((scope.namespace, scope.aggregate_type), {})
        for aggregate_id in [i for i, revisions in ids.items() if revisions.get(scope.revision)]:
            yield aggregate_id

    async def prune(self, scope: Scope) -> int:
        ids = self._records.get((scope.namespace, scope.aggregate_type), {})
        return sum(self._retain(revisions) for revisions in ids.values())

    async def forget(self, key: RecordKey) -> int:
        now, name = self._clock(), _aggregate(key)
        self._tombstones.pop(name, None)
        self._tombstones[name] = now
        while now - next(iter(self._tombstones.values())) >= _TOMBSTONE_STANDS:
            del self._tombstones[next(iter(self._tombstones))]
        ids = self._records.get((key.namespace, key.aggregate_type), {})
        return sum(map(len, ids.pop(key.aggregate_id, {}).values()))

    def _is_buried(self, key: RecordKey, record: AggregateRecord) -> bool:
        tombstone = self._tombstones.get(_aggregate(key))
        return (
            tombstone is not None
            and record.taken_at <= tombstone
            and self._clock() - tombstone < _TOMBSTONE_STANDS
        )

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


def _aggregate(key: RecordKey) -> tuple[str, str, UUID]:
    return key.namespace, key.aggregate_type, key.aggregate_id


class NullAggregateCacheBackend(RecordCacheBackend):
    """Caches nothing."""

    timeout: timedelta | None = None
    is_local = True

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        return None

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        pass

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        pass


class InMemoryAggregateCacheBackend(RecordCacheBackend):
    """Caches in this process: the `size` most recently used records, for as long as it lives.

    Records are immutable and are kept encoded, so that nothing handed out is shared. With a `ttl`
    an entry is gone that long after it was put; `clock` counts seconds and never goes back.
    """

    timeout: timedelta | None = None
    is_local = True

    def __init__(
        self,
        *,
        size: int = 10_000,
        ttl: timedelta | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.size = size
        self.ttl = ttl
        self._clock = clock
        self._records: dict[RecordKey, AggregateRecord] = {}  # the most recently used last
        self._put_at: dict[RecordKey, float] = {}  # with a ttl

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        return self.read_at_once(key)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        self.put_at_once(key, record, supersedes)

    def read_at_once(self, key: RecordKey) -> AggregateRecord | None:
        """As `read`."""
        record = self._records.pop(key, None) if self.ttl is None else self._taken(key)
        if record is not None:
            self._records[key] = record
        return record

    def put_at_once(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """As `put`."""
        found = self._records.pop(key, None) if self.ttl is None else self._taken(key)
        if (
            found is not None
            and found.version >= record.version  # else `newer` says so, in a call
            and not (supersedes and found.stamp in supersedes)
        ):
            record = newer(found, record)
        self._records[key] = record
        if self.ttl is not None and record is not found:  # a put that is refused renews nothing
            self._put_at[key] = self._clock()
        if len(self._records) > self.size:
            self.discard(next(iter(self._records)))

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        found = self._records.get(key)
        if found is not None and (stamp is None or stamp == found.stamp):
            self.discard(key)

    def keys(self) -> Collection[RecordKey]:
        """List the keys of all entries, expired ones too."""
        return tuple(self._records)

    def discard(self, key: RecordKey) -> None:
        """Remove the entry, if there is one, at once."""
        self._records.pop(key, None)
        self._put_at.pop(key, None)

    def clear(self) -> None:
        """Remove all entries at once."""
        self._records.clear()
        self._put_at.clear()

    def _taken(self, key: RecordKey) -> AggregateRecord | None:
        """Take the entry out, with a `ttl`; None if there is none or it has expired."""
        record = self._records.pop(key, None)
        if record is None or self.ttl is None:
            return record
        if self._clock() - self._put_at.get(key, -math.inf) < self.ttl.total_seconds():
            return record
        self._put_at.pop(key, None)
        return None


class InMemoryEventStore(EventStoreBackend):
    """Keeps streams in this process."""

    timeout: timedelta | None = None
    is_local = True

    def __init__(self) -> None:
        self._streams: dict[tuple[str, UUID], list[EventRow]] = {}
        self._frozen_since: datetime | None = None

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        if self._frozen_since is not None:
            raise frozen("of this process", self._frozen_since)
        first = events[0]
        name = first[:2]  # its type and id
        stream = self._streams.get(name, [])
        head = stream[-1][:2] if stream else None
        if head != (after and (after[0], after[1].bytes)):
            raise conflict(first, after=after, found=await self.head(*name))
        if not stream:
            self._streams[name] = stream
        stream += map(StoredEvent.row, events)

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        for rows in self._chunks(aggregate_type, aggregate_id, first, last):
            yield rows

    async def read_many(
        self, aggregate_type: str, first: Mapping[UUID, int]
    ) -> AsyncIterator[tuple[UUID, Sequence[EventRow]]]:
        for aggregate_id, version in first.items():
            for rows in self._chunks(aggregate_type, aggregate_id, version, None):
                yield aggregate_id, rows

    def is_head_at_once(
        self, aggregate_type: str, aggregate_id: UUID, version: int, event_id: UUID
    ) -> bool:
        """Whether `head` is this."""
        stream = self._streams.get((aggregate_type, aggregate_id))
        return bool(stream and stream[-1][:2] == (version, event_id.bytes))

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        stream = self._streams.get((aggregate_type, aggregate_id))
        return (stream[-1].version, UUID(bytes=stream[-1].event_id)) if stream else None

    async def ids(self, aggregate_type: str, *, after: UUID | None = None) -> AsyncIterator[UUID]:
        ids = sorted(i for name, i in self._streams if name == aggregate_type)
        for aggregate_id in ids[0 if after is None else bisect(ids, after) :]:
            yield aggregate_id

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        if self._frozen_since is not None:
            raise frozen("of this process", self._frozen_since)
        stream = self._streams.get((aggregate_type, aggregate_id), [])
        kept = [row for row in stream if below is not None and row.version >= below]
        deleted = len(stream) - len(kept)
        if kept:
            self._streams[aggregate_type, aggregate_id] = kept
        elif stream:
            del self._streams[aggregate_type, aggregate_id]
        return deleted

    async def freeze(self) -> None:
        self._frozen_since = self._frozen_since or datetime.now(UTC)

    async def thaw(self) -> None:
        self._frozen_since = None

    async def frozen_since(self) -> datetime | None:
        return self._frozen_since

    def _chunks(
        self, aggregate_type: str, aggregate_id: UUID, first: int, last: int | None
    ) -> Iterator[Sequence[EventRow]]:
        stream = self._streams.get((aggregate_type, aggregate_id), [])
        offset = stream[0].version if stream else 1
        start = max(first - offset, 0)
        stop = len(stream) if last is None else min(last - offset + 1, len(stream))
        return in_chunks(stream[start : max(start, stop)])
