"""What a load or a commit leaves behind: a snapshot if one is due, and a cache entry."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from interlock.calls import bounded
from interlock.errors import InterlockError, RecordUnusableError
from interlock.floor import Floor
from interlock.loaded import Loaded, Registration
from interlock.policies import CacheMoment, NeverCache, NeverSnapshot, SnapshotMoment
from interlock.ports import CacheStore, SnapshotStore
from interlock.records import AggregateRecord, Stamp
from interlock.reports import Reporting
from interlock.roundtrip import same

_SAMPLE_EVERY = 100


class Keeper:
    """Snapshots and caches states of one registered aggregate; nothing it does fails its caller."""

    def __init__(self, registration: Registration, floor: Floor, reporting: Reporting) -> None:
        self._registration = registration
        self._floor = floor
        self._reporting = reporting
        self._encoded = 0
        self._loses: str | None = None
        self._snapshots = (
            None
            if isinstance(registration.snapshot_strategy, NeverSnapshot)
            else registration.snapshots
        )
        self._cache = (
            None if isinstance(registration.cache_strategy, NeverCache) else registration.cache
        )

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing that a state could ever be kept for."""
        return self._snapshots is None and self._cache is None

    async def after_load(self, loaded: Loaded, now: datetime) -> None:
        """Keep what a load found at the stream's head."""
        await self._keep(loaded, loaded.version, (), loaded.trail.refuted, now)

    async def after_commit(
        self,
        loaded: Loaded,
        *,
        version_before: int,
        event_names: tuple[str, ...],
        supersedes: Collection[Stamp],
        now: datetime,
    ) -> None:
        """Keep what our own append made."""
        await self._keep(loaded, version_before, event_names, supersedes, now)

    async def _keep(
        self,
        loaded: Loaded,
        version_before: int,
        event_names: tuple[str, ...],
        supersedes: Collection[Stamp],
        now: datetime,
    ) -> None:
        last_event_at, anchor_at = loaded.last_event_at, loaded.anchor_at
        if self.is_idle or last_event_at is None or anchor_at is None:
            return
        is_commit = bool(event_names)
        if self._snapshots is not None:
            moment = SnapshotMoment(
                loaded.state,
                version_before,
                loaded.version,
                event_names,
                loaded.events_folded,
                last_event_at,
                anchor_at,
                is_commit,
            )
            try:
                await self._snapshot(self._snapshots, loaded, moment, supersedes, now)
            except Exception as error:  # noqa: BLE001 also a strategy's: the load or commit stands
                self._reporting.failed("snapshot.failed", error)
        if self._cache is not None:
            moment_to_cache = CacheMoment(
                loaded.state,
                version_before,
                loaded.version,
                event_names,
                loaded.events_folded,
                last_event_at,
                is_commit,
            )
            try:
                await self._put(self._cache, loaded, moment_to_cache, supersedes, now)
            except Exception as error:  # noqa: BLE001 as above
                self._reporting.failed("cache.failed", error)
                await self.drop(loaded.aggregate_id)

    async def drop(self, aggregate_id: UUID, stamp: Stamp | None = None) -> None:
        """Remove the cache entry; with a stamp only that one."""
        cache = self._registration.cache
        if cache is None:
            return
        key = self._registration.mapper.scope.key(aggregate_id)
        try:
            await bounded("the cache's remove", cache.timeout, cache.remove(key, stamp))
        except InterlockError as error:
            self._reporting.failed("cache.remove_failed", error)

    async def _snapshot(
        self,
        store: SnapshotStore,
        loaded: Loaded,
        moment: SnapshotMoment,
        supersedes: Collection[Stamp],
        now: datetime,
    ) -> None:
        if not self._registration.snapshot_strategy.should_snapshot(moment):
            return
        record = replace(self._encoded_state(loaded, now), anchor_at=moment.last_event_at)
        key = self._registration.snapshot_scope.key(loaded.aggregate_id)
        await bounded("the snapshot store's put", store.timeout, store.put(key, record, supersedes))
        self._reporting.count("snapshot.taken")
        loaded.record, loaded.anchor_at = record, moment.last_event_at

    async def _put(
        self,
        cache: CacheStore,
        loaded: Loaded,
        moment: CacheMoment,
        supersedes: Collection[Stamp],
        now: datetime,
    ) -> None:
        aggregate_id = loaded.aggregate_id
        if not self._registration.cache_strategy.should_cache(moment):
            if moment.is_commit or loaded.trail.saw_cache_entry:
                await self.drop(aggregate_id)
            return
        record = replace(self._encoded_state(loaded, now), verified_at=loaded.verified_at)
        if record.version < self._floor.version(aggregate_id):
            self._reporting.count("cache.put_below_floor")
            return
        key = self._registration.mapper.scope.key(aggregate_id)
        await bounded("the cache's put", cache.timeout, cache.put(key, record, supersedes))
        loaded.record = record

    def _encoded_state(self, loaded: Loaded, now: datetime) -> AggregateRecord:
        """The state's record, encoded once.

        Raises `RecordUnusableError` where encoding loses something.
        """
        if loaded.record is not None:
            return loaded.record
        mapper = self._registration.mapper
        origin = loaded.origin(mapper.scope)
        record = mapper.record(loaded.state, origin, verified_at=loaded.verified_at, taken_at=now)
        if self._encoded % _SAMPLE_EVERY == 0 and not same(mapper.state(record), loaded.state):
            self._loses = (
                f"{mapper.scope.aggregate_type} {loaded.aggregate_id} version {loaded.version}"
            )
        self._encoded += 1
        if self._loses is not None:
            raise RecordUnusableError(
                f"the state of {self._loses} doesn't come back from its record as it was; this "
                "type is no "
                "longer snapshotted or cached: make its fields JSON-safe"
            )
        loaded.record = record
        return record
