"""The guard of every call of a store: bounded in time, and no driver's error escapes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import timedelta
from functools import partial
from types import coroutine
from typing import Any, NoReturn, TypeVar

from interlock._storage.breaker import Breaker
from interlock.errors import (
    BackendUnavailableError,
    ConcurrencyError,
    ConfigurationError,
    RecordTooLargeError,
    RecordUnusableError,
    StateNotKeptError,
)

T = TypeVar("T")
Steps = Generator[Any, Any, T]  # Any: what an awaitable and the event loop say to each other

ANSWERS = (ConfigurationError, RecordTooLargeError, RecordUnusableError, StateNotKeptError)
"""The errors by which a store answers."""
ALL_ITS_TIME = 0.9
"""A call that is cancelled after this part of its timeout ran into that: timers may be early."""


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


@coroutine
def to_the_end(work: Awaitable[T]) -> Steps[T]:
    """Await the work to its end, even if this task is cancelled; the cancellation is raised then.

    What the work awaits is told of no cancellation. So work that isn't a task of its own has to do
    without those of its own making, as `asyncio.timeout` is one.
    """
    steps, cancellation = work.__await__(), None
    try:
        waits_for = next(steps)
    except StopIteration as stop:
        result: T = stop.value
        return result
    with ExitStack() as scopes:
        try:
            while True:
                cancellation = (yield from _waited(waits_for, scopes)) or cancellation
                waits_for = steps.send(None)
        except StopIteration as stop:
            result = stop.value
        except BaseException:
            if cancellation is None:
                raise  # else the caller asked not to know
    if cancellation is not None:
        raise cancellation
    return result


def _waited(
    future: "asyncio.Future[Any] | None", scopes: ExitStack
) -> Steps[asyncio.CancelledError | None]:
    """Wait for a future, or a turn of the loop, whatever is cancelled; the last cancellation."""
    cancellation, is_over = None, False
    while not is_over:
        try:
            if future is None:
                is_over = True
                yield None
            else:
                future._asyncio_future_blocking = False  # noqa: SLF001 as a task does
                done = future.get_loop().create_future()
                future.add_done_callback(partial(_settle, done))
                yield from done
                is_over = True
        except asyncio.CancelledError as error:
            cancellation = error
            is_over = future is None or future.done()
            scopes.enter_context(_left_alone())
    return cancellation


def _settle(done: "asyncio.Future[None]", _: object) -> None:
    if not done.done():
        done.set_result(None)


def _left_alone() -> AbstractContextManager[object]:
    """Within it anyio, which cancels a task anew in each turn of the loop, leaves it alone."""
    anyio = sys.modules.get("anyio")
    return nullcontext() if anyio is None else anyio.CancelScope(shield=True)


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
    except BaseException as error:  # noqa: BLE001 it is raised again
        translate(error, what, bound)


def translate(error: BaseException, what: str, bound: timedelta | None) -> NoReturn:
    """Raise what a caller of a backend gets where its call raised the error."""
    try:
        raise error
    except StopAsyncIteration:
        raise
    except asyncio.CancelledError:
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
    except TimeoutError:
        raise BackendUnavailableError(f"{what} gave no answer within {bound}") from error
    except Exception:  # noqa: BLE001 whatever a driver raises
        raise BackendUnavailableError(f"{what} failed: {error!r}") from error


@coroutine
def call_through(
    breaker: Breaker, bound: timedelta | None, make: Callable[[], Awaitable[T]]
) -> Steps[T]:
    """The answer of a store, unless it rests. Raises what the store raises, and `StoreRestsError`.

    Whoever calls it bounds it in time. A failure counts if the call waited, since one that didn't
    cost nothing; that of a probe counts always.
    """
    ticket = breaker.admit()
    loop = asyncio.get_running_loop()
    began, has_waited = loop.time(), False
    try:
        steps = make().__await__()
        try:
            waits_for = next(steps)
        except StopIteration as stop:
            result: T = stop.value
        else:
            has_waited = True
            result = yield from go_on(steps, waits_for)
    except ANSWERS:  # the store itself answers
        breaker.answered(ticket)
        raise
    except Exception as error:
        if has_waited or breaker.is_open:
            breaker.failed(ticket, repr(error), loop.time() - began)
        else:
            breaker.given_up(ticket)
        raise
    except BaseException:
        waited = loop.time() - began
        if bound is not None and waited >= ALL_ITS_TIME * bound.total_seconds():
            breaker.failed(ticket, f"no answer within {bound}", waited)
        else:
            breaker.given_up(ticket)
        raise
    breaker.answered(ticket)
    return result
