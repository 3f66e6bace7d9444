"""Long replays take turns, so that many cold loads at once don't take the event store down."""

import asyncio
from collections import deque
from datetime import timedelta

from interlock.errors import BackendUnavailableError


class ReplaySlots:
    """The long replays of an application: at most `size` at once, those of commands first.

    A replay is long from its event `long` + 1 on.
    """

    def __init__(self, size: int, long: int) -> None:
        self.long = long
        """So many events are replayed without a slot."""
        self._size = size
        self.start()

    def start(self) -> None:
        """Forget the replays of an earlier life."""
        self._free = self._size
        self._commands: deque[asyncio.Future[None]] = deque()
        self._loads: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Whether there was a free slot, which is the caller's now."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def wait(self, bound: timedelta | None, *, for_command: bool) -> None:
        """Wait for a slot. Raises `BackendUnavailableError` if there is none in time."""
        waiting = self._commands if for_command else self._loads
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            async with asyncio.timeout(None if bound is None else bound.total_seconds()):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.release()
            if isinstance(error, TimeoutError):
                raise BackendUnavailableError(
                    f"{self._size} replays of more than {self.long} events are under way, and "
                    f"none ended within {bound}; try again, or raise replay_slots"
                ) from None
            raise

    def release(self) -> None:
        """Give the slot to who waits longest, a command if there is one."""
        for waiting in (self._commands, self._loads):
            while waiting:
                turn = waiting.popleft()
                if not turn.done():  # else its caller has given up
                    turn.set_result(None)
                    return
        self._free += 1
