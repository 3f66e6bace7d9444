"""Writes to a shared cache after a commit: waited for a little, then they go on behind."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from statistics import median
from uuid import UUID

from interlock._engine.cache import AggregateCache
from interlock._engine.guard import go_on
from interlock._engine.reporting import Reporting

_WAIT_MIN = 0.005  # seconds
_WAIT_FACTOR = 4
_MEASURED = 15  # of the latest writes
_LATE = 256
"""So many writes of an application may go on behind; of further ones the entry is outdated."""

Write = Callable[[], Coroutine[None, None, bool]]


class LateWrites:
    """What is written to the shared cache of one registered aggregate after commits.

    A command is answered when the cache has, or when it has had its time: four times what the
    latest writes took, and 5 ms at least. The writes of one id are made one after the other, so
    that none comes after a newer one. `late` are those of the application that go on behind.
    """

    def __init__(
        self, cache: AggregateCache, late: set[asyncio.Task[None]], reporting: Reporting
    ) -> None:
        self._cache = cache
        self._late = late
        self._reporting = reporting
        self._seconds: deque[float] = deque(maxlen=_MEASURED)
        self._under_way: dict[UUID, set[asyncio.Task[None]]] = {}
        self._given_up: set[UUID] = set()  # of those under way

    def start(self) -> None:
        """Forget the writes of an earlier life."""
        self._late.clear()
        self._under_way.clear()
        self._given_up.clear()

    async def write(
        self, aggregate_id: UUID, write: Write, answered: asyncio.Future[None] | None
    ) -> None:
        """Write, after the id's earlier ones; `answered` is settled when it takes too long.

        The write tells whether the cache did it, and raises nothing. It is this task's last work.
        """
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("a coroutine without a task")
        of_id = self._under_way.setdefault(aggregate_id, set())
        writing = self._write_after(of_id.copy(), write)
        of_id.add(task)
        answer = partial(self._answer, aggregate_id, task, answered)
        try:
            await self._write_in_time(writing, answer)
        except TimeoutError:
            self._reporting.count("cache.put_given_up")
            self._given_up.add(aggregate_id)
        finally:
            self._late.discard(task)
            of_id.discard(task)
            if not of_id and self._under_way.get(aggregate_id) is of_id:
                del self._under_way[aggregate_id]
                if aggregate_id in self._given_up:  # an earlier one may have come after the removal
                    self._given_up.discard(aggregate_id)
                    self._cache.outdate(aggregate_id)

    async def drain(self) -> None:
        """Wait until nothing is being written."""
        while self._under_way:
            await asyncio.wait(set().union(*self._under_way.values()))

    def give_up(self) -> None:
        """Write nothing any more; the entries of what isn't written are outdated."""
        for aggregate_id, tasks in self._under_way.items():
            self._cache.outdate(aggregate_id)
            for task in tasks:
                task.cancel()

    async def _write_after(self, earlier: set[asyncio.Task[None]], write: Write) -> None:
        if earlier:
            await asyncio.wait(earlier)
        loop = asyncio.get_running_loop()
        began = loop.time()
        if await write():
            self._seconds.append(loop.time() - began)

    async def _write_in_time(
        self, writing: Coroutine[None, None, None], answer: Callable[[asyncio.Timeout], None]
    ) -> None:
        """Write. Raises `TimeoutError` if that takes too long, and can't go on behind."""
        # A cache that rests refuses at once: only a write that waits is worth a timer.
        steps = writing.__await__()
        try:
            waits_for = next(steps)
        except StopIteration:
            return
        async with asyncio.timeout(None) as bound:
            timer = asyncio.get_running_loop().call_later(self._patience(), answer, bound)
            try:
                await go_on(steps, waits_for)
            finally:
                timer.cancel()

    def _patience(self) -> float:
        """How many seconds a command waits for its write."""
        return max(_WAIT_MIN, _WAIT_FACTOR * median(self._seconds or (0.0,)))

    def _answer(
        self,
        aggregate_id: UUID,
        task: asyncio.Task[None],
        answered: asyncio.Future[None] | None,
        bound: asyncio.Timeout,
    ) -> None:
        """Let the write go on behind, or give it up; without a settler it has to be waited for."""
        if len(self._late) < _LATE:
            self._late.add(task)
            self._reporting.count("cache.put_late")
            if answered is not None and not answered.done():
                answered.set_result(None)
        elif self._cache.outdate(aggregate_id):
            bound.reschedule(asyncio.get_running_loop().time())
