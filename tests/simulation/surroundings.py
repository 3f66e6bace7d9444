"""What the processes of a run share, and the wire between each of them and the stores."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from choices import Choices
from interlock.errors import BackendUnavailableError

T = TypeVar("T")
Do = Callable[[], Awaitable[T]]


class Fault(StrEnum):
    """What can go wrong. The first is a reply after a delay, which is none."""

    NONE = "none"
    FAILED = "failed before it was done"
    DRIVER = "failed before it was done, with an error of the driver's own"
    CANCELS = "failed before it was done, and cancels itself"
    HUNG = "never done, and no reply"
    LOST = "done, and the reply lost"
    SWALLOWED = "done, and no reply"
    LATE = "done late, and no reply"
    SLOW = "done, and the reply comes late"
    REFUSED = "refused: nothing done, nor will be"
    BROKEN_OFF = "failed between two chunks"
    EVICTED = "a cache entry evicted"
    STALE = "an earlier entry returned"
    LYING = "an entry's age made younger"
    UNUSABLE = "an unusable entry"
    GARBLED = "a record of which bytes are missing"
    MISPLACED = "an entry of another key returned"
    TOO_LARGE = "an entry above the cache's limit"
    DAMAGED = "an unusable snapshot"
    UNTOLD = "a change that isn't told"
    CHANNEL = "the channel of changes broken"
    CRASH = "a process crashed"
    SHUTDOWN = "every task of a process cancelled"
    CLOSE = "a process closed, and ended before it was"
    CANCELLATION = "a call cancelled"
    CLOCK = "a process's clock stepped"
    ROLLBACK = "the event store restored from a backup"


Disturb = Callable[[Fault, "asyncio.Task[Any] | None"], object]  # Any: of whatever
Hunt = Callable[[], Fault]

ENTRY_FAULTS: Sequence[Fault] = (
    *(Fault.EVICTED, Fault.STALE, Fault.UNUSABLE, Fault.GARBLED, Fault.MISPLACED),
)
CACHE_READ_FAULTS = (Fault.FAILED, Fault.DRIVER, Fault.CANCELS, Fault.HUNG)
CACHE_WRITE_FAULTS = (*CACHE_READ_FAULTS, Fault.LOST, Fault.SWALLOWED, Fault.LATE)
READ_FAULTS = (*CACHE_READ_FAULTS, Fault.SLOW, Fault.SLOW)
WRITE_FAULTS = (*CACHE_WRITE_FAULTS, Fault.SLOW)
_FAILURES = (Fault.FAILED, Fault.DRIVER, Fault.CANCELS, Fault.REFUSED)
DISTURBANCES = (
    *(Fault.CANCELLATION, Fault.CANCELLATION, Fault.CANCELLATION),
    *(Fault.CRASH, Fault.SHUTDOWN, Fault.CLOSE),
)
DELAYS = (0.0, 0.001, 0.02, 0.2)
_LATE = (0.3, 1.2, 3.0)
SLOW = (0.4, 0.8)  # within the timeouts of the stores that are slow


class Surroundings:
    """What the processes of a run share: choices, time, and the tasks that nobody waits for."""

    def __init__(
        self, choices: Choices, loop: asyncio.AbstractEventLoop, *, is_faulty: bool
    ) -> None:
        self.choices = choices
        self.is_faulty = is_faulty
        self.entry_faults = ENTRY_FAULTS
        """What happens to entries of a cache that are read."""
        self.entry_one_in = 3
        """Of so many entries that are read something happens to one."""
        self.only: Collection[Fault] | None = None
        """The faults that there are; None for all."""
        self.disturbed_one_in = 20
        """Of so many calls of a store one is disturbed."""
        self.are_slow = False
        """Whether stores that don't fail answer late every other time."""
        self.are_writes_slow = True
        """Whether that holds for writes as well."""
        self.puts_take: Sequence[float] = (0.0,)
        """How many seconds more a put into a cache takes."""
        self.delays: Sequence[float] = DELAYS
        """How many seconds a request or a reply takes."""
        self.slow: Sequence[float] = SLOW
        """How many a reply that comes late."""
        self.hits = Counter[Fault]()
        self.one_in = choices.one_of((5, 10, 24))
        self.loop = loop
        # A task that isn't referenced is collected, which runs its `finally` blocks.
        self._pending: list[asyncio.Future[Any]] = []  # Any: of whatever

    def clock(self) -> datetime:
        """Tell the time of the loop, as a date."""
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self.loop.time())

    def fault(
        self, faults: Sequence[Fault], *, one_in: int | None = None, wanted: Fault = Fault.NONE
    ) -> Fault:
        """Choose whether there is a fault, and which; as often as in all of the run, or told.

        One that is wanted happens, unless the run is a replay.
        """
        chances, is_wanted = one_in or self.one_in, wanted is not Fault.NONE
        if self.only is not None:
            faults = [fault for fault in faults if fault in self.only]
        if not (self.is_faulty and faults):
            return Fault.NONE
        if self.choices.below(chances, wanted=chances - 1 if is_wanted else None) < chances - 1:
            return Fault.NONE
        index = faults.index(wanted) if is_wanted else None
        fault = faults[self.choices.below(len(faults), wanted=index)]
        self.hits[fault] += 1
        return fault

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task that belongs to no process, and keep it."""
        task = self.loop.create_task(work, context=Context())
        self._pending.append(task)
        return task

    def end_waits(self) -> None:
        """Cancel whatever was started, and whoever waits for ever."""
        for pending in self._pending:
            pending.cancel()

    async def wait_for_ever(self) -> None:
        """Wait until cancelled."""
        future = self.loop.create_future()
        self._pending.append(future)
        await future


class Wire:
    """What stands between one process and every store; once it is cut, nothing gets through.

    A request that was sent is done all the same: neither a crash nor a cancellation recalls it.
    One that `is_local` never waits and never fails. `is_closed` tells that the process asks for
    nothing any more. `disturb` is told to harm the process while one of its requests is under way,
    and which task waits for that; `hunt` may want that to happen.
    """

    def __init__(self, surroundings: Surroundings, disturb: Disturb, hunt: Hunt) -> None:
        self.surroundings = surroundings
        self.is_cut = False
        self.is_local = False
        self.is_closed = False
        self.calls_after_close = 0
        self._disturb = disturb
        self._hunt = hunt

    async def call(self, do: Do[T], faults: Sequence[Fault]) -> T:
        """Do it behind the wire."""
        around = self.surroundings
        self.used()
        await self._pass()
        if self.is_local:
            return await do()
        wanted = self._hunt()
        disturbance = around.fault(DISTURBANCES, one_in=around.disturbed_one_in, wanted=wanted)
        if disturbance is not Fault.NONE:
            now = None if wanted is Fault.NONE else 0
            when = around.delays[around.choices.below(len(around.delays), wanted=now)]
            task = asyncio.current_task()
            around.loop.call_later(when, self._disturb, disturbance, task, context=Context())
        fault = around.fault(faults)
        may_be_slow = around.are_writes_slow or Fault.LOST not in faults
        if fault is Fault.NONE and around.are_slow and Fault.SLOW in faults and may_be_slow:
            fault = around.fault([Fault.SLOW], one_in=2)
        if fault is Fault.NONE and around.choices.below(4) == 0:
            return await do()  # without waiting
        if fault in _FAILURES:
            await self._fail(fault)
        if fault is Fault.HUNG:
            await around.wait_for_ever()
        delay = around.choices.one_of(_LATE if fault is Fault.LATE else around.delays)
        request = around.start(_done(do, delay))
        if fault in (Fault.SWALLOWED, Fault.LATE):
            await around.wait_for_ever()
        answer = await asyncio.shield(request)
        delays = around.slow if fault is Fault.SLOW else around.delays
        await asyncio.sleep(around.choices.one_of(delays))
        await self._pass()
        self.used()
        if fault is Fault.LOST:
            raise BackendUnavailableError(fault)
        if isinstance(answer, _Failure):
            raise answer.error
        return answer

    def used(self) -> None:
        """Note that somebody asks for something, or has waited for it."""
        self.calls_after_close += self.is_closed

    async def _fail(self, fault: Fault) -> None:
        await asyncio.sleep(self.surroundings.choices.one_of(self.surroundings.delays))
        await self._pass()
        if fault is Fault.DRIVER:
            raise ConnectionResetError
        if fault is Fault.CANCELS:
            raise asyncio.CancelledError
        raise BackendUnavailableError(fault, nothing_done=fault is Fault.REFUSED)

    async def _pass(self) -> None:
        if self.is_cut:
            await self.surroundings.wait_for_ever()


@dataclass
class _Failure:
    error: Exception


async def _done(do: Do[T], delay: float) -> T | _Failure:
    await asyncio.sleep(delay)
    try:
        return await do()
    except Exception as error:  # noqa: BLE001 it is the caller's, who may be gone
        return _Failure(error)
