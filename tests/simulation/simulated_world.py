"""A simulated run: processes on one event store, their callers, and what becomes of both."""

import asyncio
import gc
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from awaits import Reached, waits_at, waits_here
from choices import Choices
from history import History, Row
from interlock._storage.unsettled_keys import UnsettledKeys
from simulated_bank import Account
from simulated_callers import Callers
from simulated_end import Ending
from simulated_loop import SimulatedLoop
from simulated_process import Process, Stores, make_task
from simulated_settings import Settings
from simulated_stores import Stream
from surroundings import DISTURBANCES, Fault, Surroundings

_PROCESSES = 2
_STEPS = (0.2, -0.2, 7.0, -7.0, 7200.0, -7200.0)  # seconds


@dataclass
class Run:
    """What a run gave: its history, the choices that make it again, and what it met."""

    history: History
    choices: list[int]
    hits: Counter[Fault]
    reached: Reached


def simulate(
    choices: Choices,
    *,
    is_faulty: bool,
    hunted: Reached | None = None,
    of: "type[World] | None" = None,
) -> Run:
    """Run it from the first command to the last, on a loop of its own.

    Where the engine is about to wait in a place that is hunted, it is cancelled or crashed.
    """
    loop = SimulatedLoop(choices)
    loop.set_task_factory(make_task)
    was_collecting = gc.isenabled()
    gc.disable()  # a collection comes whenever it likes, and ends generators
    try:
        with (
            patch("interlock._model.aggregate.new_id", choices.new_id),
            # To look for plugins takes as long as all the rest.
            patch("interlock._plugins.entry_points.distributions", tuple),
            patch("interlock._engine.state_records._MANY_BYTES", _ManyBytes(choices)),
        ):
            make = of or World
            world = make(choices, loop, is_faulty=is_faulty, hunted=hunted or Reached())
            size = world.settings.limit_of(10_000)
            with (
                patch("interlock._engine.known_heads._FORGOTTEN_REMEMBERED", size),
                patch("interlock._engine.late_writes._LATE", world.late_writes),
                patch.dict(UnsettledKeys.__init__.__kwdefaults__, size=size),
            ):
                return loop.run_until_complete(_run(world))
    finally:
        loop.close()
        if was_collecting:
            gc.enable()


