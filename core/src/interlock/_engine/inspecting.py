"""What is kept of single aggregates of a registered type, for tools: told, compared, removed."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from interlock._engine.archive_reading import whole_stream
from interlock._engine.breaking import without_breaker
from interlock._engine.cache import AggregateCache
from interlock._engine.context import TypeContext
from interlock._engine.guard import call_backend
from interlock._engine.load_context import LoadRequest, LoadTrace, TailReadAhead
from interlock._engine.reading import StateReader
from interlock._engine.reports import LoadReport
from interlock._engine.stream import Chunks
from interlock._model.strategies import Freshness, Replay
from interlock._storage.archive import ArchiveFile
from interlock._storage.protocols import ListsIds, RemovesOne, SnapshotStore
from interlock._storage.records import AggregateRecord, RecordKey
from interlock._values.comparing import difference
from interlock.errors import (
    ArchiveError,
    ConfigurationError,
    RecordUnusableError,
    StreamTruncatedError,
    VersionNotFoundError,
)


@dataclass(frozen=True, slots=True)
class KeptState:
    """A snapshot or a cache entry. `size` is the state's, in bytes, as it is encoded.

    `problem` says why loads don't start from it. What can't be read has no times and no size, and
    where the store can't tell it, no version.
    """

    revision: str
    version: int | None
    taken_at: datetime | None = None
    last_event_at: datetime | None = None
    size: int | None = None
    problem: str | None = None


class Inspection:
    """Looks at what stands of the aggregates of one registered type."""

    def __init__(self, context: TypeContext, cache: AggregateCache, reader: StateReader) -> None:
        self._context = context
        self._registration = context.registration
        self._cache = cache
        self._reader = reader

    async def ids_with_snapshot(self) -> AsyncIterator[UUID]:
        """The ids in the scopes that are read, one scope after the other."""
        store, own = self._store(), self._registration.snapshot_scope
        if not isinstance(store, ListsIds):
            raise ConfigurationError(
                f"{type(store).__name__} can't list aggregates: it has no method `ids`"
            )
        for revision in (own.revision, *self._registration.reads_revisions):
            ids = store.ids(own._replace(revision=revision))
            async for aggregate_id in Chunks(ids, store.timeout, "the snapshot store's ids"):
                yield aggregate_id

    async def snapshots(self, aggregate_id: UUID, *, compare: bool) -> Sequence[KeptState]:
        """The snapshots, those of one revision after the other."""
        found = []
        async for key, record, kept in self._read_all(aggregate_id):
            problem = kept.problem
            if compare and record is not None and problem is None:
                file = self._context.archive_of(aggregate_id)
                problem = await self._difference(record, key, file)
            found.append(replace(kept, problem=problem))
        return found

    async def delete(self, aggregate_id: UUID, *, version: int | None, revision: str | None) -> int:
        """Delete those that are readable records, of this version and revision."""
        store, deleted = self._store(), 0
        if not isinstance(store, RemovesOne):
            raise ConfigurationError(
                f"{type(store).__name__} can't remove single snapshots: it has no method `remove`"
            )
        async for key, record, _ in self._read_all(aggregate_id):
            if (
                record is not None
                and version in (None, record.version)
                and revision in (None, record.revision)
            ):
                removal = store.remove(key, record.stamp)
                await call_backend("the snapshot store's remove", store.timeout, removal)
                deleted += 1
        return deleted

    async def cache_entry(self, aggregate_id: UUID) -> KeptState | None:
        """The cache's entry of this code's revision."""
        store, key = self._context.cache, self._registration.mapper.scope.key(aggregate_id)
        if store is None:
            return None
        try:
            record = await call_backend("the cache's read", store.timeout, store.read(key))
        except RecordUnusableError as error:
            return KeptState(key.revision, error.version, problem=str(error))
        return None if record is None else self._told(record, key)

    async def evict(self, aggregate_id: UUID) -> None:
        """Remove the cache's entry, though it may rest."""
        await self._cache.forget(aggregate_id)

    async def explain(
        self, aggregate_id: UUID, version: int | None, freshness: Freshness | None
    ) -> LoadReport:
        """The report of a load that is timed."""
        request = LoadRequest(version, freshness or self._registration.freshness)
        trace = LoadTrace(is_timed=True, forget_count=self._context.heads.forgets.count)
        return self._reader.told(request, await self._reader.read(aggregate_id, request, trace))

    async def prove_snapshot(self, aggregate_id: UUID, below: int, file: ArchiveFile) -> None:
        """Raise `ArchiveError` without a snapshot, of `below` or later, that its events give.

        Those are read from the file, too.
        """
        store, key = self._store(), self._registration.snapshot_scope.key(aggregate_id)
        what = f"{self._registration.name} {aggregate_id}"
        take = f"take one: interlock snapshots take {what}"
        try:
            read = store.read(key)
            record = await call_backend("the snapshot store's read", store.timeout, read)
        except RecordUnusableError as error:
            raise ArchiveError(f"{what}: its newest snapshot is of no use ({error})") from error
        if record is None or record.version < below:
            found = "none" if record is None else f"one of version {record.version}"
            raise ArchiveError(
                f"{what}: wanted a snapshot of version {below} or later, found {found} of the "
                f"revision {key.revision}; {take}"
            )
        problem = self._told(record, key).problem or await self._difference(record, key, file)
        if problem is not None:
            raise ArchiveError(
                f"{what}: its snapshot of version {record.version} is wrong: {problem}; delete "
                f"it, and {take}"
            )

    async def _read_all(
        self, aggregate_id: UUID
    ) -> AsyncIterator[tuple[RecordKey, AggregateRecord | None, KeptState]]:
        """Each snapshot under its key; without a record what can't be read."""
        store = self._store()
        own = self._registration.snapshot_scope.key(aggregate_id)
        revisions = store.revisions(own)
        for revision in await call_backend(
            "the snapshot store's revisions", store.timeout, revisions
        ):
            key, bound = own._replace(revision=revision), None
            while bound is None or bound > 0:
                try:
                    read = store.read(key, bound)
                    record = await call_backend("the snapshot store's read", store.timeout, read)
                except RecordUnusableError as error:
                    yield key, None, KeptState(revision, error.version, problem=str(error))
                    if error.version is None:
                        break
                    bound = error.version - 1
                    continue
                if record is None:
                    break
                yield key, record, self._told(record, key)
                bound = record.version - 1

    def _told(self, record: AggregateRecord, key: RecordKey) -> KeptState:
        registration, problem = self._registration, None
        readable = (registration.snapshot_scope.revision, *registration.reads_revisions)
        if key.revision not in readable:
            problem = "of a revision that this code doesn't read"
        else:
            try:
                registration.mapper.state(record, key)
            except RecordUnusableError as error:
                problem = str(error)
        return KeptState(
            record.revision,
            record.version,
            record.taken_at,
            record.last_event_at,
            len(record.payload),
            problem,
        )

    async def _difference(
        self, record: AggregateRecord, key: RecordKey, file: ArchiveFile | None
    ) -> str | None:
        """Why the record isn't what the events give; None if it is, or they are deleted.

        Those that are archived are read from the file.
        """
        trace = self._reader.trace()
        trace.is_limited = False
        if file is not None:
            context = self._context
            chunks = whole_stream(context.stream, file, last=record.version)
            trace.ahead = TailReadAhead(1, chunks, None, context.clock())
        empty = self._reader.empty(record.aggregate_id, trace)
        try:
            replayed = await self._reader.tail.replay(empty, LoadRequest(record.version, Replay()))
        except VersionNotFoundError:
            return "no event stands at its version"
        except StreamTruncatedError:
            return None
        if replayed.last_event_id != record.last_event_id:
            return "another event stands at its version"
        mapper = self._registration.mapper
        kept = mapper.state(record, key)
        found = difference(kept, replayed.state, mapper.fidelity.kinds, is_state=True)
        return None if found is None else f"it isn't what its events give, at ${found.path}"

    def _store(self) -> SnapshotStore:
        if self._context.snapshots is None:
            raise ConfigurationError(
                f"{self._registration.name} has no snapshots: register it with a snapshot_backend"
            )
        return without_breaker(self._context.snapshots)
