"""Work over many items: in bounded memory, at a rate, shown, and stopped at a place it tells."""

import asyncio
import io
import sys
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
import operated_shop as shop
from interlock._storage.memory import InMemoryEventStore
from interlock.backends import EventRow
from interlock.cli import long_work
from interlock.cli.copying import _Run
from interlock.cli.long_work import ANEW, Pace, StoppedError, behind, over_all, waited
from interlock.cli.streams import IdSet
from interlock.errors import BackendUnavailableError
from operated_shop import stores, told, told_json
from rig_stores import Events
from virtual_time import in_virtual_time

__all__ = ["stores"]


_LESS_THAN_AN_ID = 32  # bytes


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def run(count: int, work: Callable[[int], Any], at_once: int = 3, **more: Any) -> int:
    def how(last: int | None) -> str:
        return f"behind {last}"

    return await over_all(
        numbers(count), work, what="items", at_once=at_once, **{"how": how, **more}
    )


async def test_a_run_that_is_stopped_ends_what_it_began_and_says_where() -> None:
    done, gate = [], asyncio.Event()

    async def work(number: int) -> None:
        await gate.wait()
        done.append(number)

    running = asyncio.create_task(run(10, work))
    await asyncio.sleep(0)
    running.cancel()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not running.done()
    gate.set()
    with pytest.raises(StoppedError, match="behind 2"):
        await running
    assert sorted(done) == [0, 1, 2]


async def test_a_failure_says_behind_what_all_is_done() -> None:
    gates = {number: asyncio.Event() for number in range(9)}
    done = []

    async def work(number: int) -> None:
        await gates[number].wait()
        if number == 4:
            raise BackendUnavailableError("down")
        done.append(number)

    running = asyncio.create_task(run(9, work, at_once=4))
    for number in (0, 1, 2, 5, 6, 4, 3, 7, 8):
        await asyncio.sleep(0)
        gates[number].set()
    with pytest.raises(BackendUnavailableError) as failed:
        await running
    assert failed.value.__notes__ == ["behind 3"]
    assert {0, 1, 2, 3, 5, 6} <= set(done)


async def test_one_that_takes_long_holds_up_what_would_be_remembered() -> None:
    gate, begun = asyncio.Event(), []

    async def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            await gate.wait()

    running = asyncio.create_task(run(10_000, work, at_once=2))
    for _ in range(5_000):
        await asyncio.sleep(0)
    assert len(begun) == 2 * long_work._AHEAD
    gate.set()
    assert await running == len(begun) == 10_000


@in_virtual_time
async def test_work_keeps_to_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(_: int) -> None:
        pass

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(long_work, "monotonic", loop.time)
    began = loop.time()
    assert await run(50, work, rate=10) == 50
    assert round(loop.time() - began, 3) == 5.0


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_how_far_it_is_fits_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, now = Screen(), [0.0]
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(long_work, "monotonic", lambda: now[0])
    monkeypatch.setenv("COLUMNS", "80")

    async def shown(total: int | None, what: str) -> str:
        screen.seek(0)
        screen.truncate()
        now[0] = 0.0
        pace = Pace(what, total=total)
        now[0] = 10.0
        await pace.reach(2_500)
        await pace.reach(2_501)  # too soon to be shown
        line = screen.getvalue().removeprefix("\r\x1b[K")
        pace.end()
        assert screen.getvalue().endswith("\r\x1b[K")
        return line

    assert asyncio.run(shown(None, "streams of Order")) == (
        "2,500 streams of Order, 250 a second, for 10 s"
    )
    assert asyncio.run(shown(10_000, "streams")) == (
        "[#####...............]  25%, 2,500 of 10,000 streams, 250 a second, 30 s left"
    )
    assert len(asyncio.run(shown(10_000, "streams of " + "AVeryLongName" * 9))) == 79


def test_a_pipe_gets_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)

    async def work(_: int) -> None:
        pass

    async def worked() -> None:
        await run(5, work)
        await waited(asyncio.sleep(0), "pruning")

    asyncio.run(worked())
    assert pipe.getvalue() == ""


def test_what_only_takes_long_shows_for_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    gate = asyncio.Event()

    async def work() -> int:
        await gate.wait()
        return 7

    async def run_it() -> int:
        working = asyncio.create_task(waited(work(), "pruning Order"))
        for _ in range(3):
            await asyncio.sleep(0)
        gate.set()
        return await working

    assert asyncio.run(run_it()) == 7
    assert screen.getvalue() == "\r\x1b[Kpruning Order, for 0 s\r\x1b[K"


