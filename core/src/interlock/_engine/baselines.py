"""What a load may start from: the cache's entry, and the snapshots."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from uuid import UUID

from interlock._engine.ahead import ReadsAhead
from interlock._engine.calls import bounded
from interlock._engine.known_heads import Floor
from interlock._engine.load_context import Ask, Loaded, Registration, Trail
from interlock._engine.reports import Reason, Reporting, Source
from interlock._engine.write_back import Keeper
from interlock._model.aggregate import Aggregate
from interlock._model.strategies import NeverCache
from interlock._storage.protocols import SnapshotStore
from interlock._storage.records import AggregateRecord, RecordKey
from interlock.errors import (
    BackendUnavailableError,
    InterlockError,
    RecordUnusableError,
)


class Baselines:
    """The usable records of one registered aggregate; each other is noted with its reason."""

    def __init__(
        self,
        registration: Registration,
        *,
        keeper: Keeper,
        floor: Floor,
        reporting: Reporting,
        ahead: ReadsAhead | None,
    ) -> None:
        self._registration = registration
        self._keeper = keeper
        self._floor = floor
        self._reporting = reporting
        self._ahead = ahead
        self._cache = (
            None if isinstance(registration.cache_strategy, NeverCache) else registration.cache
        )

    @property
    def reads_ahead(self) -> bool:
        """Whether the first of `snapshots` brings the stream's tail with it, on the trail."""
        return self._ahead is not None

    @property
    def cache_never_waits(self) -> bool:
        """Whether there is a cache, and it answers within this process."""
        return self._cache is not None and self._cache.is_local

    async def cached(self, aggregate_id: UUID, trail: Trail) -> Loaded | None:
        """The usable cache entry; an unusable one is removed."""
        cache = self._cache
        if cache is None:
            return None
        key = self._registration.mapper.scope.key(aggregate_id)
        record = None
        try:
            record = await bounded("the cache's read", cache.timeout, cache.read(key))
            if record is None:
                trail.miss(Source.CACHE, *self._keeper.why_absent(aggregate_id))
                return None
            trail.saw_cache_entry = True
            if record.version < self._floor.version(aggregate_id):
                self._missed(trail, Source.CACHE, Reason.BELOW_FLOOR, f"version {record.version}")
                return None
            state = self._decoded(record, key)
        except RecordUnusableError as error:
            self._missed(trail, Source.CACHE, Reason.UNUSABLE, error)
            trail.saw_cache_entry = True
            await self._keeper.drop(aggregate_id, None if record is None else record.stamp)
            return None
        except InterlockError as error:
            self._missed(trail, Source.CACHE, Reason.UNAVAILABLE, error)
            return None
        finally:
            trail.lap("cache")
        trail.cache_stamp = record.stamp
        return Loaded.from_record(state, record, Source.CACHE, trail)

    async def cached_many(self, trails: Mapping[UUID, Trail]) -> dict[UUID, Loaded | None]:
        """The usable cache entries, read at once; None for those that have to be looked into."""
        cache, scope = self._cache, self._registration.mapper.scope
        if cache is None:
            return {}
        keys = {aggregate_id: scope.key(aggregate_id) for aggregate_id in trails}
        try:
            records = await bounded(
                "the cache's read", cache.timeout, cache.read_many(list(keys.values()))
            )
        except InterlockError as error:
            for trail in trails.values():
                self._missed(trail, Source.CACHE, Reason.UNAVAILABLE, error)
            return {}
        finally:
            for trail in trails.values():
                trail.lap("cache")
        found: dict[UUID, Loaded | None] = {}
        for aggregate_id, trail in trails.items():
            record = records.get(keys[aggregate_id])
            if record is None:
                trail.miss(Source.CACHE, *self._keeper.why_absent(aggregate_id))
                continue
            trail.saw_cache_entry = True
            found[aggregate_id] = (
                None
                if record.version < self._floor.version(aggregate_id)
                else self._loaded(record, keys[aggregate_id], Source.CACHE, trail)
            )
        return found

    async def snapshots_many(self, trails: Mapping[UUID, Trail]) -> dict[UUID, Loaded | None]:
        """The newest snapshots, as `cached_many`; of each revision at once.

        Raises `BackendUnavailableError`, whatever the settings say.
        """
        store, own = self._registration.snapshots, self._registration.snapshot_scope
        found: dict[UUID, Loaded | None] = {}
        if store is None:
            return found
        for aggregate_id, trail in trails.items():
            self._note_failure(aggregate_id, trail)
        for revision in (own.revision, *self._registration.reads_revisions):
            absent = [aggregate_id for aggregate_id in trails if aggregate_id not in found]
            if not absent:
                break
            keys = {i: replace(own, revision=revision).key(i) for i in absent}
            records = await bounded(
                "the snapshot store's read", store.timeout, store.read_many(list(keys.values()))
            )
            for aggregate_id, key in keys.items():
                trail, record = trails[aggregate_id], records.get(key)
                trail.lap("snapshot")
                if record is None:
                    trail.miss(Source.SNAPSHOT, Reason.ABSENT)
                else:
                    found[aggregate_id] = self._loaded(record, key, Source.SNAPSHOT, trail)
        return found

    def _loaded(
        self, record: AggregateRecord, key: RecordKey, source: Source, trail: Trail
    ) -> Loaded | None:
        try:
            state = self._decoded(record, key)
        except RecordUnusableError:
            return None
        return Loaded.from_record(state, record, source, trail)

    async def snapshots(
        self, aggregate_id: UUID, ask: Ask, trail: Trail
    ) -> AsyncGenerator[Loaded, None]:
        """The usable snapshots, best first: of this revision, then of those it may read."""
        store, own = self._registration.snapshots, self._registration.snapshot_scope
        if store is None:
            return
        self._note_failure(aggregate_id, trail)
        read_next = self._read_ahead
        for revision in (own.revision, *self._registration.reads_revisions):
            key = RecordKey(own.namespace, own.epoch, own.aggregate_type, aggregate_id, revision)
            bound = ask.version
            while bound is None or bound > 0:
                try:
                    read, read_next = read_next, self._snapshot_read
                    record = await read(store, key, bound, trail)
                    if trail.snapshots_down:
                        return
                    if record is None:
                        break
                    state = self._decoded(record, key, bound)
                except RecordUnusableError as error:
                    self._missed(trail, Source.SNAPSHOT, Reason.UNUSABLE, error)
                    if error.version is None or (bound is not None and error.version > bound):
                        break
                    bound = error.version - 1
                    continue
                yield Loaded.from_record(state, record, Source.SNAPSHOT, trail)
                bound = record.version - 1

    async def _read_ahead(
        self, store: SnapshotStore, key: RecordKey, bound: int | None, trail: Trail
    ) -> AggregateRecord | None:
        if self._ahead is None:
            return await self._snapshot_read(store, key, bound, trail)
        try:
            record = await self._ahead.read(key, bound, trail)
        except BackendUnavailableError:
            # Which of the two stores it is, and what that means, shows when each is asked.
            return await self._snapshot_read(store, key, bound, trail)
        finally:
            trail.lap("snapshot")
        if record is None:
            trail.miss(Source.SNAPSHOT, Reason.ABSENT)
        return record

    async def _snapshot_read(
        self, store: SnapshotStore, key: RecordKey, bound: int | None, trail: Trail
    ) -> AggregateRecord | None:
        try:
            record = await bounded(
                "the snapshot store's read", store.timeout, store.read(key, bound)
            )
        except BackendUnavailableError as error:
            self._missed(trail, Source.SNAPSHOT, Reason.UNAVAILABLE, error)
            if self._registration.fails_without_snapshots:
                raise
            trail.snapshots_down = True
            return None
        finally:
            trail.lap("snapshot")
        if record is None:
            trail.miss(Source.SNAPSHOT, Reason.ABSENT)
        return record

    def _decoded(
        self, record: AggregateRecord, key: RecordKey, bound: int | None = None
    ) -> Aggregate:
        """The state of a record that answers what was asked, and not something else."""
        if bound is not None and record.version > bound:
            raise RecordUnusableError(
                f"the store gave version {record.version}, asked for {bound} at most"
            )
        return self._registration.mapper.state(record, key)

    async def revisions(self, aggregate_id: UUID) -> list[str]:
        """The revisions that have a snapshot; none if the store can't tell."""
        store = self._registration.snapshots
        if store is None:
            return []
        key = self._registration.snapshot_scope.key(aggregate_id)
        try:
            return list(await bounded("the snapshot store", store.timeout, store.revisions(key)))
        except InterlockError:
            return []

    def _note_failure(self, aggregate_id: UUID, trail: Trail) -> None:
        why = self._keeper.why_not_stored(aggregate_id)
        if why is not None:
            trail.miss(Source.SNAPSHOT, *why)

    def _missed(self, trail: Trail, source: Source, reason: Reason, detail: object) -> None:
        trail.miss(source, reason, detail)
        self._reporting.count(f"{source}.{reason}")
