"""A simulated run: processes on one event store, their callers, and what becomes of both."""

import asyncio
import gc
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from unittest.mock import patch
from uuid import UUID

from choices import Choices
from history_checker import Call, End, History, Row
from interlock.application.aggregates import FastForward, Freshness, MaxAge, Replay, Trust
from interlock.domain import Command
from interlock.errors import (
    AppendOutcomeUnknownError,
    BackendUnavailableError,
    ConcurrencyError,
    VersionNotFoundError,
)
from simulated_bank import Account, Look, Move, MoveLater, MoveOnce, RefusedError
from simulated_loop import SimulatedLoop
from simulated_process import AGE, FRESHNESS, Process, Settings, Stores
from simulated_stores import Fault, Surroundings

_Work = Callable[[], Awaitable[None]]

ACCOUNTS = (UUID(int=1), UUID(int=2))
_CALLERS = 5
_CALLS = 12
_PROCESSES = 2
_PAUSES = (0.0, 0.01, 0.1, 0.5)


@dataclass
class Run:
    """What a run gave: its history, the choices that make it again, and the faults it met."""

    history: History
    choices: list[int]
    hits: Counter[Fault]


def simulate(choices: Choices, *, is_faulty: bool) -> Run:
    """Run it from the first command to the last, on a loop of its own."""
    loop = SimulatedLoop(choices)
    was_collecting = gc.isenabled()
    gc.disable()  # a collection comes whenever it likes, and ends generators
    try:
        with patch("interlock._model.aggregate.uuid4", choices.new_id):
            return loop.run_until_complete(_run(choices, is_faulty=is_faulty))
    finally:
        loop.close()
        if was_collecting:
            gc.enable()


async def _run(choices: Choices, *, is_faulty: bool) -> Run:
    world = _World(choices, is_faulty=is_faulty)
    await world.live()
    history = await world.history()
    run = Run(history, [*choices.made], world.around.hits)
    await _end_others()
    return run


