"""Calls that go on when whoever made them is gone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from weakref import WeakSet

from interlock.backends import BackendUnavailableError

T = TypeVar("T")

_SHARE = 0.9
"""The part of its caller's patience that a call has: its own error says more than the caller's."""


def call_seconds(seconds: float) -> float:
    """After how long a call that may take so long is given up."""
    return seconds * _SHARE


class BackgroundCalls:
    """Calls that were handed over: they end by themselves, or are broken off at their deadline.

    Breaking one off costs its connection, and gives back its place in the pool.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = call_seconds(seconds)
        self._tasks: set[asyncio.Task[Any]] = set()  # of any result
        self._late: WeakSet[asyncio.Task[Any]] = WeakSet()

    def start(self, call: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Have it done; `result` waits for it."""
        task = asyncio.create_task(call)
        deadline = task.get_loop().call_later(self._seconds, self._give_up, task)
        self._tasks.add(task)
        task.add_done_callback(lambda _: deadline.cancel())
        task.add_done_callback(self._ended)
        return task

    async def result(
        self, task: "asyncio.Task[T]", what: str, *, had_begun: Callable[[], bool] = bool
    ) -> T:
        """Its result; who stops waiting doesn't stop it."""
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
        """Wait for all; who stops waiting breaks them off."""
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
