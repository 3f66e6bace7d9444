"""Calls to backends: bounded in time, and no driver's error escapes."""

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


async def bounded(what: str, timeout: timedelta | None, answer: Awaitable[T]) -> T:
    """The answer.

    `BackendUnavailableError` if it is late, fails with a foreign error or cancels itself.
    """
    try:
        if timeout is None:
            return await answer
        # Many calls are answered without waiting: only one that waits is worth a timer.
        steps = answer.__await__()
        try:
            waits_for = next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result
        async with asyncio.timeout(timeout.total_seconds()):
            return await the_rest(steps, waits_for)
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
        raise BackendUnavailableError(f"{what} gave no answer within {timeout}") from error
    except Exception as error:
        raise BackendUnavailableError(f"{what} failed: {error!r}") from error


@coroutine
def the_rest(steps: Steps[T], waits_for: object) -> Steps[T]:
    """Go on with an awaitable whose first step was taken."""
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
