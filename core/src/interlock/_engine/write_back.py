"""What a load or a commit leaves behind: a snapshot if one is due, and a cache entry."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial
from time import thread_time
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from interlock._engine.calls import bounded
from interlock._engine.known_heads import Floor
from interlock._engine.load_context import Loaded, Registration
from interlock._engine.reports import Reason, Reporting
from interlock._engine.snapshot_queue import SnapshotWriter
from interlock._engine.underway import UnderWay
from interlock._model.strategies import CacheMoment, NeverCache, NeverSnapshot, SnapshotMoment
from interlock._storage.protocols import CacheStore
from interlock._storage.records import AggregateRecord, Stamp
from interlock.errors import (
    InterlockError,
    RecordTooLargeError,
    StateNotKeptError,
)

M = TypeVar("M", SnapshotMoment, CacheMoment)

_REMEMBERED = 1_000  # ids
_SLOW_SECONDS = 0.005
"""A commit doesn't wait for the verification of a state that takes longer."""
_BEHIND = 16
"""So many verifications may go on behind the answers; a commit waits for the next."""


class _Due(NamedTuple):
    """What is to be done with a state: `removal` is of what is cached, if no `entry` is put."""

    snapshot: bool
    entry: bool
    removal: bool


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
        self.under_way = UnderWay()
        """The ids for which a state is being kept."""
        self._registration = registration
        self._floor = floor
        self._reporting = reporting
        self._absent: dict[UUID, tuple[Reason, str]] = {}  # why nothing is cached, the latest last
        self._not_kept: dict[UUID, str] = {}  # what the latest state would lose, the latest last
        self._waiting: list[tuple[UUID, Callable[[], Coroutine[None, None, None]]]] = []
        self._behind: set[asyncio.Task[None]] = set()
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
        self.under_way = UnderWay()
        self._waiting.clear()
        self._behind.clear()
        if self._snapshots is not None:
            self._snapshots = self._snapshots.anew()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing that a state could ever be kept for."""
        return self._snapshots is None and self._cache is None

    async def after_load(self, loaded: Loaded, now: datetime) -> None:
        """Keep what a load found at the stream's head."""
        due = self._due(loaded, loaded.version, ())
        if due is not None:
            await self._write(loaded, due, loaded.trail.refuted, now)

    async def after_commit(
        self,
        loaded: Loaded,
        *,
        version_before: int,
        event_names: tuple[str, ...],
        supersedes: Collection[Stamp],
        now: datetime,
    ) -> None:
        """Keep what our own append made; what is slow to verify waits for `go_on_behind`."""
        due = self._due(loaded, version_before, event_names)
        if due is None:
            return
        writing = partial(self._write, loaded, due, supersedes, now)
        has_room = len(self._behind) + len(self._waiting) < _BEHIND
        if (due.snapshot or due.entry) and has_room and self._is_slow(loaded):
            self._waiting.append((loaded.aggregate_id, writing))
        else:
            await writing()

    def go_on_behind(self) -> None:
        """Begin with what waits until its command was answered."""
        while self._waiting:
            aggregate_id, writing = self._waiting.pop()
            under_way = ExitStack()
            under_way.enter_context(self.under_way.of(aggregate_id))
            task = asyncio.create_task(writing())
            self._behind.add(task)
            task.add_done_callback(self._behind.discard)
            task.add_done_callback(partial(_end, under_way))

    def _due(
        self, loaded: Loaded, version_before: int, event_names: tuple[str, ...]
    ) -> _Due | None:
        """What the strategies say is to be done with the state; None for nothing."""
        last_event_at, anchor_at = loaded.last_event_at, loaded.anchor_at
        if self.is_idle or last_event_at is None or anchor_at is None:
            return None
        is_commit = bool(event_names)
        snapshot = self._snapshots is not None and self._decides(
            "snapshot.failed",
            self._registration.snapshot_strategy.should_snapshot,
            SnapshotMoment(
                loaded.state,
                version_before,
                loaded.version,
                event_names,
                loaded.events_folded,
                last_event_at,
                anchor_at,
                is_commit,
            ),
        )
        entry = self._cache is not None and self._decides(
            "cache.failed",
            self._registration.cache_strategy.should_cache,
            CacheMoment(
                loaded.state,
                version_before,
                loaded.version,
                event_names,
                loaded.events_folded,
                last_event_at,
                is_commit,
            ),
        )
        goes = self._cache is not None and (is_commit or loaded.trail.saw_cache_entry)
        return _Due(snapshot, entry, goes) if snapshot or entry or goes else None

    def _decides(self, counter: str, wants: Callable[[M], bool], moment: M) -> bool:
        try:
            return wants(moment)
        except Exception as error:  # noqa: BLE001 the load or commit stands
            self._failed(counter, error, moment.state.id)
            return False

    async def _write(
        self, loaded: Loaded, due: _Due, supersedes: Collection[Stamp], now: datetime
    ) -> None:
        if due.snapshot and self._snapshots is not None:
            try:
                await self._snapshot(self._snapshots, loaded, supersedes, now)
            except StateNotKeptError as error:
                self._reporting.not_kept("snapshot.not_kept", self._registration.tables.name, error)
            except Exception as error:  # noqa: BLE001 the load or commit stands
                self._failed("snapshot.failed", error, loaded.aggregate_id)
        if not due.entry or self._cache is None:
            if due.removal:
                await self.drop(loaded.aggregate_id)
            return
        self._absent.pop(loaded.aggregate_id, None)
        try:
            await self._put(self._cache, loaded, supersedes, now)
        except StateNotKeptError as error:
            self._reporting.not_kept("cache.not_kept", self._registration.tables.name, error)
            await self._leave_out(loaded.aggregate_id, Reason.NOT_KEPT, error.where)
        except RecordTooLargeError as error:
            self._failed("cache.too_large", error, loaded.aggregate_id)
            await self._leave_out(loaded.aggregate_id, Reason.TOO_LARGE, str(error))
        except Exception as error:  # noqa: BLE001 as above
            self._failed("cache.failed", error, loaded.aggregate_id)
            await self.drop(loaded.aggregate_id)

    async def _leave_out(self, aggregate_id: UUID, reason: Reason, detail: str) -> None:
        _remember(self._absent, aggregate_id, (reason, detail))
        await self.drop(aggregate_id)

    def why_absent(self, aggregate_id: UUID) -> tuple[Reason, str]:
        """The reason for which the cache has no entry, and what the cache said to it."""
        return self._absent.get(aggregate_id, (Reason.ABSENT, ""))

    def why_not_stored(self, aggregate_id: UUID) -> tuple[Reason, str] | None:
        """Why the id's latest snapshot isn't stored; None if it is, as far as is known."""
        if self._snapshots is None:
            return None
        lost, failure = self._not_kept.get(aggregate_id), self._snapshots.failure(aggregate_id)
        if lost is not None:
            return Reason.NOT_KEPT, lost
        return (Reason.NOT_WRITTEN, failure) if failure else None

    async def forget(self, aggregate_id: UUID) -> None:
        """Write no snapshot of the id that is queued, and know nothing of earlier failures."""
        self._absent.pop(aggregate_id, None)
        self._not_kept.pop(aggregate_id, None)
        if self._snapshots is not None:
            await self._snapshots.forget(aggregate_id)

    async def drain(self) -> None:
        """Wait until what goes on behind is done, and the snapshots that are queued are written.

        Who stops waiting gives it up.
        """
        while self._behind:
            try:
                await asyncio.wait(self._behind)
            except asyncio.CancelledError:
                for task in self._behind:
                    task.cancel()
                raise
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
            self._failed("cache.remove_failed", error, aggregate_id)

    def _failed(self, counter: str, error: Exception, aggregate_id: UUID) -> None:
        self._reporting.failed(counter, error, (self._registration.tables.name, aggregate_id))

    async def snapshot(self, loaded: Loaded, now: datetime) -> bool:
        """Store a snapshot here and now, whatever the strategy says; False if it can't be kept.

        The state is one that the stream had, and has events. Raises what the store raises.
        """
        store = self._registration.snapshots
        if store is None:
            raise AssertionError("no snapshot store")
        try:
            record = self._snapshot_record(loaded, now)
        except StateNotKeptError as error:
            self._reporting.not_kept("snapshot.not_kept", self._registration.tables.name, error)
            return False
        put = store.put(record.key, record, loaded.trail.refuted)
        await bounded("the snapshot store's put", store.timeout, put)
        self._reporting.count("snapshot.taken")
        loaded.record, loaded.anchor_at = record, record.anchor_at
        return True

    async def _snapshot(
        self,
        writer: SnapshotWriter,
        loaded: Loaded,
        supersedes: Collection[Stamp],
        now: datetime,
    ) -> None:
        record = self._snapshot_record(loaded, now)
        if await writer.write(record.key, record, supersedes):
            loaded.record, loaded.anchor_at = record, record.anchor_at

    def _snapshot_record(self, loaded: Loaded, now: datetime) -> AggregateRecord:
        record, epoch = self._record(loaded, now), self._registration.snapshot_scope.epoch
        return replace(record, epoch=epoch, anchor_at=record.last_event_at)

    async def _put(
        self, cache: CacheStore, loaded: Loaded, supersedes: Collection[Stamp], now: datetime
    ) -> None:
        scope = self._registration.mapper.scope
        record = self._record(loaded, now).in_epoch(scope.epoch)
        if record.verified_at != loaded.verified_at:
            record = replace(record, verified_at=loaded.verified_at)
        if record.version < self._floor.version(record.aggregate_id):
            self._reporting.count("cache.put_below_floor")
            return
        put = cache.put(scope.key(record.aggregate_id), record, supersedes)
        await bounded("the cache's put", cache.timeout, put)
        loaded.record = record

    def _is_slow(self, loaded: Loaded) -> bool:
        """Whether the state takes long to verify, by how long it takes to encode it."""
        if loaded.record is not None:
            return False
        mapper, began = self._registration.mapper, thread_time()
        try:
            loaded.payload = mapper.encode(loaded.state)
        except InterlockError:
            return False  # raised again when it is written
        return (thread_time() - began) * mapper.fidelity.cost > _SLOW_SECONDS

    def _record(self, loaded: Loaded, now: datetime) -> AggregateRecord:
        """The state's record, encoded and verified once. Raises `StateNotKeptError`."""
        if loaded.record is not None:
            return loaded.record
        mapper, state = self._registration.mapper, loaded.state
        try:
            loaded.record = mapper.verified(
                state,
                mapper.encode(state) if loaded.payload is None else loaded.payload,
                loaded.origin(mapper.scope),
                verified_at=loaded.verified_at,
                taken_at=now,
            )
        except StateNotKeptError as error:
            _remember(self._not_kept, loaded.aggregate_id, error.where)
            raise
        self._not_kept.pop(loaded.aggregate_id, None)
        return loaded.record


def _end(under_way: ExitStack, _task: asyncio.Task[None]) -> None:
    under_way.close()


def _remember(notes: dict[UUID, Any], aggregate_id: UUID, note: object) -> None:  # Any: a note
    notes[aggregate_id] = note
    if len(notes) > _REMEMBERED:
        del notes[next(iter(notes))]
