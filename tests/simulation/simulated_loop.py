"""An event loop in which the choices decide what runs next, and no time passes by itself."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from choices import Choices


class _Shuffled(deque[asyncio.Handle]):
    """What is ready to run; any of it may be next."""

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self._choices = choices

    def popleft(self) -> asyncio.Handle:
        self.rotate(-self._choices.below(len(self)))
        return super().popleft()


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Time jumps to the next timer once nothing is ready; without one, everybody waits for ever."""

    if TYPE_CHECKING:  # what asyncio's own loops keep
        _scheduled: list[asyncio.TimerHandle]
        _stopping: bool

    _now = 0.0

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self._ready = _Shuffled(choices)

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and not self._stopping:
            timers = [timer.when() for timer in self._scheduled if not timer.cancelled()]
            if not timers:
                raise RuntimeError("every task waits, and no timer will wake one")
            self._now = max(self._now, min(timers))
        super()._run_once()  # type: ignore[misc] # asyncio's own, not in its stubs
