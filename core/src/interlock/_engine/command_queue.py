"""Commands for one id take turns, and no call chain waits for itself."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar, Token
from uuid import UUID

from interlock.errors import ConcurrencyError, ReentrantCommandError

_Command = tuple[type, str, UUID]  # its class, the name of the aggregate's type, its id
_Holds = tuple[list[_Command], ...]
_holds: ContextVar[_Holds] = ContextVar("interlock_holds", default=())
"""The handlers that led to this call, the outermost first: of one that is over the list is empty.

A task that a handler starts has its context; and each command makes a list, so it isn't an object.
"""


handlers_running = _holds.get
"""The same; also those that are over, so where there is one `refuse_reentry` has to look."""


def begin_hold(command: type, of: str, aggregate_id: UUID) -> tuple[list[_Command], Token[_Holds]]:
    """Mark the call chain, and the tasks it starts, until `end_hold`."""
    hold = [(command, of, aggregate_id)]
    holds = _holds.get()
    return hold, _holds.set((*holds, hold) if holds else (hold,))


def end_hold(held: tuple[list[_Command], Token[_Holds]]) -> None:
    """Let the call chain, and tasks that outlive the handler, dispatch."""
    hold, token = held
    hold.clear()
    _holds.reset(token)


@contextmanager
def holding(command: type, of: str, aggregate_id: UUID) -> Iterator[None]:
    """Mark the call chain, and the tasks it starts, within the block."""
    held = begin_hold(command, of, aggregate_id)
    try:
        yield
    finally:
        end_hold(held)


def refuse_reentry(command: str) -> None:
    """Raise `ReentrantCommandError` if a handler that is still running led here.

    A waiting for B while B waits for A would hang for ever, so a handler dispatches to no id at
    all.
    """
    for hold in _holds.get():
        for holder, of, aggregate_id in hold:
            raise ReentrantCommandError(
                f"{command} was dispatched from within the handling of {holder.__name__} on {of} "
                f"{aggregate_id}; handlers don't dispatch: emit an event, and dispatch where it is "
                "seen"
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
