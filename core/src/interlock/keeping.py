"""What a load or a commit leaves behind: a snapshot if one is due, and a cache entry."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from interlock.calls import bounded
from interlock.errors import InterlockError, RecordTooLargeError, RecordUnusableError
from interlock.floor import Floor
from interlock.loaded import Loaded, Registration
from interlock.policies import CacheMoment, NeverCache, NeverSnapshot, SnapshotMoment
from interlock.ports import CacheStore
from interlock.records import AggregateRecord, Stamp
from interlock.reports import Reason, Reporting
from interlock.roundtrip import same
from interlock.writer import SnapshotWriter

_SAMPLE_EVERY = 100
_TOO_LARGE_REMEMBERED = 1_000  # ids


class Keeper:
    """Snapshots and caches states of one registered aggregate; nothing it does fails its caller."""

    def __init__(
        self,
        registration: Registration,
        floor: Floor,
        reporting: Reporting,
        *,
        snapshot_queue_size: int,
    ) -> None:
        self._registration = registration
        self._floor = floor
        self._reporting = reporting
        self._encoded = 0
        self._loses: str | None = None
        self._too_large: dict[UUID, str] = {}  # what the cache said, the latest last
        self._snapshots = (
            None
            if registration.snapshots is None
            or isinstance(registration.snapshot_strategy, NeverSnapshot)
            else SnapshotWriter(registration.snapshots, reporting, size=snapshot_queue_size)
        )
        self._cache = (
            None if isinstance(registration.cache_strategy, NeverCache) else registration.cache
        )

    def begin(self) -> None:
        """Know nothing of what an earlier life had yet to write."""
        if self._snapshots is not None:
            self._snapshots = self._snapshots.anew()

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
            self._too_large.pop(loaded.aggregate_id, None)
            try:
                await self._put(self._cache, loaded, moment_to_cache, supersedes, now)
            except RecordTooLargeError as error:
                self._reporting.failed("cache.too_large", error)
                self._remember_too_large(loaded.aggregate_id, error)
                await self.drop(loaded.aggregate_id)
            except Exception as error:  # noqa: BLE001 as above
                self._reporting.failed("cache.failed", error)
                await self.drop(loaded.aggregate_id)

    def why_absent(self, aggregate_id: UUID) -> tuple[Reason, str]:
        """The reason for which the cache has no entry, and what the cache said to it."""
        said = self._too_large.get(aggregate_id)
        return (Reason.ABSENT, "") if said is None else (Reason.TOO_LARGE, said)

    def _remember_too_large(self, aggregate_id: UUID, error: RecordTooLargeError) -> None:
        self._too_large[aggregate_id] = str(error)
        if len(self._too_large) > _TOO_LARGE_REMEMBERED:
            del self._too_large[next(iter(self._too_large))]

    def snapshot_failure(self, aggregate_id: UUID) -> str:
        """Why the id's latest snapshot isn't stored; empty if it is, as far as is known."""
        return "" if self._snapshots is None else self._snapshots.failure(aggregate_id)

    async def forget(self, aggregate_id: UUID) -> None:
        """Write no snapshot of the id that is queued, and know nothing of earlier failures."""
        self._too_large.pop(aggregate_id, None)
        if self._snapshots is not None:
            await self._snapshots.forget(aggregate_id)

    async def drain(self) -> None:
        """Wait until the snapshots that are queued are written."""
        if self._snapshots is not None:
            await self._snapshots.drain()

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

    async def snapshot(self, loaded: Loaded, now: datetime) -> None:
        """Store a snapshot here and now, whatever the strategy says. Raises what the store raises.

        The state is one that the stream had, and has events.
        """
        store, last_event_at = self._registration.snapshots, loaded.last_event_at
        if store is None or last_event_at is None:
            raise AssertionError("no snapshot store, or nothing to snapshot")
        record = replace(self._encoded_state(loaded, now), anchor_at=last_event_at)
        key = self._registration.snapshot_scope.key(loaded.aggregate_id)
        put = store.put(key, record, loaded.trail.refuted)
        await bounded("the snapshot store's put", store.timeout, put)
        self._reporting.count("snapshot.taken")
        loaded.record, loaded.anchor_at = record, last_event_at

    async def _snapshot(
        self,
        writer: SnapshotWriter,
        loaded: Loaded,
        moment: SnapshotMoment,
        supersedes: Collection[Stamp],
        now: datetime,
    ) -> None:
        if not self._registration.snapshot_strategy.should_snapshot(moment):
            return
        record = replace(self._encoded_state(loaded, now), anchor_at=moment.last_event_at)
        key = self._registration.snapshot_scope.key(loaded.aggregate_id)
        if await writer.write(key, record, supersedes):
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
        record = self._encoded_state(loaded, now)
        if record.verified_at != loaded.verified_at:
            record = replace(record, verified_at=loaded.verified_at)
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
                "type is no longer snapshotted or cached: make its fields JSON-safe"
            )
        loaded.record = record
        return record