class _World:
    """The stores of a run, the processes in front of them, and the callers."""

    def __init__(self, choices: Choices, *, is_faulty: bool) -> None:
        self.around = Surroundings(choices, is_faulty=is_faulty)
        self.stores = Stores(self.around)
        self.settings = Settings.chosen(choices)
        self.calls: list[Call] = []
        self._count = 0
        self._processes: list[Process] = []
        self._started = 0

    async def live(self) -> None:
        """Let callers call and processes crash, and look at everything once it is quiet."""
        for _ in range(_PROCESSES):
            self._processes.append(await self._process())
        callers = [self.around.start(self._caller(number)) for number in range(_CALLERS)]
        crashes = self.around.start(self._crashes()) if self.around.is_faulty else None
        await asyncio.wait(callers)
        for caller in callers:
            caller.result()
        if crashes is not None:
            crashes.cancel()
        self.around.is_faulty = False
        # In virtual time, so it costs nothing: no delay and no late effect takes longer.
        await asyncio.sleep(10)
        for process in self._processes:
            for aggregate_id in ACCOUNTS:
                for freshness in (Trust(), FastForward(), Replay()):
                    await self._load(process, aggregate_id, freshness, None)
            await process.application.close()

    async def history(self) -> History:
        """Read the streams from the event store, and put them beside the calls."""
        streams = {}
        for aggregate_id in ACCOUNTS:
            chunks = [chunk async for chunk in self.stores.events.read("Account", aggregate_id)]
            rows = [row for chunk in chunks for row in chunk]
            stood_at = self.stores.events.stood_at[aggregate_id]
            streams[str(aggregate_id)] = [
                Row(
                    version=row.version,
                    event_id=row.event_id.hex(),
                    command=json.loads(row.metadata)["command_id"],
                    stood_at=moment,
                    **json.loads(row.payload),
                )
                for row, moment in zip(rows, stood_at, strict=True)
            ]
        return History(streams, self.calls)

    async def _process(self) -> Process:
        self._started += 1
        process = Process(self.stores, self.settings, self._started)
        await process.application.start()
        return process

    async def _crashes(self) -> None:
        choices = self.around.choices
        while True:
            await asyncio.sleep(choices.one_of((0.5, 2.0, 5.0, 12.0)))
            for _ in range(choices.below(8)):
                await asyncio.sleep(0)
            index = choices.below(len(self._processes))
            self.around.hits[Fault.CRASH] += 1
            self._processes[index].crash()
            self._processes[index] = await self._process()

    async def _caller(self, number: int) -> None:
        choices = self.around.choices
        for _ in range(_CALLS):
            await asyncio.sleep(choices.one_of(_PAUSES))
            process = self._processes[number % len(self._processes)]
            aggregate_id = choices.one_of((ACCOUNTS[0], ACCOUNTS[0], ACCOUNTS[1]))
            match choices.below(9):
                case 0 | 1 | 2 | 3:
                    await self._move(process, aggregate_id)
                case 4 | 5:
                    await self._look(process, aggregate_id)
                case 6:
                    asked = choices.below(len(self.stores.events.stood_at[aggregate_id]) + 2)
                    await self._load(process, aggregate_id, None, asked)
                case _:
                    freshness = choices.one_of((None, *FRESHNESS))
                    await self._load(process, aggregate_id, freshness, None)

    async def _move(self, process: Process, aggregate_id: UUID) -> None:
        choices = self.around.choices
        kind = choices.one_of((Move, Move, MoveLater, MoveOnce if self.around.is_faulty else Move))
        amounts = tuple(choices.one_of((5, 7, 11, -3)) for _ in range(choices.one_of((1, 1, 2, 3))))
        command = kind(aggregate_id=aggregate_id, command_id=choices.new_id(), amounts=amounts)
        await self._dispatch(process, command, amounts)

    async def _look(self, process: Process, aggregate_id: UUID) -> None:
        command = Look(aggregate_id=aggregate_id, command_id=self.around.choices.new_id())
        await self._dispatch(process, command, ())

    async def _dispatch(
        self, process: Process, command: Command[tuple[int, int]], amounts: tuple[int, ...]
    ) -> None:
        call = self._begin(process, command.aggregate_id)
        call.command, call.amounts = str(command.command_id), amounts

        async def work() -> None:
            version, balance = await process.application.dispatch(command)
            call.state(version=version, balance=balance)

        await self._call(process, call, work)

    async def _load(
        self,
        process: Process,
        aggregate_id: UUID,
        freshness: Freshness | None,
        version: int | None,
    ) -> None:
        call = self._begin(process, aggregate_id)
        call.asked_version = version
        call.max_age = self._max_age(freshness or self.settings.freshness)

        async def work() -> None:
            account = await process.application.load(
                Account, aggregate_id, version=version, freshness=freshness
            )
            call.state(version=account.version, balance=account.balance, tags=account.tags)
            account.tags.append("the caller's own")

        await self._call(process, call, work)

    def _max_age(self, freshness: Freshness) -> float | None:
        """The age that is allowed; any, if it is believed to a cache that lies about it."""
        match freshness:
            case Trust():
                return None
            case MaxAge():
                return None if self.settings.does_cache_lie else AGE
            case _:
                return 0.0

    def _begin(self, process: Process, aggregate_id: UUID) -> Call:
        self._count += 1
        head = len(self.stores.events.stood_at[aggregate_id])
        now = self.around.loop.time()
        call = Call(process.number, str(aggregate_id), self._count, now, head)
        self.calls.append(call)
        return call

    async def _call(
        self, process: Process, call: Call, work: Callable[[], Awaitable[None]]
    ) -> None:
        """Call, perhaps cancel the call, and note how it ended; a crash ends it too."""
        task = self.around.start(_end_of(work))
        if self.around.fault([Fault.CANCELLATION]) is not Fault.NONE:
            self.around.start(self._cancel(task))
        await asyncio.wait({task, process.crashed}, return_when=asyncio.FIRST_COMPLETED)
        end: End
        note: object
        if process.wire.is_cut or task.cancelled():
            end, note = End.UNKNOWN, "crashed" if process.wire.is_cut else "cancelled"
        else:
            end, note = task.result()
        if isinstance(note, RefusedError):
            call.state(version=note.version, balance=note.balance)
        self._count += 1
        call.end, call.ended, call.note = end, self._count, str(note)
        call.head_after = len(self.stores.events.stood_at[UUID(call.aggregate)])

    async def _cancel(self, task: asyncio.Task[object]) -> None:
        choices = self.around.choices
        await asyncio.sleep(choices.one_of((0.0, 0.0, 0.001, 0.02, 0.3, 1.0)))
        for _ in range(choices.below(8)):
            await asyncio.sleep(0)
        task.cancel()


async def _end_of(work: _Work) -> tuple[End, object]:
    """How the work ends, and what there is to say of it."""
    try:
        await work()
    except RefusedError as refusal:
        return End.REFUSED, refusal
    except AppendOutcomeUnknownError as error:
        return End.UNKNOWN, error
    except VersionNotFoundError as error:
        return End.NOT_FOUND, error
    except (ConcurrencyError, BackendUnavailableError) as error:
        return End.FAILED, error
    except Exception as error:  # noqa: BLE001 whatever it is, it is noted
        return End.UNDOCUMENTED, repr(error)
    return End.ACKNOWLEDGED, ""


async def _end_others() -> None:
    """End what waits for ever: those who crashed, and what they sent."""
    me = asyncio.current_task()
    while others := [task for task in asyncio.all_tasks() if task is not me]:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
