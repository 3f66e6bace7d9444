"""What an outage left in a shared cache is removed there: others read nothing outdated for long."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from interlock._storage.records import RecordKey
from interlock.application.aggregates import CacheWhen
from outage_rig import OTHERS, lines_of, refused
from rig import Rig, settled
from rig_domain import ID
from rig_stores import Gate
from tiers_rig import KEY
from virtual_time import RemoteCache, State, in_virtual_time, now, pass_by

_DOWN = pytest.mark.parametrize("state", [State.REFUSES, State.BLACK_HOLE], ids=lambda s: s.name)


def _rig(**options: Any) -> Rig:
    return Rig(cache=RemoteCache(), **options)


def _stored(rig: Rig, key: RecordKey = KEY) -> int | None:
    """The version that stands in the cache."""
    record = rig.cache._records.get(key)
    return None if record is None else int(record.version)


async def _outage(rig: Rig, state: State = State.BLACK_HOLE) -> None:
    """Version 1 stands in the cache, which is down, and version 2 in the stream."""
    await rig.deposit(1)
    rig.cache.state = state
    for each in OTHERS[:3]:
        await rig.load(each)
    assert rig.app.counters().get("cache.breaker_opened") == 1
    await rig.deposit(1)
    assert _stored(rig) == 1


@_DOWN
@in_virtual_time
async def test_a_process_that_is_idle_removes_it_once_the_cache_is_back(state: State) -> None:
    async with _rig() as rig:
        await _outage(rig, state)
        await pass_by(5)
        rig.cache.state = State.UP
        await pass_by(30)
        assert _stored(rig) is None
        assert rig.app.counters().get("cache.breaker_closed") == 1
        async with rig.other(cache=rig.cache) as other:
            assert (await other.load()).version == 2


@in_virtual_time
async def test_what_was_put_since_then_stays() -> None:
    async with _rig() as rig:
        await _outage(rig)
        rig.cache.state = State.UP
        await pass_by(31)
        await rig.deposit(1)
        await pass_by(60)
        assert _stored(rig) == 3
        assert rig.cache.calls.count("remove") == 1


@in_virtual_time
async def test_a_put_waits_for_a_removal_of_its_own_entry_only() -> None:
    async with _rig() as rig:
        await rig.deposit(1)
        for call in ("put", "remove"):
            rig.cache.then(call, refused)
        gate = Gate()
        rig.cache.then("remove", gate)
        await rig.deposit(1)
        await gate.reached.wait()  # behind the answers
        mine = asyncio.create_task(rig.deposit(1))
        await rig.deposit(1, aggregate_id=OTHERS[5])
        assert not await settled(mine)
        gate.opened.set()
        await mine
        assert _stored(rig) == 3
        await pass_by(60)
        assert _stored(rig) == 3


@_DOWN
@in_virtual_time
async def test_a_removal_that_was_left_out_is_made_good(state: State) -> None:
    async with _rig(cache_strategy=CacheWhen(lambda moment: moment.version < 2)) as rig:
        await _outage(rig, state)
        assert rig.app.counters().get("cache.remove_skipped") == 1
        rig.cache.state = State.UP
        await pass_by(32)
        assert _stored(rig) is None


@in_virtual_time
async def test_a_put_that_was_cancelled_is_made_good() -> None:
    async with _rig() as rig:
        await rig.deposit(1)
        rig.cache.state = State.BLACK_HOLE
        keeping = asyncio.create_task(rig.app._services[rig.cls]._write_back._cache.drop(ID))
        await settled()
        keeping.cancel()
        assert await settled(keeping)
        rig.cache.state = State.UP
        await pass_by(1)
        assert _stored(rig) is None


@_DOWN
@in_virtual_time
async def test_closing_removes_it_though_the_cache_rests(state: State) -> None:
    async with _rig() as rig:
        await _outage(rig, state)
        rig.cache.state = State.UP
    assert _stored(rig) is None
    assert "cache.left_outdated" not in rig.app.counters()


@in_virtual_time
async def test_closing_while_it_is_down_costs_one_timeout_and_says_what_is_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = _rig(settings={"close_timeout": timedelta(seconds=30)})
    async with rig:
        await _outage(rig)
        await rig.deposit(1, 1, aggregate_id=OTHERS[5])
        began = now()
        caplog.clear()
    assert now() - began == pytest.approx(1)
    assert lines_of(caplog) == ["cache.left_outdated"]
    assert "2 entries" in caplog.text


@in_virtual_time
async def test_the_next_life_removes_what_the_last_one_left() -> None:
    rig = _rig()
    async with rig:
        await _outage(rig)
    assert _stored(rig) == 1
    rig.cache.state = State.UP
    async with rig:
        await pass_by(32)
        assert _stored(rig) is None


class Servers(RemoteCache):
    """A cache on several servers; that of some keys refuses them."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[UUID] = set()

    async def put(self, key: RecordKey, record: Any, supersedes: Any = ()) -> None:
        await self._check(key)
        await super().put(key, record, supersedes)

    async def remove(self, key: RecordKey, stamp: Any = None) -> None:
        await self._check(key)
        await super().remove(key, stamp)

    async def _check(self, key: RecordKey) -> None:
        if key.aggregate_id in self.refused:
            await refused()


class TestOneServerOfSeveral:
    """What is on the others is made good all the same."""

    @in_virtual_time
    async def test_what_fails_again_and_again_takes_the_others_not_away(self) -> None:
        cache = Servers()
        async with Rig(cache=cache) as rig:
            await rig.deposit(1)
            cache.refused.add(ID)
            await rig.deposit(1)
            await pass_by(60)
            assert "cache.breaker_opened" not in rig.app.counters()
            cache.refused.clear()
            await pass_by(1)
            assert _stored(rig) is None

    @in_virtual_time
    async def test_an_entry_that_cannot_be_removed_holds_up_no_other(self) -> None:
        cache, key = Servers(), RecordKey("default", 0, "Account", OTHERS[0], "1")
        async with Rig(cache=cache) as rig:
            await rig.deposit(1)
            await rig.deposit(1, aggregate_id=OTHERS[0])
            cache.state = State.REFUSES
            await rig.deposit(1)
            await rig.deposit(1, aggregate_id=OTHERS[0])
            cache.state, cache.refused = State.UP, {ID}
            await pass_by(5)
            assert _stored(rig, key) is None
            assert _stored(rig) == 1
