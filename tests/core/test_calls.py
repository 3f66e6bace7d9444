"""Calls to backends are bounded, and no driver's error escapes them."""

import asyncio
from datetime import timedelta

import pytest

from interlock._engine.guard import call_backend
from interlock.errors import (
    BackendUnavailableError,
    ConcurrencyError,
    InterlockError,
    RecordUnusableError,
)
from rig import settled
from rig_stores import Gate

LONG, SHORT = timedelta(hours=1), timedelta(milliseconds=1)
TIMEOUTS = pytest.mark.parametrize("bound", [None, LONG], ids=["unbounded", "bounded"])


async def _answer(turns: int = 0) -> str:
    for _ in range(turns):
        await asyncio.sleep(0)
    return "answer"


async def _fail(error: BaseException, turns: int = 0) -> None:
    await _answer(turns)
    raise error


@TIMEOUTS
@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_the_answer_is_passed_on(bound: timedelta | None, turns: int) -> None:
    assert await call_backend("it", bound, _answer(turns)) == "answer"


@TIMEOUTS
@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.parametrize("error", [OSError("reset"), TimeoutError("of the driver"), KeyError("x")])
async def test_a_drivers_error_means_unavailable(
    bound: timedelta | None, turns: int, error: Exception
) -> None:
    [escaped] = await asyncio.gather(
        call_backend("the read", bound, _fail(error, turns)), return_exceptions=True
    )
    assert isinstance(escaped, BackendUnavailableError)
    assert str(escaped).startswith("the read")
    assert escaped.__cause__ is error


@TIMEOUTS
@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.parametrize(
    "error",
    [BackendUnavailableError("x"), RecordUnusableError("x"), ConcurrencyError("x")],
    ids=lambda error: type(error).__name__,
)
async def test_a_backends_own_errors_pass(
    bound: timedelta | None, turns: int, error: InterlockError
) -> None:
    with pytest.raises(type(error)) as caught:
        await call_backend("it", bound, _fail(error, turns))
    assert caught.value is error


async def test_a_late_answer_means_unavailable_and_the_call_is_cancelled() -> None:
    gate, ended = Gate(), asyncio.Event()

    async def never() -> None:
        try:
            await gate()
        finally:
            ended.set()

    with pytest.raises(BackendUnavailableError, match=r"no answer within 0:00:00\.001"):
        await call_backend("it", SHORT, never())
    assert ended.is_set()


@TIMEOUTS
async def test_a_cancellation_reaches_the_call_and_the_caller(bound: timedelta | None) -> None:
    gate, seen = Gate(), asyncio.Event()

    async def call() -> None:
        try:
            await gate()
        except asyncio.CancelledError:
            seen.set()
            raise

    task = asyncio.create_task(call_backend("it", bound, call()))
    await gate.reached.wait()
    task.cancel()
    assert await settled(task)
    assert task.cancelled()
    assert seen.is_set()


async def test_a_call_may_catch_what_is_thrown_into_it() -> None:
    inner: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def call() -> str:
        try:
            await inner
        except OSError:
            await asyncio.sleep(0)
            return "recovered"
        return "not failed"

    task = asyncio.create_task(call_backend("it", LONG, call()))
    await settled()
    inner.set_exception(OSError("reset"))
    assert await task == "recovered"
