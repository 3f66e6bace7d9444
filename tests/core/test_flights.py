"""Loads of the same thing at the same time share their I/O, and nothing else."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from interlock.application.aggregates import FastForward, MaxAge, NeverCache, Trust
from interlock.errors import BackendUnavailableError
from rig import Rig, ended, settled, unharmed
from rig_domain import ID, Account
from rig_stores import Gate


def _load(rig: Rig, **asked: Any) -> asyncio.Task[Account]:
    return asyncio.create_task(rig.load(**asked))


async def _held(rig: Rig, **asked: Any) -> tuple[asyncio.Task[Account], Gate]:
    """A load that has read the stream's events and waits before it gets them."""
    gate = rig.events.hold("reading")
    load = _load(rig, **asked)
    await gate.reached.wait()
    return load, gate


async def test_loads_of_one_turn_share_one_read() -> None:
    async with Rig(cache_strategy=NeverCache()) as rig:
        rig.events.write(1)
        states = await asyncio.gather(*(rig.load() for _ in range(3)))
        assert states == [Account(id=ID, version=1, balance=1)] * 3
        assert rig.events.calls.count("read") == 1


async def test_who_shares_a_load_gets_an_object_of_his_own() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        first, second, third = await asyncio.gather(*(rig.load() for _ in range(3)))
        first.marks.append("mine")
        first.balance = 99
        assert second == third == Account(id=ID, version=1, balance=1)
        second.marks.append("yours")
        assert third.marks == (await rig.load()).marks == []


async def test_who_shares_an_uncached_load_gets_an_object_of_his_own() -> None:
    async with Rig() as rig:
        rig.cache.down.add("put")
        rig.events.write(1)
        first, second = await asyncio.gather(rig.load(), rig.load())
        first.marks.append("mine")
        assert second.marks == []


async def test_who_shares_a_load_gets_an_exception_of_his_own() -> None:
    async with Rig() as rig:
        rig.events.down.add("read")
        first, second = await asyncio.gather(rig.load(), rig.load(), return_exceptions=True)
        assert isinstance(first, BackendUnavailableError)
        assert isinstance(second, BackendUnavailableError)
        assert str(first) == str(second)
        assert first is not second
        assert rig.events.calls.count("read") == 1


async def test_who_joins_a_load_that_takes_longer_than_the_age_allows_loads_anew() -> None:
    async with Rig(freshness=MaxAge(timedelta(seconds=10))) as rig:
        rig.events.write(1)
        earlier, gate = await _held(rig)
        rig.events.write(2)
        rig.clock.pass_by(10)
        later = _load(rig)
        await settled(later)
        gate.opened.set()
        assert (await earlier).version == 1
        assert (await later).version == 2


async def test_fast_forward_does_not_join_a_read_that_has_begun() -> None:
    async with Rig(freshness=FastForward()) as rig:
        rig.events.write(1)
        earlier, gate = await _held(rig)
        rig.events.write(2)
        later = _load(rig)
        assert await settled(later)
        assert (await later).balance == 3
        gate.opened.set()
        assert (await earlier).balance == 1


async def test_trust_joins_a_read_that_has_begun() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        earlier, gate = await _held(rig)
        later = _load(rig)
        await settled(later)
        gate.opened.set()
        assert (await earlier, await later) == (await rig.load(), await rig.load())
        assert rig.events.calls.count("read") == 1


async def test_trust_does_not_join_a_read_from_before_an_own_commit() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        earlier, gate = await _held(rig)
        rig.cache.down |= {"read", "put"}
        await rig.deposit(2)
        later = _load(rig)
        assert await settled(later)
        assert (await later).balance == 3
        gate.opened.set()
        await earlier


async def test_a_joined_read_older_than_what_was_returned_before_is_not_handed_out() -> None:
    async with Rig() as rig:
        rig.cache.down |= {"read", "put"}
        rig.events.write(1)
        earlier, gate = await _held(rig)
        rig.events.write(2)
        rig.events.then("reading", lambda: asyncio.sleep(0))  # it waits: `later` will join a flight
        assert (await rig.load(freshness=FastForward())).balance == 3
        later = _load(rig)
        await settled(later)
        gate.opened.set()
        assert (await later).balance == 3
        assert (await earlier).balance == 1


