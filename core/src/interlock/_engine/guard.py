"""The guard of every call of a store: bounded in time, and no driver's error escapes."""

import asyncio
from collections.abc import Awaitable, Generator
from datetime import timedelta
from types import coroutine
from typing import Any, TypeVar

from interlock.errors import (
    BackendUnavailableError,
    ConcurrencyError,
    RecordTooLargeError,
    RecordUnusableError,
    StateNotKeptError,
)

T = TypeVar("T")
Steps = Generator[Any, Any, T]  # Any: what an awaitable and the event loop say to each other


@coroutine
def go_on(steps: Steps[T], waits_for: object) -> Steps[T]:
    """Take the further steps of an awaitable whose first one was taken, and waits; its result."""
    try:
        while True:
            try:
                sent = yield waits_for
            except BaseException as error:  # noqa: BLE001 a cancellation is its too
                waits_for = steps.throw(error)
            else:
                waits_for = steps.send(sent)
    except StopIteration as stop:
        result: T = stop.value
        return result


async def call_backend(what: str, bound: timedelta | None, answer: Awaitable[T]) -> T:
    """The answer of a backend.

    `BackendUnavailableError` if it is late, fails with a foreign error or cancels itself.
    """
    try:
        if bound is None:
            return await answer
        # Many calls are answered without waiting: only one that waits is worth a timer.
        steps = answer.__await__()
        try:
            waits_for = next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result
        async with asyncio.timeout(bound.total_seconds()):
            return await go_on(steps, waits_for)
    except StopAsyncIteration:
        raise
    except asyncio.CancelledError as error:
        caller = asyncio.current_task()
        if caller is None or caller.cancelling():
            raise
        raise BackendUnavailableError(f"{what} cancelled itself") from error
    except (
        BackendUnavailableError,
        ConcurrencyError,
        RecordTooLargeError,
        RecordUnusableError,
        StateNotKeptError,
    ):
        raise
    except TimeoutError as error:
        raise BackendUnavailableError(f"{what} gave no answer within {bound}") from error
    except Exception as error:
        raise BackendUnavailableError(f"{what} failed: {error!r}") from error
