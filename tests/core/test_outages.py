"""A cache or snapshot store that is down costs a few calls, and nothing outdated comes of it."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest

from interlock._engine.reports import Reason, Source
from interlock.application import ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
)
from interlock.domain import Aggregate
from interlock.errors import BackendUnavailableError
from outage_rig import OTHERS, lines_of, refused, with_breaker
from rig import Rig, settled
from rig_domain import ID, Account
from rig_stores import Cache
from virtual_time import RemoteCache, State, in_virtual_time, now, pass_by

_DOWN = pytest.mark.parametrize("state", [State.REFUSES, State.BLACK_HOLE], ids=lambda s: s.name)


class Customer(Aggregate):
    """Another type."""

    revision = "1"


def _rig(**options: Any) -> Rig:
    return Rig(cache=RemoteCache(), **with_breaker(options))


async def _open(rig: Rig, state: State) -> None:
    """The cache is down, and rests."""
    rig.cache.state = state
    for each in OTHERS[:3]:
        await rig.load(each)
    assert rig.app.counters()["cache.breaker_opened"] == 1


class TestCacheDown:
    """What an outage of the cache costs."""

    @_DOWN
    @in_virtual_time
    async def test_opening_costs_three_calls_for_each_that_runs_at_once(self, state: State) -> None:
        async with _rig() as rig:
            await asyncio.gather(*(rig.deposit(1, aggregate_id=each) for each in OTHERS))
            rig.cache.state = state
            for _ in range(10):
                await asyncio.gather(*(rig.deposit(1, aggregate_id=each) for each in OTHERS))
            opened = rig.app.counters().get("cache.breaker_opened")
            assert opened == 1
            assert rig.cache.attempts <= 3 * len(OTHERS)

    @_DOWN
    @in_virtual_time
    async def test_it_is_logged_when_it_opens_and_when_it_closes(
        self, state: State, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with _rig() as rig:
            rig.cache.state = state
            with caplog.at_level(logging.WARNING, "interlock"):
                for each in OTHERS:
                    await rig.deposit(1, aggregate_id=each)
                    await pass_by(10)
                rig.cache.state = State.UP
                await pass_by(31)
                await rig.load()
        lines = lines_of(caplog)
        assert lines.count("cache.breaker_opened") == lines.count("cache.breaker_closed") == 1
        assert len(lines) <= 4  # with the put and the removal that failed before

    @in_virtual_time
    async def test_a_black_hole_holds_up_nothing_while_the_cache_rests(self) -> None:
        async with _rig() as rig:
            rig.cache.state = State.BLACK_HOLE
            await rig.deposit(1, 1)
            assert now() == pytest.approx(2.005)  # two reads, and a little of the first put
            await pass_by(1)  # the first put, and its removal, fail behind the answers
            began = now()
            await rig.deposit(*(1 for _ in range(50)))
            await rig.load(freshness=FastForward())
            assert now() == began
            assert rig.cache.attempts == 4
            counters = rig.app.counters()
            assert counters["cache.put_skipped"] == 52  # each but the first, and after the load
            assert counters["cache.failed"] == counters["cache.remove_failed"] == 1

    @in_virtual_time
    async def test_while_it_rests_one_call_in_a_hundred_tries_it(self) -> None:
        async with _rig() as rig:
            await _open(rig, State.BLACK_HOLE)
            rig.cache.attempts = 0
            for _ in range(300):
                await pass_by(1)
                await rig.load()
            assert rig.cache.attempts <= 10

    @_DOWN
    @pytest.mark.usefixtures("no_settler")
    @in_virtual_time
    async def test_a_cache_that_is_back_is_used_after_its_rest(self, state: State) -> None:
        async with _rig() as rig:
            await _open(rig, state)
            await pass_by(31)
            rig.cache.state = State.UP
            await rig.deposit(1)
            await rig.load()
            assert rig.report.baseline is Source.CACHE
            assert rig.app.counters().get("cache.breaker_closed") == 1

    @in_virtual_time
    async def test_loads_say_that_it_is_unavailable_since_when_and_why(self) -> None:
        async with _rig() as rig:
            await _open(rig, State.BLACK_HOLE)
            await pass_by(12)
            await rig.load()
            miss = rig.report.misses[0]
            assert (miss.source, miss.reason) == (Source.CACHE, Reason.UNAVAILABLE)
            assert miss.detail == (
                "RemoteCache isn't asked: down for 12.0 s, and it is tried again in 18.0 s; the "
                "last error: no answer within 0:00:01"
            )

    @pytest.mark.usefixtures("no_settler")
    @in_virtual_time
    async def test_one_call_tries_it_and_the_others_go_on(self) -> None:
        async with _rig() as rig:
            await _open(rig, State.BLACK_HOLE)
            await pass_by(31)
            rig.cache.attempts = 0
            loads = [asyncio.create_task(rig.load(each)) for each in OTHERS]
            await settled()
            assert sum(load.done() for load in loads) == len(loads) - 1
            assert rig.cache.attempts == 1
            await asyncio.gather(*loads)

    @in_virtual_time
    async def test_a_probe_that_is_cancelled_leaves_room_for_the_next(self) -> None:
        async with _rig() as rig:
            rig.cache.state = State.BLACK_HOLE
            for each in OTHERS[:3]:
                await rig.load(each)
            await pass_by(31)
            probe = asyncio.create_task(rig.deposit(1))
            await settled()
            assert rig.cache.attempts == 4
            probe.cancel()
            assert await settled(probe)
            rig.cache.state = State.UP
            await rig.load()
            assert rig.app.counters().get("cache.breaker_closed") == 1

    @in_virtual_time
    async def test_callers_that_give_up_open_nothing(self) -> None:
        async with _rig() as rig:
            rig.cache.state = State.BLACK_HOLE
            for _ in range(5):
                call = asyncio.create_task(rig.deposit(1))
                await settled()
                call.cancel()
                assert await settled(call)
            assert rig.cache.attempts == 5
            assert "cache.breaker_opened" not in rig.app.counters()

    @in_virtual_time
    async def test_failures_that_nobody_waited_for_open_nothing(self) -> None:
        async with _rig() as rig:
            rig.cache.down |= {"read", "put", "remove"}
            await rig.deposit(1, 1, 1, 1)
            assert "cache.breaker_opened" not in rig.app.counters()

    @pytest.mark.usefixtures("no_settler")
    @in_virtual_time
    async def test_a_probe_that_fails_at_once_makes_the_cache_rest_again(self) -> None:
        async with _rig() as rig:
            await _open(rig, State.REFUSES)
            rig.cache.down.add("read")
            await pass_by(31)
            rig.cache.calls.clear()
            for each in OTHERS:
                await rig.load(each)
            assert rig.cache.calls == ["read"]
            await pass_by(0.1)
            await rig.load(OTHERS[0])
            assert rig.cache.calls == ["read", "read"]

    @in_virtual_time
    async def test_a_cache_within_the_process_has_no_breaker(self) -> None:
        async with Rig(cache=Cache(), settings={"breaker_failures": 3}) as rig:
            for call in ("read", "put", "remove"):
                rig.cache.then(call, *[refused] * 4)
            await rig.deposit(1, 1, 1, 1)
            assert "cache.breaker_opened" not in rig.app.counters()

    @in_virtual_time
    async def test_there_is_one_unless_the_setting_is_zero(self) -> None:
        for settings, attempts in (({}, 3), ({"breaker_failures": 0}, 30)):
            async with Rig(cache=RemoteCache(), settings=settings) as rig:
                rig.cache.state = State.REFUSES
                await rig.deposit(*(1 for _ in range(10)))
                assert rig.cache.attempts == attempts

    @pytest.mark.usefixtures("no_settler")
    @in_virtual_time
    async def test_its_settings_hold(self) -> None:
        settings = {"breaker_failures": 1, "breaker_rest_max": timedelta(seconds=2)}
        async with _rig(settings=settings) as rig:
            rig.cache.state = State.BLACK_HOLE
            await rig.deposit(1)
            assert now() == pytest.approx(1)
            await pass_by(2.1)
            rig.cache.state = State.UP
            await rig.load()
            assert rig.app.counters().get("cache.breaker_closed") == 1

    @in_virtual_time
    async def test_types_that_share_a_cache_share_its_breaker(self) -> None:
        cache = RemoteCache()
        builder = ApplicationBuilder().configure(breaker_failures=3)
        for cls in (Account, Customer):
            builder.register_aggregate(cls, cache_strategy=AlwaysCache, cache_backend=cache)
        async with builder.build() as app:
            cache.state = State.REFUSES
            for _ in range(3):
                await app.load(Customer, ID)
            await app.load(Account, ID)
            assert cache.attempts == 3


class TestForgetting:
    """Whoever forgets wants the cache to be asked, be it down or not."""

    @in_virtual_time
    async def test_the_entry_is_removed_while_the_cache_rests(self) -> None:
        async with _rig() as rig:
            await rig.deposit(1)
            rig.cache.state = State.REFUSES
            for each in OTHERS[:3]:
                await rig.load(each)
            rig.cache.state = State.UP
            await rig.forget()
            assert rig.cache.record is None

    @in_virtual_time
    async def test_a_failure_is_told(self) -> None:
        async with _rig() as rig:
            await rig.deposit(1)
            rig.cache.state = State.REFUSES
            for each in OTHERS[:3]:
                await rig.load(each)
            before = rig.cache.attempts
            with pytest.raises(BackendUnavailableError, match="isn't forgotten"):
                await rig.forget()
            assert rig.cache.attempts == before + 1


def test_started_again_in_another_loop_the_cache_is_asked() -> None:
    rig = _rig()

    @in_virtual_time
    async def fail() -> None:
        async with rig:
            rig.cache.state = State.REFUSES
            await rig.deposit(1)
            assert rig.app.counters().get("cache.breaker_opened") == 1

    @in_virtual_time
    async def work() -> None:
        rig.cache.state = State.UP
        async with rig:
            rig.cache.calls.clear()
            await rig.load()
            assert rig.cache.calls[0] == "remove"

    fail()
    work()