async def test_different_questions_share_nothing() -> None:
    async with Rig() as rig:
        rig.events.write(1, 2, 4)
        states = await asyncio.gather(
            rig.load(version=1), rig.load(version=2), rig.load(freshness=FastForward())
        )
        assert [state.balance for state in states] == [1, 3, 7]


async def test_cancelling_the_first_caller_cancels_nobody_else() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        first, gate = await _held(rig)
        second = _load(rig)
        await settled(second)
        first.cancel()
        await settled(first, second)
        assert first.cancelled()
        assert not second.done()
        gate.opened.set()
        assert (await second).balance == 1
        assert rig.events.calls.count("read") == 1


async def test_cancelling_a_later_caller_cancels_nobody_else() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        first, gate = await _held(rig)
        second = _load(rig)
        await settled(second)
        second.cancel()
        gate.opened.set()
        assert (await first).balance == 1
        assert await settled(second)
        assert second.cancelled()


async def test_a_flight_that_everybody_left_ends_and_fills_the_cache() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        only, gate = await _held(rig)
        only.cancel()
        await settled(only)
        gate.opened.set()
        await settled()
        assert rig.cache.found.version == 1


async def test_a_flight_that_everybody_left_may_fail() -> None:
    async with Rig() as rig:
        rig.events.down.add("read")
        load = _load(rig)
        await asyncio.sleep(0)
        load.cancel()
        assert await settled(load)


async def test_a_backend_that_cancels_itself_cancels_no_caller() -> None:
    async with Rig() as rig:
        rig.events.then("read", asyncio.CancelledError())
        (error,) = await asyncio.gather(rig.load(), return_exceptions=True)
        assert isinstance(error, BackendUnavailableError)


async def test_a_failed_load_is_not_joined_later() -> None:
    async with Rig(freshness=Trust()) as rig:
        rig.events.write(1)
        rig.events.then("read", OSError("down"))
        with pytest.raises(BackendUnavailableError):
            await rig.load()
        with unharmed("a load joined one that had failed"):
            assert (await rig.load()).balance == 1


class TestLight:
    """A load after one that waited for nothing and folded little is made without a flight."""

    async def test_it_ends_without_a_turn_of_the_loop(self) -> None:
        async with Rig(freshness=FastForward()) as rig:
            rig.events.write(1)
            await rig.load()
            rig.events.write(2)
            with pytest.raises(StopIteration) as stop:
                rig.load().send(None)
            assert stop.value.value == Account(id=ID, version=2, balance=3)
            assert rig.cache.found.version == 2

    async def test_after_a_long_tail_loads_share_again(self) -> None:
        async with Rig(freshness=FastForward()) as rig:
            rig.events.write(1)
            await rig.load()
            rig.events.write(*[1] * 101)
            await rig.load()
            rig.events.calls.clear()
            await asyncio.gather(*(rig.load() for _ in range(3)))
            assert rig.events.calls.count("read") == 1

    async def test_after_one_that_waits_loads_share_again(self) -> None:
        async with Rig(freshness=FastForward()) as rig:
            rig.events.write(1)
            await rig.load()
            waiting, gate = await _held(rig)
            rig.events.calls.clear()
            shared = [_load(rig) for _ in range(3)]
            assert await settled(*shared)
            assert rig.events.calls.count("read") == 1
            gate.opened.set()
            assert await waiting == shared[0].result()

    async def test_closing_waits_for_one_that_waits(self) -> None:
        async with Rig(freshness=FastForward()) as rig:
            rig.events.write(1)
            await rig.load()
            waiting, gate = await _held(rig)
            closing = asyncio.create_task(rig.app.close())
            assert not await settled(closing)
            gate.opened.set()
            assert (await ended(waiting)).balance == 1
            await closing

    async def test_cancelling_its_caller_ends_it(self) -> None:
        async with Rig(freshness=FastForward()) as rig:
            rig.events.write(1)
            await rig.load()
            waiting, _ = await _held(rig)
            waiting.cancel()
            assert await settled(waiting)
            assert waiting.cancelled()

    async def test_a_backend_that_cancels_itself_does_not_cancel_its_caller(self) -> None:
        async with Rig(freshness=FastForward()) as rig:
            rig.events.write(1)
            await rig.load()
            rig.events.then("read", asyncio.CancelledError())
            with pytest.raises(BackendUnavailableError, match="cancelled itself"):
                await rig.load()