def test_nothing_done_is_begun_anew() -> None:
    assert behind(None) == ANEW
    assert behind(UUID(int=7)) == f"go on with --after {UUID(int=7)}"


def test_ids_are_told_apart_also_across_their_bounds() -> None:
    found, prime = IdSet(), 65_521
    members = [UUID(int=3 + prime * number) for number in range(2_000)]
    for each in members:
        found.add(each)
        found.add(each)
    assert all(each in found for each in members)
    across = members[5].bytes[9:] + members[6].bytes[:9]
    by_hash = found._by_hash[3]
    assert len(by_hash) == 16 * len(members)
    assert across in bytes(by_hash)
    found._by_hash[UUID(bytes=across).int % prime] = by_hash
    assert UUID(bytes=across) not in found
    assert UUID(int=4) not in found


class Endless(Events):
    """As many streams as are wanted, of which it holds none."""

    count = 0

    async def ids(self, aggregate_type: str, *, after: UUID | None = None) -> AsyncIterator[UUID]:
        for number in range(1, self.count + 1):
            yield UUID(int=number << 64)  # as far apart as random ones

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID]:
        return 1 + (aggregate_id.int >> 64) % 40, UUID(int=1)

    async def read(self, *_: Any, **__: Any) -> AsyncIterator[list[EventRow]]:
        for chunk in list[list[EventRow]]():
            yield chunk

    async def append(self, events: Any, **__: Any) -> None:
        raise AssertionError("there is nothing to append")


def _peak(work: Callable[[], object]) -> int:
    """The most bytes that were held at a time, beyond those of before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before


def _growth(work: Callable[[int], object], few: int = 500, many: int = 3_500) -> float:
    """Bytes that each further stream takes; what is held once is in both."""
    work(few)
    return (_peak(lambda: work(many)) - _peak(lambda: work(few))) / (many - few)


def test_a_run_holds_no_stream_that_it_is_not_at(stores: shop.Stores) -> None:
    class Quick(Endless):
        async def head(self, *_: Any) -> Any:  # Any: None
            return None

    def rebuild(count: int) -> None:
        stores.events = Quick()
        stores.events.count = count
        assert told("snapshots", "rebuild", "Order", "--all") == "0 snapshots stored\n"

    def verify(count: int) -> None:
        stores.events = Quick()
        stores.events.count = count
        assert told("snapshots", "verify", "Order") == "0 compared, 0 of no use\n"

    def copy(count: int) -> None:
        source = Quick()
        source.count = count
        copying = _Run(source, InMemoryEventStore(), ["Order"], 8, None)
        asyncio.run(copying.over_streams("copied", lambda each, i: each.copy(i)))

    for work in (rebuild, verify, copy):
        assert _growth(work) < _LESS_THAN_AN_ID


def test_statistics_hold_no_stream(stores: shop.Stores) -> None:
    def stats(count: int) -> None:
        stores.events = Endless()
        stores.events.count = count
        (found,) = told_json("streams", "stats", "Order")
        assert (found["streams"], found["without_snapshot"]) == (count, count)

    assert _growth(stats) < _LESS_THAN_AN_ID


def test_an_id_takes_16_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.cli.streams._PRIME", 97)  # fewer heads of a bytearray

    def add(count: int) -> None:
        found = IdSet()
        for number in range(count):
            found.add(UUID(int=number << 64 | number))

    assert _growth(add, 2_000, 12_000) < 20  # a bytearray takes some ahead


def test_problems_beyond_a_thousand_are_counted(
    stores: shop.Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlock.cli.snapshot_runs._NAMED", 1)
    told("snapshots", "rebuild", "Order", "--all")
    for order_id in (shop.LONG, shop.SHORT):
        versions = stores.snapshots._records["default", "Order"][order_id]["2"]
        (version,) = versions
        versions[version] = versions[version]._replace(payload=b"x")
    lines = told("snapshots", "verify", "Order", code=1).splitlines()
    assert lines[1:] == ["and 1 more", "2 compared, 2 of no use"]


def test_a_failure_of_a_command_says_how_it_goes_on(
    stores: shop.Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = stores.snapshots.put

    async def failing(key: Any, *given: Any) -> None:
        if key.aggregate_id == shop.SHORT:
            raise BackendUnavailableError("the disk is full")
        await put(key, *given)

    monkeypatch.setattr(stores.snapshots, "put", failing)
    said = told("snapshots", "rebuild", "Order", "--all", code=2)
    assert said == f"the disk is full; go on with --after {shop.LONG}\n"
    assert told_json("snapshots", "rebuild", "Order", "--all", code=2)["stored"] == 0
