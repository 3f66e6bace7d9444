"""Runs that are about one thing: on several accounts at once, few callers on each."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from awaits import Reached
from choices import Choices
from interlock.application.aggregates import FastForward, Replay, Trust
from noted_calls import ACCOUNTS
from simulated_bank import RELEASES, Move
from simulated_end import Ending
from simulated_loop import SimulatedLoop
from simulated_process import Process
from simulated_settings import FRESHNESS
from simulated_themes import (
    Act,
    Part,
    Theme,
    ages,
    appends,
    endings,
    forgetting,
    heads,
    hits,
    joins,
    limits,
    rollbacks,
    slots,
    snapshots,
)
from simulated_world import World
from surroundings import Fault

_ANSWERED = 10.0  # seconds: no delay, no timeout and no late effect takes longer
_ACCOUNTS = tuple(UUID(int=number) for number in range(1, 21))
# For what seldom comes together.
MANY_ACCOUNTS = tuple(UUID(int=number) for number in range(1, 81))
_LOADS = {
    Act.TRUST: Trust(),
    Act.AGED: FRESHNESS[1],
    Act.FORWARD: FastForward(),
    Act.REPLAY: Replay(),
}


class ThemeWorld(World):
    """Stores, processes and callers of a theme."""

    theme_of: Callable[[Choices], Theme]
    accounts: Sequence[UUID] = _ACCOUNTS

    def __init__(
        self, choices: Choices, loop: SimulatedLoop, *, is_faulty: bool, hunted: Reached
    ) -> None:
        self.theme = type(self).theme_of(choices)
        super().__init__(
            choices, loop, is_faulty=is_faulty, hunted=hunted, settings=self.theme.settings
        )
        around, theme = self.around, self.theme
        around.only, around.one_in, around.entry_one_in = (
            theme.faults,
            theme.one_in,
            theme.entry_one_in,
        )
        around.disturbed_one_in = theme.disturbed_one_in
        around.are_writes_slow, around.puts_take = theme.are_writes_slow, theme.puts_take
        around.delays, around.slow = theme.delays, theme.slow
        self.callers.accounts, self.callers.pauses = self.accounts, theme.many_pauses

    async def live(self) -> None:
        """Let the casts play, and look at everything once it is quiet."""
        for _ in range(1 if self.settings.is_alone else 2):
            self.processes.append(await self._process())
        choices, theme = self.around.choices, self.theme
        await self._begin()
        parts = [
            self.around.start(self._play(part, aggregate_id))
            for aggregate_id in self.callers.accounts
            for part in choices.one_of(theme.casts)
        ]
        works = {self._roll_back: theme.rolled_back_after, self._give_up: theme.give_up_after}
        others = [self.around.start(work()) for work, pauses in works.items() if pauses]
        await asyncio.wait(parts)
        for part in parts:
            part.result()
        for other in others:
            other.cancel()
        self.around.is_faulty = self.around.are_slow = False
        await asyncio.sleep(_ANSWERED)
        await self.end()
        for process in self.processes:
            if not process.wire.is_closed:
                await self.around.start(process.close())
                process.wire.is_closed = True
        await asyncio.sleep(_ANSWERED)

    async def _begin(self) -> None:
        was_faulty, self.around.is_faulty = self.around.is_faulty, False
        for aggregate_id in self.callers.accounts:
            for _ in range(self.theme.begins_with):
                await self.callers.move(self.processes[0], aggregate_id, of=Move)
        self.around.is_faulty = was_faulty

    async def _process(self) -> Process:
        process = await super()._process()
        process.events.breaks_down = self.theme.breaks_down
        return process

    async def end(self) -> None:
        """Load everything, which needn't fail now."""
        self.callers.is_quiet = True
        for process in [*self.processes, await self._another()]:
            for aggregate_id in self.callers.accounts:
                await self.callers.load(process, aggregate_id, None, None)
                await self.callers.load(process, aggregate_id, FastForward(), None)

    async def _another(self) -> Process:
        self.processes.append(await self._process())
        return self.processes[-1]

    async def _play(self, part: Part, aggregate_id: UUID) -> None:
        choices, process = self.around.choices, self.processes[part.process]
        for _ in range(choices.below(part.times + 1)):
            await asyncio.sleep(choices.one_of(self.theme.pauses))
            if self.theme.beat:
                await asyncio.sleep(-self.around.loop.time() % self.theme.beat)
            await self._act(choices.one_of(part.acts), process, aggregate_id)

    async def _act(self, act: Act, process: Process, aggregate_id: UUID) -> None:
        match act:
            case Act.MOVE:
                await self.callers.move(process, aggregate_id)
            case Act.LOOK:
                await self.callers.look(process, aggregate_id)
            case Act.MANY:
                await self.callers.load_many(process, None, among=self._pair_of(aggregate_id))
            case Act.MANY_FORWARD:
                among = self._pair_of(aggregate_id)
                await self.callers.load_many(process, FastForward(), among=among)
            case Act.DELETE:
                await self.callers.delete(process, aggregate_id)
            case Act.FORGET:
                await self.callers.forget(process, aggregate_id)
            case Act.VERSION:
                head = len(self.stores.events.stood_at[aggregate_id])
                asked = max(0, head - 1 + self.around.choices.below(3))
                await self.callers.load(process, aggregate_id, None, asked)
            case _:
                await self.callers.load(process, aggregate_id, _LOADS[act], None)

    def _pair_of(self, aggregate_id: UUID) -> Sequence[UUID]:
        index = self.callers.accounts.index(aggregate_id) // 2 * 2
        return self.callers.accounts[index : index + 2]

    async def _give_up(self) -> None:
        """Cancel calls at times at which stores answer."""
        choices = self.around.choices
        while True:
            await asyncio.sleep(choices.one_of(self.theme.give_up_after))
            for _ in range(choices.below(8)):
                await asyncio.sleep(0)
            calls = [call for each in self.processes for call in each.calls if not call.done()]
            if calls and choices.happens(3):
                self.cancel(choices.one_of(calls))

    async def _roll_back(self) -> None:
        choices = self.around.choices
        while True:
            await asyncio.sleep(choices.one_of(self.theme.rolled_back_after))
            self.around.hits[Fault.ROLLBACK] += 1
            ago = choices.one_of((0.05, 0.2, 0.5))
            self.stores.events.roll_back(self.around.loop.time() - ago)


