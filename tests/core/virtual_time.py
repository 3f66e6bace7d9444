"""An event loop in which waiting takes no time, and stores that an outage cuts off."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from enum import Enum, auto
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

from rig_stores import Cache, Scripted, Snapshots

P = ParamSpec("P")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time jumps to the next timer once nothing is ready; without one, everybody waits for ever."""

    if TYPE_CHECKING:  # what asyncio's own loops keep
        _ready: list[asyncio.Handle]
        _scheduled: list[asyncio.TimerHandle]
        _stopping: bool

    _now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and not self._stopping:
            timers = [timer.when() for timer in self._scheduled if not timer.cancelled()]
            if not timers:
                raise RuntimeError("every task waits, and no timer will wake one")
            self._now = max(self._now, min(timers))
        super()._run_once()  # type: ignore[misc] # asyncio's own, not in its stubs


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an asynchronous test in a virtual loop."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


async def pass_by(seconds: float) -> None:
    """Let the time pass, in no time."""
    await asyncio.sleep(seconds)


def now() -> float:
    """The seconds that have passed."""
    return asyncio.get_running_loop().time()


class State(Enum):
    """What a server does with a call."""

    UP = auto()
    REFUSES = auto()  # after a millisecond
    BLACK_HOLE = auto()


class Remote(Scripted):
    """A store on a server that takes a tenth of a millisecond, or is down.

    `attempts` counts the calls that came while it was.
    """

    is_local = False
    timeout: timedelta | None = timedelta(seconds=1)
    state = State.UP
    attempts = 0

    async def at(self, call: str) -> None:
        await super().at(call)
        self.attempts += self.state is not State.UP
        if self.state is State.BLACK_HOLE:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(0.001 if self.state is State.REFUSES else 0.0001)
        if self.state is State.REFUSES:
            raise ConnectionRefusedError("connection refused")


class RemoteCache(Remote, Cache):
    """A cache on a server."""


class RemoteSnapshots(Remote, Snapshots):
    """A snapshot store on a server."""
