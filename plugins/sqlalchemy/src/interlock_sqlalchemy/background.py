"""Runs calls that finish even if their caller is cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from weakref import WeakSet

from interlock.backends import BackendUnavailableError

T = TypeVar("T")

_SHARE = 0.9
"""The share of the caller's timeout that a call gets, so that its own error comes first."""


def call_seconds(seconds: float) -> float:
    """Compute after how many seconds a call is aborted whose caller waits this long."""
    return seconds * _SHARE


class BackgroundCalls:
    """Runs calls as tasks that end by themselves or are aborted at their deadline.

    Aborting a call closes its connection and frees its place in the pool.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = call_seconds(seconds)
        self._tasks: set[asyncio.Task[Any]] = set()  # of any result
        self._late: WeakSet[asyncio.Task[Any]] = WeakSet()

    def start(self, call: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start a call as a task; `result` waits for it."""
        task = asyncio.create_task(call)
        deadline = task.get_loop().call_later(self._seconds, self._give_up, task)
        self._tasks.add(task)
        task.add_done_callback(lambda _: deadline.cancel())
        task.add_done_callback(self._ended)
        return task

    async def result(
        self, task: "asyncio.Task[T]", what: str, *, had_begun: Callable[[], bool] = bool
    ) -> T:
        """Wait for a call's result; a cancelled caller doesn't stop the call."""
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled() or task not in self._late:
                raise
            raise BackendUnavailableError(
                f"{what}: no answer within {self._seconds:g} s; the connection was broken off",
                nothing_done=not had_begun(),
            ) from None

    async def close(self) -> None:
        """Wait for all calls; if the caller is cancelled, abort them."""
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            raise

    def _give_up(self, task: "asyncio.Task[Any]") -> None:
        self._late.add(task)
        task.cancel()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever gave it up needn't hear how it failed
