"""Runs that make frequent what is rare in all others; the measure tries them last."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from awaits import Reached
from choices import Choices
from interlock.application.aggregates import FastForward, Trust
from simulated_bank import Move
from simulated_loop import SimulatedLoop
from simulated_outage import CutProcess, OutageWorld, SlowCache, SlowProcess, SlowWorld
from simulated_rare_themes import (
    committing,
    confirming,
    deleting_beside_loads,
    deleting_beside_puts,
    differences,
    forgetting_records,
    retrying,
    rollbacks_beside_loads,
    turns,
)
from simulated_settings import Settings
from simulated_theme_worlds import MANY_ACCOUNTS, AppendsWorld, EndingsWorld, ThemeWorld
from simulated_world import World

_LONGER_THAN_A_REST = 40.0  # seconds


class ConfirmingWorld(ThemeWorld):
    theme_of = staticmethod(confirming)


class CommittingWorld(ThemeWorld):
    theme_of = staticmethod(committing)
    accounts = MANY_ACCOUNTS[:40]


class ForgettingRecordsWorld(ThemeWorld):
    theme_of = staticmethod(forgetting_records)


class DeletingBesideLoadsWorld(ThemeWorld):
    theme_of = staticmethod(deleting_beside_loads)


class DeletingBesidePutsWorld(ThemeWorld):
    theme_of = staticmethod(deleting_beside_puts)
    accounts = MANY_ACCOUNTS


class RollbacksBesideLoadsWorld(ThemeWorld):
    theme_of = staticmethod(rollbacks_beside_loads)
    accounts = MANY_ACCOUNTS[:40]


class RetryingWorld(ThemeWorld):
    theme_of = staticmethod(retrying)
    accounts = MANY_ACCOUNTS


class DifferencesWorld(EndingsWorld):
    theme_of = staticmethod(differences)


class TurnsWorld(ThemeWorld):
    theme_of = staticmethod(turns)
    accounts = MANY_ACCOUNTS[:6]  # more would wait for each other for too long


class CutWorld(OutageWorld):
    """The cache of one process is away while commands are dispatched to many accounts."""

    def __init__(
        self, choices: Choices, loop: SimulatedLoop, *, is_faulty: bool, hunted: Reached
    ) -> None:
        settings = Settings(are_events_safe=True)
        super().__init__(choices, loop, is_faulty=is_faulty, hunted=hunted, settings=settings)
        self.callers.accounts = tuple(UUID(int=number) for number in range(1, 22))
        self.callers.heads_known, self.callers.are_commits_known = CutProcess.floor_size, True

    async def live(self) -> None:
        """Let entries be outdated, and look at what is left of them once the cache is back."""
        process = await self._process()
        assert isinstance(process, CutProcess)
        self.processes.append(process)
        other, *accounts = self.callers.accounts
        await self._command(process)
        await asyncio.sleep(2)  # in virtual time: the puts have gone on behind
        process.cache.is_cut = True
        for _ in range(self.settings.crowd.failures):
            await self.callers.load(process, other, FastForward(), None)
        await self._outdate(process)
        process.cache.is_cut = False
        await self._look(process)
        await asyncio.sleep(_LONGER_THAN_A_REST)
        self.processes.append(await self._process())
        for aggregate_id in accounts:
            call = await self.callers.load(self.processes[-1], aggregate_id, Trust(), None)
            call.max_age = 0.0  # nothing outdated is left
        for each in self.processes:
            await each.application.close()

    async def _command(self, process: CutProcess) -> None:
        _, *accounts = self.callers.accounts
        moves = [self.callers.move(process, aggregate_id, of=Move) for aggregate_id in accounts]
        await asyncio.gather(*map(self.around.start, moves))

    async def _outdate(self, process: CutProcess) -> None:
        await self._command(process)

    async def _look(self, process: CutProcess) -> None:
        """Load many while the settler is at work."""
        await asyncio.sleep(_LONGER_THAN_A_REST / 2)
        for _ in range(40):
            await asyncio.sleep(self.around.choices.one_of((0.2, 0.5)))
            await self.callers.load_many(process, Trust())


class ProbingWorld(CutWorld):
    """Commands put while another call tries the cache."""

    async def _outdate(self, process: CutProcess) -> None:
        await asyncio.sleep(_LONGER_THAN_A_REST)
        probe = self.callers.load(process, self.callers.accounts[0], FastForward(), None)
        probing = self.around.start(probe)
        await self._command(process)
        await probing

    async def _look(self, process: CutProcess) -> None:
        """Leave it to the settler."""


class SlowerCache(SlowCache):
    """One whose puts take longer than it takes to remove what is outdated."""

    timeout = None
    puts_take = (0.0, 3.0)


class SlowerProcess(SlowProcess):
    cache_type = SlowerCache


class SlowerWorld(SlowWorld):
    """Few puts may go on behind the answers, and some take long."""

    make_process = SlowerProcess

    def __init__(
        self, choices: Choices, loop: SimulatedLoop, *, is_faulty: bool, hunted: Reached
    ) -> None:
        super().__init__(choices, loop, is_faulty=is_faulty, hunted=hunted)
        self.late_writes = 1


LATER: Mapping[type[World], type[World]] = {
    AppendsWorld: RetryingWorld,
    EndingsWorld: DifferencesWorld,
}
"""What stands for others in the second half of the seeds that try all kinds of worlds."""
RARE: tuple[type[World], ...] = (
    *(ConfirmingWorld, CommittingWorld, ForgettingRecordsWorld, DeletingBesideLoadsWorld),
    *(DeletingBesidePutsWorld, RollbacksBesideLoadsWorld, TurnsWorld),
    *(CutWorld, ProbingWorld, SlowerWorld),
)
