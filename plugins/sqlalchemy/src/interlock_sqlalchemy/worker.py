"""A thread that runs an event loop's jobs."""

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
    __slots__ = ("_error", "_result", "_work", "future")

    def __init__(self, work: Callable[[], T], future: "asyncio.Future[T]") -> None:
        self._work = work
        self.future = future
        self._error: BaseException | None = None

    def run(self) -> None:
        if self.future.cancelled():
            return
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 # who submitted the job gets it
            self._error = error

    def settle(self) -> None:
        if self.future.cancelled():
            return
        if self._error is None:
            self.future.set_result(self._result)
        else:
            self.future.set_exception(self._error)
            self.future.exception()  # seen: whoever gave a read up needn't hear how it failed


class Worker:
    """Runs jobs in one thread, in order. Whoever waits for several is woken once.

    It serves the loop that runs when it is made, until it is stopped; the next loop makes another.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()  # jobs of any result
        self._done: deque[_Job[Any]] = deque()
        self._waking = False
        self._is_open = True
        self._loop = asyncio.get_running_loop()
        self.runs: asyncio.Future[Any] | None = None
        """The future of the job under way; another thread may see the one before."""
        # A daemon, so that an application that was never closed can't keep the interpreter alive.
        Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Have the thread do the work, unless the future is cancelled before its turn."""
        self.check_is_open()
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work, future))
        return future

    def check_is_open(self) -> None:
        """Raise `BackendUnavailableError` once it was stopped."""
        if not self._is_open:
            raise BackendUnavailableError(f"{self._name} isn't open", nothing_done=True)

    def stop(self, last: Callable[[], object]) -> "asyncio.Future[object]":
        """End the thread once it has done what was submitted, and then `last`."""
        done = self.submit(last)
        self._jobs.put(None)
        self._is_open = False
        return done

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self.runs = job.future
            job.run()
            self.runs = None
            self._done.append(job)
            if not self._waking:
                self._waking = True
                with suppress(RuntimeError):  # the loop was closed before us: nobody waits
                    self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._waking = False  # before draining: a job done from here on wakes the loop again
        while self._done:
            self._done.popleft().settle()
