import asyncio
import gc
import threading
from functools import partial

import pytest

from interlock.backends import BackendUnavailableError
from interlock_sqlalchemy.worker import Worker


def nothing() -> None:
    pass


async def test_jobs_run_in_order_in_one_thread_that_is_not_the_loops() -> None:
    worker = Worker("w")
    done: list[tuple[int, int]] = []

    def job(number: int) -> None:
        done.append((number, threading.get_ident()))

    await asyncio.gather(*(worker.submit(partial(job, number)) for number in range(9)))
    await worker.stop(nothing)
    assert [n for n, _ in done] == list(range(9))
    assert len({thread for _, thread in done} | {threading.get_ident()}) == 2


async def test_an_exception_reaches_who_submitted_and_the_thread_goes_on() -> None:
    worker = Worker("w")

    def fail() -> None:
        raise ValueError("told")

    with pytest.raises(ValueError, match="told"):
        await worker.submit(fail)
    assert await worker.submit(lambda: 7) == 7
    await worker.stop(nothing)


async def test_a_failure_that_nobody_waits_for_is_not_reported() -> None:
    worker = Worker("w")
    reports: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    worker.submit(partial(int, "no number"))
    await worker.stop(nothing)
    gc.collect()
    assert reports == []


async def test_several_results_wake_the_loop_once(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker("w")
    loop = asyncio.get_running_loop()
    wakes = []
    real = loop.call_soon_threadsafe

    def counted(*args: object) -> object:
        wakes.append(args)
        return real(*args)  # type: ignore[arg-type] # handed through

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    jobs = [worker.submit(nothing) for _ in range(50)]
    finished = threading.Event()
    last = worker.submit(finished.set)
    finished.wait(10)  # holds the loop while the thread works
    await asyncio.gather(*jobs, last)
    assert len(wakes) == 1
    await worker.stop(nothing)


async def test_a_job_cancelled_before_its_turn_is_not_done() -> None:
    worker = Worker("w")
    gate = threading.Event()
    done: list[str] = []
    first = worker.submit(lambda: gate.wait(10))
    second = worker.submit(lambda: done.append("second"))
    second.cancel()
    gate.set()
    await first
    await worker.stop(lambda: done.append("last"))
    assert done == ["last"]


async def test_stopping_finishes_what_was_submitted() -> None:
    worker = Worker("w")
    done: list[int] = []
    jobs = [worker.submit(partial(done.append, n)) for n in range(100)]
    await worker.stop(lambda: done.append(100))
    assert done == list(range(101))
    await asyncio.gather(*jobs)


async def test_a_stopped_worker_takes_nothing() -> None:
    worker = Worker("the writer")
    await worker.stop(nothing)
    with pytest.raises(BackendUnavailableError, match="the writer isn't open") as caught:
        worker.submit(nothing)
    assert caught.value.nothing_done