class AgesWorld(ThemeWorld):
    theme_of = staticmethod(ages)


class HeadsWorld(ThemeWorld):
    theme_of = staticmethod(heads)


class HitsWorld(ThemeWorld):
    theme_of = staticmethod(hits)


class RollbacksWorld(ThemeWorld):
    theme_of = staticmethod(rollbacks)


class SnapshotsWorld(ThemeWorld):
    theme_of = staticmethod(snapshots)


class ForgettingWorld(ThemeWorld):
    theme_of = staticmethod(forgetting)
    accounts = MANY_ACCOUNTS


class AppendsWorld(ThemeWorld):
    theme_of = staticmethod(appends)
    accounts = MANY_ACCOUNTS


class SlotsWorld(ThemeWorld):
    theme_of = staticmethod(slots)
    accounts = _ACCOUNTS[:6]  # more would wait for each other for too long


class JoinsWorld(ThemeWorld):
    theme_of = staticmethod(joins)


class LimitsWorld(ThemeWorld):
    theme_of = staticmethod(limits)

    async def end(self) -> None:
        """Load what needs too long a replay, rebuild its snapshot, and load it again."""
        self.callers.is_quiet = True
        process = self.processes[0]
        for aggregate_id in self.callers.accounts:
            call = await self.callers.load(process, aggregate_id, None, None)
            call.must_fail = call.head_before > (self.settings.replay_limit or 0)
            await process.application.rebuild_snapshots(process.release, [aggregate_id])
            await self.callers.load(process, aggregate_id, None, None)


class EndingsWorld(ThemeWorld):
    theme_of = staticmethod(endings)
    accounts = ACCOUNTS

    async def _process(self) -> Process:
        if self.settings.releases == 1:
            return await super()._process()
        process = self._made(self.stores, self.settings, RELEASES[0 if self.processes else -1])
        await process.application.start()
        return process

    async def end(self) -> None:
        await Ending(self.stores, self.settings, self.callers, self._made).live(self.processes)


THEMES = (
    *(AgesWorld, HeadsWorld, HitsWorld, RollbacksWorld, SnapshotsWorld),
    *(ForgettingWorld, AppendsWorld, SlotsWorld, JoinsWorld),
    *(EndingsWorld, LimitsWorld),
)
