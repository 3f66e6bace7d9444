"""With a cache that is down, once its breaker is open, everything costs what it costs without one.

All in exact counts: of calls to stores, of time that passes, of tasks and of lines in the log.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from interlock._engine.reports import Source
from interlock.application.aggregates import FastForward, NeverCache, SnapshotAfterN
from interlock.backends import AggregateMapper, EventRow
from interlock.domain import Aggregate
from outage_rig import OTHERS, with_breaker
from rig import Rig
from rig_stores import Events, Snapshots
from test_replay_slots import Paged, PagedRig
from virtual_time import RemoteCache, State, in_virtual_time, now, pass_by

DOWN = pytest.mark.parametrize("state", [State.REFUSES, State.BLACK_HOLE], ids=lambda s: s.name)
TIMES = 20


class RemoteEvents(Events):
    """Events on a server: half a millisecond for a call."""

    is_local = False

    async def append(self, events: Sequence[Any], *, after: tuple[int, UUID] | None) -> None:
        await pass_by(0.0005)
        await super().append(events, after=after)

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        await pass_by(0.0005)
        async for rows in super().read(aggregate_type, aggregate_id, first=first, last=last):
            yield rows


def _rig(**options: Any) -> Rig:
    return Rig(events=RemoteEvents(), **options)


class Cost(NamedTuple):
    """What some operations cost: microseconds, calls of the event store, tasks, lines logged.

    And how many states were encoded.
    """

    time: int
    calls: Counter[str]
    tasks: int
    lines: int
    encoded: int


async def _load(rig: Rig, each: UUID) -> None:
    await rig.load(each)


async def _fast_forward(rig: Rig, each: UUID) -> None:
    await rig.load(each, freshness=FastForward())


async def _deposit(rig: Rig, each: UUID) -> None:
    await rig.deposit(1, aggregate_id=each)


OPERATIONS = pytest.mark.parametrize("operation", [_load, _fast_forward, _deposit])


async def _cost(
    rig: Rig,
    operation: Callable[[Rig, UUID], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Cost:
    loop, tasks, encoded = asyncio.get_running_loop(), 0, 0
    create_task, encode = loop.create_task, AggregateMapper.encode

    def counted(coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        nonlocal tasks
        tasks += 1
        return create_task(coroutine, **options)

    def counted_encode(mapper: AggregateMapper, state: Aggregate) -> bytes:
        nonlocal encoded
        encoded += 1
        return encode(mapper, state)

    await operation(rig, OTHERS[0])  # after it the settler has a task
    rig.events.calls.clear()
    caplog.clear()
    began = now()
    with monkeypatch.context() as patched, caplog.at_level(logging.INFO, "interlock"):
        patched.setattr(loop, "create_task", counted)
        patched.setattr(AggregateMapper, "encode", counted_encode)
        for _ in range(TIMES):
            await operation(rig, OTHERS[0])
    spent = round((now() - began) * 1e6)
    return Cost(spent, Counter(rig.events.calls), tasks, len(caplog.records), encoded)


@OPERATIONS
@DOWN
@in_virtual_time
async def test_while_it_rests_an_operation_costs_what_it_costs_without_a_cache(
    operation: Callable[[Rig, UUID], Awaitable[None]],
    state: State,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with _rig(cache=RemoteCache(), **with_breaker({})) as rig:
        await rig.deposit(1, aggregate_id=OTHERS[0])
        rig.cache.state = state
        await _open(rig)
        rig.cache.attempts = 0
        found = await _cost(rig, operation, caplog, monkeypatch)
        attempts = rig.cache.attempts
    async with _rig(cache_strategy=NeverCache()) as rig:
        await rig.deposit(1, aggregate_id=OTHERS[0])
        assert found == await _cost(rig, operation, caplog, monkeypatch)
    assert attempts == 0


async def _open(rig: Rig) -> None:
    """Let the breaker open, and what goes on behind end."""
    while "cache.breaker_opened" not in rig.app.counters():
        await rig.load()  # of an id without events, so that nothing is put


@OPERATIONS
@DOWN
@in_virtual_time
async def test_to_open_costs_three_calls_for_each_operation_that_runs_at_once(
    operation: Callable[[Rig, UUID], Awaitable[None]], state: State
) -> None:
    async with _rig(cache=RemoteCache(), **with_breaker({})) as rig:
        rig.cache.state = state
        for _ in range(5):
            await asyncio.gather(*(operation(rig, each) for each in OTHERS))
        assert rig.app.counters()["cache.breaker_opened"] == 1
        assert rig.cache.attempts <= 3 * len(OTHERS)


@DOWN
@pytest.mark.usefixtures("no_settler")
@in_virtual_time
async def test_after_its_rest_one_call_is_enough_to_use_it_again(state: State) -> None:
    async with _rig(cache=RemoteCache(), **with_breaker({})) as rig:
        await asyncio.gather(*(rig.deposit(1, aggregate_id=each) for each in OTHERS))
        rig.cache.state = state
        await _open(rig)
        rig.cache.state = State.UP
        await pass_by(30)
        await rig.load(OTHERS[0])
        rig.reports.clear()
        await asyncio.gather(*(rig.load(each) for each in OTHERS))
        assert {each.baseline for each in rig.reports} == {Source.CACHE}


def _process(streams: Any, snapshots: Snapshots) -> PagedRig:
    """A process of its own, without a cache, on the same stores."""
    events = Paged()
    events._streams = streams
    return PagedRig(
        events=events,
        snapshots=snapshots,
        snapshot_strategy=SnapshotAfterN(100_000),
        settings={"replay_long": 10, "replay_slots": 2},
    )


@in_virtual_time
async def test_a_deploys_miss_storm_is_two_replays_for_each_process_and_snapshots_end_it() -> None:
    stored, snapshots = Events(), Snapshots()
    stored.write(*[1] * 300, aggregate_id=OTHERS[0])
    for each in OTHERS[1:]:
        stored.write(*[1] * 60, aggregate_id=each)

    async def storm() -> list[PagedRig]:
        processes = [_process(stored._streams, snapshots) for _ in range(50)]
        for process in processes:
            await process.app.start()
        loads = [process.load(each) for process in processes for each in OTHERS * 2]
        assert sum(each.balance for each in await asyncio.gather(*loads)) == 100 * (300 + 15 * 60)
        for process in processes:
            await process.app.close()
        return processes

    assert {process.events.most for process in await storm()} == {2}
    for process in await storm():
        assert process.events.most == 0
        assert {report.baseline for report in process.reports} == {Source.SNAPSHOT}