class _ManyBytes:
    """A bound of bytes that some states exceed, whatever they have."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices

    def __lt__(self, size: int) -> bool:
        return self._choices.happens(8)


async def _run(world: "World") -> Run:
    await world.live()
    history = world.history()
    run = Run(history, [*world.around.choices.made], world.around.hits, world.reached)
    await _end_others(world.around)
    return run


class World:
    """The stores of a run, the processes in front of them, and the callers."""

    make_process = Process
    has_faults = True
    """Whether stores fail in it as a rule."""
    late_writes = 256
    """So many writes of a process go on behind its answers."""

    def __init__(
        self,
        choices: Choices,
        loop: SimulatedLoop,
        *,
        is_faulty: bool,
        hunted: Reached,
        settings: Settings | None = None,
    ) -> None:
        self.around = Surroundings(choices, loop, is_faulty=is_faulty)
        self.stores = Stores(self.around)
        self.settings = settings or Settings.chosen(choices)
        self.around.are_slow = self.settings.are_stores_slow
        self.around.disturbed_one_in = self.settings.crowd.disturbed_one_in
        self.around.entry_faults = self.settings.crowd.entry_faults
        self.around.one_in *= self.settings.crowd.rarer
        self.processes: list[Process] = []
        self.reached = Reached()
        self._hunted = hunted
        self._is_hunting = bool(hunted.cancelled or hunted.crashed)
        self._started = 0
        self.callers = Callers(self.around, self.stores, self.settings, self.processes, self.cancel)

    async def live(self) -> None:
        """Let callers call and processes crash, and look at everything once it is quiet."""
        for _ in range(_PROCESSES):
            self.processes.append(await self._process())
        numbers = range(self.settings.crowd.callers)
        callers = [self.around.start(self.callers.call(number)) for number in numbers]
        others = [self._misfortunes(), self._patrol()] if self.around.is_faulty else []
        tasks = [self.around.start(other) for other in others]
        await asyncio.wait(callers)
        for caller in callers:
            caller.result()
        for task in tasks:
            task.cancel()
        self.around.is_faulty = False
        ending = Ending(self.stores, self.settings, self.callers, self._made)
        await ending.live(self.processes)

    def history(self) -> History:
        """Put the streams beside the calls, as they are and as they were."""
        events = self.stores.events
        return History(
            {str(each): _rows(events.now(each)) for each in self.callers.accounts},
            self.callers.calls,
            {
                str(each): [_rows(was) for was in events.past[each]]
                for each in self.callers.accounts
            },
            {each.number: each.wire.calls_after_close for each in self.processes},
        )

    def cancel(self, task: asyncio.Task[object]) -> None:
        """Cancel it, and note where it waited."""
        self.reached.cancelled |= waits_at(task)
        task.cancel()

    async def _process(self) -> Process:
        process = self._made(self.stores, self.settings)
        await process.application.start()
        return process

    def _made(
        self, stores: Stores, settings: Settings, release: type[Account] | None = None
    ) -> Process:
        self._started += 1
        return self.make_process(
            stores, settings, self._started, self._disturb, self._hunt, release
        )

    async def _misfortunes(self) -> None:
        choices, misfortunes = self.around.choices, self.settings.misfortunes
        while misfortunes:
            pauses = (0.5, 2.0, 5.0, 12.0) if len(misfortunes) > 1 else (0.1, 0.3, 0.5, 1.0)
            await asyncio.sleep(choices.one_of(pauses))
            for _ in range(choices.below(8)):
                await asyncio.sleep(0)
            misfortune = choices.one_of(misfortunes)
            process = choices.one_of(self.processes)
            if misfortune is Fault.CLOCK and not self.settings.do_clocks_step:
                misfortune = Fault.ROLLBACK
            self.around.hits[misfortune] += 1
            if misfortune is Fault.CLOCK:
                process.step_clock(timedelta(seconds=choices.one_of(_STEPS)))
            elif misfortune is Fault.ROLLBACK:
                ago = choices.one_of((0.0, 0.1, 1.0, 5.0))
                self.stores.events.roll_back(self.around.loop.time() - ago)
            else:
                self._disturb(process, misfortune, None)

    async def _patrol(self) -> None:
        """Disturb processes also where they wait for something else than a store."""
        choices = self.around.choices
        while True:
            await asyncio.sleep(0.01 if self._is_hunting else choices.one_of((0.2, 0.07, 0.03)))
            for process in [*self.processes]:
                wanted = self._hunt(process)
                one_in = 3 * self.around.disturbed_one_in
                fault = self.around.fault(DISTURBANCES, one_in=one_in, wanted=wanted)
                if fault is not Fault.NONE:
                    self._disturb(process, fault, None)

    def _hunt(self, process: Process) -> Fault:
        """Want what is hunted and would be reached now."""
        cancelled = self._hunted.cancelled - self.reached.cancelled
        crashed = self._hunted.crashed - self.reached.crashed
        if not (cancelled or crashed):
            return Fault.NONE
        here = waits_here()
        if here & cancelled and asyncio.current_task() in process.calls:
            return Fault.CANCELLATION
        here = here.union(*map(waits_at, process.under_way()))
        if here & crashed:
            return Fault.CRASH
        return Fault.SHUTDOWN if here & cancelled else Fault.NONE

    async def _hunt_for(self, process: Process, seconds: float) -> None:
        """Wait for so long, or until what is hunted would be reached."""
        # Counted: a rest of time may be too short for the clock to go on.
        steps, each = (round(seconds / 0.01), 0.01) if self._is_hunting else (1, seconds)
        for _ in range(steps if seconds else 0):
            await asyncio.sleep(each)
            if self._hunt(process) is not Fault.NONE:
                return

    def _disturb(
        self,
        process: Process,
        fault: Fault,
        task: asyncio.Task[Any] | None,  # Any: of whatever
    ) -> None:
        """Cancel the call, or another one of the process, or end that; one takes its place then."""
        if process.wire.is_cut or not self.around.is_faulty:
            return
        if fault is Fault.CANCELLATION:
            calls = [call for call in process.calls if not call.done()]
            if task in calls:
                self.cancel(task)
            elif calls:
                self.cancel(self.around.choices.one_of(calls))
        elif not process.is_ending:
            process.is_ending = True
            self.around.start(self._replace(process, fault))

    async def _replace(self, process: Process, fault: Fault) -> None:
        choices = self.around.choices
        if fault is Fault.CLOSE:
            self.around.start(process.close())
            await self._hunt_for(process, choices.one_of((0.0, 0.02, 0.2, 5.0)))
            ends, wanted = (Fault.CRASH, Fault.SHUTDOWN), self._hunt(process)
            index = None if wanted is Fault.NONE else ends.index(wanted)
            fault = ends[choices.below(len(ends), wanted=index)]
        under_way = process.under_way()
        if fault is Fault.SHUTDOWN:
            for task in under_way:
                self.cancel(task)
            if under_way:
                await asyncio.wait(under_way, timeout=choices.one_of((0.0, 0.1, 2.0)))
        for task in process.under_way():
            self.reached.crashed |= waits_at(task)
        process.crash()
        self.processes[self.processes.index(process)] = await self._process()


def _rows(stream: Stream) -> Sequence[Row]:
    return [
        Row(
            version=row.version,
            event_id=row.event_id.hex(),
            command=json.loads(row.metadata)["command_id"],
            stood_at=moment,
            **json.loads(row.payload),
        )
        for row, moment in zip(stream.rows, stream.stood_at, strict=True)
    ]


async def _end_others(around: Surroundings) -> None:
    """End what waits for ever: those who crashed, and what they sent."""
    around.end_waits()  # a commit isn't told of a cancellation
    me = asyncio.current_task()
    while others := [task for task in asyncio.all_tasks() if task is not me]:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
