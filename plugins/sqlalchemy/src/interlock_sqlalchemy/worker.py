"""A thread of one's own, fed by an event loop."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from interlock.backends import BackendUnavailableError

T = TypeVar("T")


class _Job(Generic[T]):
    __slots__ = ("_error", "_future", "_result", "_work")

    def __init__(self, work: Callable[[], T], future: "asyncio.Future[T]") -> None:
        self._work = work
        self._future = future
        self._error: BaseException | None = None

    def run(self) -> None:
        if self._future.cancelled():
            return
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 # who submitted the job gets it
            self._error = error

    def settle(self) -> None:
        if self._future.cancelled():
            return
        if self._error is None:
            self._future.set_result(self._result)
        else:
            self._future.set_exception(self._error)
            self._future.exception()  # seen: whoever gave a read up needn't hear how it failed


class Worker:
    """Runs jobs in one thread, in order. Whoever waits for several is woken once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()  # jobs of any result
        self._done: deque[_Job[Any]] = deque()
        self._waking = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Start the thread, for the running loop."""
        self._loop = asyncio.get_running_loop()
        # A daemon, so that an application that was never closed can't keep the interpreter alive.
        Thread(target=self._run, args=(self._loop,), name=self._name, daemon=True).start()

    def submit(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Have the thread do the work, unless the future is cancelled before its turn."""
        if self._loop is None:
            raise BackendUnavailableError(f"{self._name} isn't open", nothing_done=True)
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work, future))
        return future

    async def stop(self, last: Callable[[], None]) -> None:
        """End the thread once it has done what was submitted, and then `last`."""
        if self._loop is None:
            return
        done = self.submit(last)
        self._jobs.put(None)
        self._loop = None
        await asyncio.shield(done)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
            self._done.append(job)
            if not self._waking:
                self._waking = True
                with suppress(RuntimeError):  # the loop was closed before us: nobody waits
                    loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._waking = False  # before draining: a job done from here on wakes the loop again
        while self._done:
            self._done.popleft().settle()
