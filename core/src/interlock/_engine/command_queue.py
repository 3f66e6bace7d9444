"""Commands for one id take turns, and no call chain waits for itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from interlock.errors import ConcurrencyError, ReentrantCommandError


@dataclass(slots=True)
class _Hold:
    what: str
    is_active: bool = True


_holds: ContextVar[tuple[_Hold, ...]] = ContextVar("interlock_holds", default=())


def refuse_reentry(command: str) -> None:
    """Raise `ReentrantCommandError` if a handler that is still running led here.

    A waiting for B while B waits for A would hang for ever, so a handler dispatches to no id at
    all.
    """
    for hold in _holds.get():
        if hold.is_active:
            raise ReentrantCommandError(
                f"{command} was dispatched from within the handling of {hold.what}; handlers don't "
                "dispatch: emit an event, and dispatch where it is seen"
            )


@contextmanager
def holding(what: str) -> Iterator[None]:
    """Mark the call chain, and the tasks it starts, until the block is left."""
    hold = _Hold(what)
    token = _holds.set((*_holds.get(), hold))
    try:
        yield
    finally:
        hold.is_active = False
        _holds.reset(token)


class _Queue:
    __slots__ = ("lock", "waiting")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0


class CommandQueue:
    """A bounded first-come first-served queue per id."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._queues: dict[UUID, _Queue] = {}

    @asynccontextmanager
    async def turn(self, aggregate_id: UUID) -> AsyncIterator[None]:
        """Wait for the id's turn and hold it. Raises `ConcurrencyError` if the queue is full."""
        queue = self._queues.get(aggregate_id)
        if queue is None:
            queue = self._queues[aggregate_id] = _Queue()
        if queue.waiting > self._size:
            raise ConcurrencyError(
                f"{self._size} commands already wait for {aggregate_id}; dispatch fewer at once, "
                "or raise queue_size"
            )
        queue.waiting += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.waiting -= 1
            if queue.waiting == 0:
                del self._queues[aggregate_id]

    async def drain(self) -> None:
        """Wait until nobody has a turn or waits for one."""
        while self._queues:
            queue = next(iter(self._queues.values()))
            async with queue.lock:  # given to who waits longest: all before us are done
                pass
