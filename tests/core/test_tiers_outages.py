"""While the shared tier rests, the local one goes on."""

from datetime import timedelta
from typing import Any

import pytest

from interlock._engine.reports import Source
from interlock.application.aggregates import (
    InMemoryAggregateCacheBackend,
    TieredAggregateCacheBackend,
)
from rig import Clock, Rig, unharmed
from virtual_time import RemoteCache, State, in_virtual_time, now, pass_by


class Tiered(Rig):
    """An application with two tiers."""

    def __init__(self, **options: Any) -> None:
        self.shared = RemoteCache()
        self._tiers_clock = Clock()
        self.local = InMemoryAggregateCacheBackend()
        super().__init__(
            cache=TieredAggregateCacheBackend(self.local, self.shared, clock=self._tiers_clock),
            **options,
        )

    def wait(self) -> None:
        """Let a second pass."""
        for clock in (self.clock, self._tiers_clock):
            clock.pass_by(1)

    async def rest(self) -> None:
        """Let version 1 be stored in both tiers, and the shared one rest."""
        self.wait()
        await self.deposit(1)
        self.shared.state = State.BLACK_HOLE
        self.wait()
        await self.deposit(1)
        await pass_by(2)
        assert self.app.counters().get("cache.breaker_opened") == 1


@in_virtual_time
async def test_what_stands_in_the_local_tier_is_an_answer() -> None:
    async with Tiered(settings={"breaker_failures": 3}) as rig:
        rig.wait()
        await rig.deposit(1)
        rig.shared.state = State.BLACK_HOLE
        for _ in range(5):
            await rig.load()
            assert rig.report.baseline is Source.CACHE
        assert now() < 1
        assert rig.shared.attempts == 0


@in_virtual_time
async def test_the_shared_tier_has_the_timeout_and_the_breaker_of_its_own() -> None:
    async with Tiered(settings={"breaker_failures": 2}) as rig:
        await rig.rest()
        assert now() == pytest.approx(2, abs=0.1)  # a put and a removal


@in_virtual_time
async def test_what_is_put_while_the_shared_tier_rests_is_read_locally() -> None:
    async with Tiered(settings={"breaker_failures": 2}) as rig:
        await rig.rest()
        rig.wait()
        await rig.deposit(1)
        await rig.load()
        assert (rig.report.baseline, rig.report.version) == (Source.CACHE, 3)
        assert rig.shared.attempts == 3  # one of them behind the answers
        assert rig.app.counters().get("cache.put_skipped") == 1


@pytest.mark.usefixtures("no_settler")
@in_virtual_time
async def test_what_the_shared_tier_missed_is_removed_from_it() -> None:
    async with Tiered(settings={"breaker_failures": 2, "floor_size": 1}) as rig:
        await rig.rest()
        assert rig.shared.found.version == 1
        rig.local._records.clear()
        await pass_by(61)
        rig.shared.state = State.UP
        rig.wait()
        assert (await rig.load()).version == 2
        assert rig.shared.found.version == 2


@in_virtual_time
async def test_a_forget_asks_the_shared_tier_while_it_rests() -> None:
    async with Tiered(settings={"breaker_failures": 2}) as rig:
        await rig.rest()
        rig.shared.state = State.UP
        with unharmed("a forget was refused"):
            await rig.forget()
        assert rig.shared.record is None
        assert list(rig.local.keys()) == []


@in_virtual_time
async def test_without_a_breaker_tiers_have_the_timeout_of_the_shared_one() -> None:
    async with Tiered(settings={"breaker_failures": 0}) as rig:
        assert rig.cache.timeout == timedelta(seconds=1)
        rig.shared.state = State.BLACK_HOLE
        await rig.load()
        assert now() == pytest.approx(1)
