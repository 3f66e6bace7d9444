"""Commands for one id take turns, and no call chain waits for itself."""

import asyncio
from collections import deque
from contextlib import suppress
from contextvars import ContextVar
from uuid import UUID

from interlock.errors import ConcurrencyError, ReentrantCommandError


class holding:  # noqa: N801 # read as a verb: `with holding(...)`
    """Marks the call chain, and the tasks it starts, until the block is left.

    Classes and not generators, here and below: each command enters one of both.
    """

    __slots__ = ("aggregate_id", "command", "is_active", "of", "token")

    def __init__(self, command: str, of: str, aggregate_id: UUID) -> None:
        self.command = command
        self.of = of
        self.aggregate_id = aggregate_id
        self.is_active = True

    def __enter__(self) -> None:
        holds = _holds.get()
        self.token = _holds.set((*holds, self) if holds else (self,))

    def __exit__(self, *_: object) -> None:
        self.is_active = False
        _holds.reset(self.token)


_holds: ContextVar[tuple[holding, ...]] = ContextVar("interlock_holds", default=())


def refuse_reentry(command: str) -> None:
    """Raise `ReentrantCommandError` if a handler that is still running led here.

    A waiting for B while B waits for A would hang for ever, so a handler dispatches to no id at
    all.
    """
    for hold in _holds.get():
        if hold.is_active:
            raise ReentrantCommandError(
                f"{command} was dispatched from within the handling of {hold.command} on {hold.of} "
                f"{hold.aggregate_id}; handlers don't dispatch: emit an event, and dispatch where "
                "it is seen"
            )


class CommandQueue:
    """A bounded first-come first-served queue per id."""

    def __init__(self, size: int) -> None:
        self._size = size
        # Of the ids of which somebody has the turn: those who wait for it.
        # By the id as an integer, as in `KnownHeads`; None stands for nobody.
        self._queues: dict[int, deque[asyncio.Future[None]] | None] = {}
        self._empty: asyncio.Event | None = None  # where somebody waits

    def turn(self, aggregate_id: UUID) -> "_Turn":
        """The id's turn, to be waited for and held: `async with queue.turn(...)`."""
        return _Turn(self, aggregate_id)

    def take_at_once(self, aggregate_id: UUID) -> bool:
        """Take the id's turn, if nobody has it."""
        if aggregate_id.int in self._queues:
            return False
        self._queues[aggregate_id.int] = None
        return True

    async def take(self, aggregate_id: UUID) -> None:
        """Wait for the id's turn. Raises `ConcurrencyError` if the queue is full."""
        if self.take_at_once(aggregate_id):
            return
        queue = self._queues[aggregate_id.int]
        if queue is None:
            queue = self._queues[aggregate_id.int] = deque()
        if len(queue) >= self._size:
            raise ConcurrencyError(
                f"{self._size} commands already wait for {aggregate_id}; dispatch fewer at once, "
                "or raise queue_size"
            )
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # it may have been passed over already
                    queue.remove(turn)
            else:
                self.leave(aggregate_id)
            raise

    def leave(self, aggregate_id: UUID) -> None:
        """Give the turn to who waits longest."""
        queue = self._queues[aggregate_id.int]
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._queues[aggregate_id.int]
        if self._empty is not None and not self._queues:
            self._empty.set()

    async def drain(self) -> None:
        """Wait until nobody has a turn or waits for one."""
        while self._queues:
            self._empty = asyncio.Event()
            await self._empty.wait()


class _Turn:
    __slots__ = ("_aggregate_id", "_queue")

    def __init__(self, queue: CommandQueue, aggregate_id: UUID) -> None:
        self._queue = queue
        self._aggregate_id = aggregate_id

    async def __aenter__(self) -> None:
        await self._queue.take(self._aggregate_id)

    async def __aexit__(self, *_: object) -> None:
        self._queue.leave(self._aggregate_id)
