"""The end of a run, in which nothing fails any more: what is done then needn't fail, nor cost."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from history import End
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    Freshness,
    MaxAge,
    NeverCache,
    Replay,
    SnapshotAfterN,
    Trust,
)
from noted_calls import ACCOUNTS
from simulated_bank import DECEIVER, RELEASES, Account, Move, MoveOnce
from simulated_callers import Callers
from simulated_process import Process, Stores
from simulated_settings import Place, Settings
from simulated_stores import TYPE

_ANSWERED = 10.0  # seconds: no delay, no timeout and no late effect takes longer
_RESTED = 100.0  # nor does a store that failed rest longer
_YOUNG = MaxAge(timedelta(seconds=5))

Make = Callable[[Stores, Settings, type[Account]], Process]


class Ending:
    """What becomes of two processes. Time is virtual, so that waiting costs nothing."""

    def __init__(self, stores: Stores, settings: Settings, callers: Callers, make: Make) -> None:
        self._around = stores.around
        self._stores = stores
        self._settings = settings
        self._callers = callers
        self._make = make

    async def live(self, processes: Sequence[Process]) -> None:
        """Look at everything, and end one after the other."""
        await asyncio.sleep(_ANSWERED)
        first, second = processes  # another one may have taken the place of one that ended
        for process in processes:
            for aggregate_id in ACCOUNTS:
                for freshness in (Trust(), FastForward(), Replay()):
                    await self._callers.load(process, aggregate_id, freshness, None)
        await asyncio.sleep(_RESTED)
        self._callers.is_quiet = True
        if not self._settings.shadow:
            for aggregate_id in ACCOUNTS:
                await self._load_again(first, aggregate_id)
        await self._close_while_it_works(first)
        odd = [self._deceive, self._archive, self._leave_gaps]
        if self._settings.shadow == 1.0:
            odd += [self._deceive] * 2
        if isinstance(self._settings.cache, NeverCache):
            odd += [self._take_snapshots_away] * 3
        await self._around.choices.one_of(odd)(second)
        await self._close(second)
        await asyncio.sleep(_RESTED)

    async def _load_again(self, process: Process, aggregate_id: UUID) -> None:
        """Load what was just loaded, or has just got a snapshot."""
        if isinstance(self._settings.cache, AlwaysCache):
            await self._callers.load(process, aggregate_id, FastForward(), None)
            await self._count(process, aggregate_id, Trust(), 0)
            await self._count(process, aggregate_id, FastForward(), 1)
            if not self._settings.do_clocks_step:
                await self._callers.load(process, aggregate_id, _YOUNG, None)
                await self._count(process, aggregate_id, _YOUNG, 0)
        elif (due := self._due()) is not None:
            move = await self._callers.move(process, aggregate_id, of=Move)
            await asyncio.sleep(_ANSWERED)
            if move.end is End.ACKNOWLEDGED:
                await self._count(process, aggregate_id, FastForward(), due)

    def _due(self) -> int | None:
        """Every how many events a snapshot is due; the queue of one that is forgetful is full."""
        strategy = self._settings.snapshots
        if isinstance(strategy, SnapshotAfterN) and not self._settings.is_forgetful:
            return strategy.n
        return None

    async def _count(
        self, process: Process, aggregate_id: UUID, freshness: Freshness, needed: int
    ) -> None:
        before = process.events.rows_read
        call = await self._callers.load(process, aggregate_id, freshness, None)
        call.rows, call.needed = process.events.rows_read - before, needed

    async def _close_while_it_works(self, process: Process) -> None:
        """Close it while two of its calls are under way, which have to end well."""
        moves = [
            await self._callers.move(process, aggregate_id, of=Move) for aggregate_id in ACCOUNTS
        ]
        work = [
            self._around.start(self._callers.move(process, ACCOUNTS[0], of=Move)),
            self._around.start(self._callers.load(process, ACCOUNTS[1], FastForward(), None)),
        ]
        await asyncio.sleep(self._around.choices.one_of((0.01, 0.001, 0.1)))
        await self._close(process)
        await asyncio.wait(work)
        for call in (*moves, work[0].result()):
            call.due = self._due()
            call.written = self._stores.snapshots.newest(
                UUID(call.aggregate), process.release.revision
            )

    async def _close(self, process: Process) -> None:
        await self._around.start(process.close())
        process.wire.is_closed = True

    async def _deceive(self, process: Process) -> None:
        """Let the stores have states that no events give, which a replay doesn't look at."""
        if process.release is not RELEASES[0]:
            return
        others = Stores(self._around)
        others.events = self._stores.events
        settings = Settings(snapshots=SnapshotAfterN(1), freshness=FastForward())
        deceiver = self._make(others, settings, DECEIVER)
        await deceiver.application.start()
        for aggregate_id in ACCOUNTS:
            await deceiver.application.load(DECEIVER, aggregate_id)
            await deceiver.application.rebuild_snapshots(DECEIVER, [aggregate_id], every=1000)
        await deceiver.application.close()
        is_checked = self._settings.shadow and isinstance(self._settings.cache, AlwaysCache)
        await self._stores.take(others, are_snapshots_taken=not is_checked)
        for aggregate_id in ACCOUNTS:
            await self._callers.load(process, aggregate_id, Replay(), None)
            if isinstance(self._settings.freshness, Replay):
                await self._callers.move(process, aggregate_id, of=MoveOnce)
        await self._callers.load_many(process, Replay())
        if is_checked and self._settings.place in (Place.SHARED, Place.MACHINE):
            wrong = await self._callers.load(process, ACCOUNTS[0], Trust(), None)
            wrong.sees = False
            await asyncio.sleep(_ANSWERED)
            await self._callers.load(process, ACCOUNTS[0], Trust(), None)
            await self._callers.load(process, ACCOUNTS[0], Trust(), None)  # looked into at the end

    async def _archive(self, process: Process) -> None:
        """Archive all but the last event of each stream."""
        for aggregate_id in ACCOUNTS:
            head = len(self._stores.events.stood_at[aggregate_id])
            # A snapshot of what was rolled back may take the place of those that are rebuilt.
            if not head or self._stores.events.past[aggregate_id]:
                continue
            release = process.release
            await process.application.rebuild_snapshots(release, [aggregate_id], every=1000)
            await self._stores.events.delete(TYPE, aggregate_id, below=head)
            await self._callers.load(process, aggregate_id, FastForward(), None)
            calls = [
                await self._callers.load(process, aggregate_id, None, 1),
                await self._callers.load(process, aggregate_id, Replay(), None),
                await self._callers.forget(process, aggregate_id),
            ]
            for call in calls:
                call.may_miss_events = True
            await self._callers.load(process, aggregate_id, FastForward(), None)

    async def _leave_gaps(self, process: Process) -> None:
        """Let events be missing in the middle of what is read."""
        self._stores.events.has_gaps = True
        for aggregate_id in ACCOUNTS:
            head = len(self._stores.events.stood_at[aggregate_id])
            calls = [
                await self._callers.load(process, aggregate_id, Replay(), None),
                await self._callers.load(process, aggregate_id, FastForward(), None),
                await self._callers.load(process, aggregate_id, None, head),
                await self._callers.read_events(process, aggregate_id),
            ]
            for call in calls:
                call.may_miss_events = True
        self._stores.events.has_gaps = False

    async def _take_snapshots_away(self, process: Process) -> None:
        """Let the snapshot store be down, where replays may be forbidden then."""
        process.snapshots.is_down = True
        limit = self._settings.replay_limit
        for aggregate_id in ACCOUNTS:
            head = len(self._stores.events.stood_at[aggregate_id])
            call = await self._callers.load(process, aggregate_id, FastForward(), None)
            call.must_fail = self._settings.on_unavailable == "fail" or (
                limit is not None and head > limit
            )
        calls = await self._callers.load_many(process, FastForward())
        for call in calls:
            call.may_fail = True
        if self._settings.on_unavailable == "fail":
            for call in calls:
                call.must_fail = True
        process.snapshots.is_down = False
