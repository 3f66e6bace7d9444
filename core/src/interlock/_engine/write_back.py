"""Writes after a load or a commit: a snapshot if one is due, and a cache entry."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar
from uuid import UUID

from interlock._engine.cache import AggregateCache
from interlock._engine.context import TypeContext
from interlock._engine.in_flight import InFlight
from interlock._engine.late_writes import LateWrites
from interlock._engine.load_context import LoadedState
from interlock._engine.snapshots import SnapshotHistory
from interlock._engine.state_records import StateRecords
from interlock._model.strategies import AlwaysCache, CacheMoment, SnapshotMoment
from interlock._storage.records import Stamp

M = TypeVar("M", SnapshotMoment, CacheMoment)

_BEHIND = 16
"""So many verifications may go on behind the answers; a commit waits for the next."""


class _Due(NamedTuple):
    """The writes that are due for a state; `removal` of the cache entry if no `entry` is put."""

    snapshot: bool
    entry: bool
    removal: bool


class WriteBack:
    """Snapshots and caches states of one registered aggregate; nothing it does fails its caller."""

    def __init__(
        self,
        context: TypeContext,
        cache: AggregateCache,
        snapshots: SnapshotHistory,
        records: StateRecords,
    ) -> None:
        self._context = context
        self._registration = context.registration
        self._cache = cache
        self._snapshots = snapshots
        self._records = records
        self.is_idle = not (snapshots.are_taken or cache.is_there)
        """Whether there is nothing that a state could ever be written to."""
        is_always = type(context.registration.cache_strategy) is AlwaysCache
        self._caches_always = cache.is_there and is_always
        self._only_caches = self._caches_always and not snapshots.are_taken
        self._waiting: list[tuple[UUID, Callable[[], Coroutine[None, None, None]]]] = []
        self._behind: set[asyncio.Task[None]] = set()
        self._late = (
            None
            if not cache.is_there or cache.never_waits
            else LateWrites(cache, context.late_writes, context.reporting)
        )
        self.in_flight = InFlight()
        """The ids for which a state is being written."""

    def start(self) -> None:
        """Forget what an earlier life had yet to write."""
        self.in_flight = InFlight()
        self._waiting.clear()
        self._behind.clear()
        if self._late is not None:
            self._late.start()
        self._snapshots.start()

    async def after_load(self, loaded: LoadedState, now: datetime) -> None:
        """Write what a load found at the stream's head."""
        due = self._due(loaded, loaded.version, ())
        if due is not None:
            await self._write(loaded, due, loaded.trace.refuted, now=now)

    def puts_at_once(
        self, loaded: LoadedState, supersedes: Collection[Stamp], now: datetime
    ) -> bool:
        """Whether all that a commit leaves behind is written, without a wait."""
        return self._only_caches and self._cache.put_at_once(loaded, supersedes, now)

    async def after_commit(
        self,
        loaded: LoadedState,
        *,
        version_before: int,
        event_names: tuple[str, ...],
        supersedes: Collection[Stamp],
        now: datetime,
        answered: asyncio.Future[None] | None,
    ) -> None:
        """Write what our own append made; what is slow to verify waits for `start_behind`.

        `answered` is settled, and the rest goes on behind, when a shared cache takes too long.
        """
        due = self._due(loaded, version_before, event_names)
        if due is None:
            return
        late, has_room = self._late, len(self._behind) + len(self._waiting) < _BEHIND
        if (due.snapshot or due.entry) and has_room and self._records.is_slow(loaded):
            writing = partial(
                self._write, loaded, due, supersedes, now=now, late=late, answered=answered
            )
            self._waiting.append((loaded.aggregate_id, writing))
        else:
            await self._write(loaded, due, supersedes, now=now, late=late, answered=answered)

    async def remove(self, aggregate_id: UUID, answered: asyncio.Future[None] | None) -> None:
        """Remove the cache entry after a commit that isn't kept; `answered` as above."""
        if self._late is None:
            await self._cache.drop(aggregate_id)
        else:
            with self.in_flight.of(aggregate_id):
                drop = partial(self._cache.drop, aggregate_id)
                await self._late.write(aggregate_id, drop, answered)

    def start_behind(self) -> None:
        """Start what waits until its command was answered."""
        while self._waiting:
            aggregate_id, writing = self._waiting.pop()
            in_flight = ExitStack()
            in_flight.enter_context(self.in_flight.of(aggregate_id))
            task = asyncio.create_task(writing())
            self._behind.add(task)
            task.add_done_callback(self._behind.discard)
            task.add_done_callback(partial(_end, in_flight))

    async def forget(self, aggregate_id: UUID) -> None:
        """Wait for what is being written of the id, and write nothing that is queued."""
        await self.in_flight.ended(aggregate_id)
        self._cache.forget_absence(aggregate_id)
        await self._snapshots.forget_queued(aggregate_id)

    async def drain(self) -> None:
        """Wait until what goes on behind is done, and the snapshots that are queued are written."""
        while self._behind:
            await asyncio.wait(self._behind)
        if self._late is not None:
            await self._late.drain()
        await self._snapshots.drain()

    def give_up(self) -> None:
        """Write nothing any more."""
        for task in self._behind:
            task.cancel()
        if self._late is not None:
            self._late.give_up()
        self._snapshots.give_up()

    def _due(
        self, loaded: LoadedState, version_before: int, event_names: tuple[str, ...]
    ) -> _Due | None:
        """The writes that the strategies ask for; None for none."""
        last_event_at, anchor_at = loaded.last_event_at, loaded.anchor_at
        if self.is_idle or last_event_at is None or anchor_at is None:
            return None
        if self._snapshots.are_taken and not self._snapshots.are_written_at_once:
            anchor_at = self._snapshots.anchor(loaded, anchor_at)
        is_commit = bool(event_names)
        is_long = (
            loaded.events_folded > self._context.replay_slots.long
            and self._registration.snapshots_long_replays
        )
        snapshot = self._snapshots.are_taken and (
            is_long
            or self._decides(
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
        )
        entry = self._caches_always or (
            self._cache.is_there
            and self._decides(
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
        )
        removal = self._cache.is_there and (is_commit or loaded.trace.saw_cache_entry)
        if entry and self._cache.may_rest and self._cache.leaves_out(loaded.aggregate_id):
            entry = removal = False
        return _Due(snapshot, entry, removal) if snapshot or entry or removal else None

    def _decides(self, counter: str, wants: Callable[[M], bool], moment: M) -> bool:
        try:
            return wants(moment)
        except Exception as error:  # noqa: BLE001 the load or commit stands
            self._context.reporting.failed(counter, error, moment.state.id)
            return False

    async def _write(
        self,
        loaded: LoadedState,
        due: _Due,
        supersedes: Collection[Stamp],
        *,
        now: datetime,
        late: LateWrites | None = None,
        answered: asyncio.Future[None] | None = None,
    ) -> None:
        if due.snapshot:
            await self._snapshots.write(loaded, supersedes, now)
        if not (due.entry or due.removal):
            return
        cache, aggregate_id = self._cache, loaded.aggregate_id
        if late is not None:
            write = (
                partial(cache.put, loaded, supersedes, now)
                if due.entry
                else partial(cache.drop, aggregate_id)
            )
            with self.in_flight.of(loaded.aggregate_id):
                await late.write(aggregate_id, write, answered)
        elif due.entry:
            await cache.put(loaded, supersedes, now)
        else:
            await cache.drop(aggregate_id)


def _end(in_flight: ExitStack, _task: asyncio.Task[None]) -> None:
    in_flight.close()
