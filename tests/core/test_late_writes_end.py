"""How writes that go on behind the answers end: with a forget or a close, or given up."""

import asyncio
from datetime import timedelta

import pytest

from interlock._engine import late_writes
from late_rig import LONG, a_rig, version_of
from outage_rig import OTHERS
from rig import settled
from rig_domain import Account
from rig_stores import Gate
from virtual_time import in_virtual_time, now, pass_by


class TestTheEnd:
    """Who waits for it, and what becomes of it otherwise."""

    @pytest.mark.parametrize("call", ["forget", "close"])
    @in_virtual_time
    async def test_forgetting_and_closing_wait_for_it(self, call: str) -> None:
        rig = a_rig()
        await rig.app.start()
        gate = rig.cache.hold("put")
        await rig.deposit(1)
        waiting = asyncio.create_task(rig.forget() if call == "forget" else rig.app.close())
        assert not await settled(waiting)
        gate.opened.set()
        await waiting
        assert version_of(rig) == (None if call == "forget" else 1)
        await rig.app.close()

    @in_virtual_time
    async def test_what_was_forgotten_does_not_come_back(self) -> None:
        async with a_rig() as rig:
            gate = rig.cache.hold("put")
            await rig.deposit(1, 1)
            forgetting = asyncio.create_task(rig.forget(events=True))
            await settled()
            gate.opened.set()
            await forgetting
            await pass_by(1)
            assert version_of(rig) is None

    @in_virtual_time
    async def test_closing_tells_what_it_gives_up_and_the_next_life_removes_it(self) -> None:
        rig = a_rig(settings={"close_timeout": timedelta(seconds=0.5)})
        await rig.app.start()
        await rig.deposit(1)
        rig.cache.hold("put")
        await rig.deposit(1, 1)
        await rig.app.close()
        assert version_of(rig) == 1
        assert rig.app.counters().get("cache.left_outdated") == 1
        async with rig:
            await pass_by(1)
            assert version_of(rig) is None

    @in_virtual_time
    async def test_the_next_life_waits_for_none_of_them(self) -> None:
        rig = a_rig(settings={"close_timeout": timedelta(milliseconds=1)})
        await rig.app.start()
        gate = rig.cache.hold("put")
        await rig.deposit(1)
        await rig.app.close()
        async with rig:
            await rig.deposit(1)
            assert version_of(rig) == 2
        gate.opened.set()


class TestTooMany:
    """Only so many go on behind."""

    @pytest.fixture(autouse=True)
    def _two(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(late_writes, "_LATE", 2)

    @in_virtual_time
    async def test_the_entry_of_a_further_one_is_removed(self) -> None:
        async with a_rig() as rig:
            await rig.deposit(1)
            gate = Gate()
            rig.cache.then("put", gate, gate, gate)
            for each in OTHERS[:2]:
                await rig.deposit(1, aggregate_id=each)
            began = now()
            await rig.deposit(1)
            assert now() - began < 0.006
            assert rig.app.counters().get("cache.put_given_up") == 1
            await pass_by(0.6)
            assert version_of(rig) is None
            gate.opened.set()
            await pass_by(0.001)
            await rig.deposit(1, aggregate_id=OTHERS[2])
            assert rig.app.counters().get("cache.put_late") == 2

    @in_virtual_time
    async def test_an_earlier_one_of_the_id_leaves_nothing_when_it_ends_at_last(self) -> None:
        async with a_rig() as rig:
            gate = Gate()
            rig.cache.then("put", gate, gate)
            await rig.deposit(1, aggregate_id=OTHERS[0])
            await rig.deposit(1, 1)  # the last one waits for the one before
            await pass_by(0.6)
            assert rig.cache.calls.count("remove") == 1
            gate.opened.set()
            await pass_by(0.001)
            assert version_of(rig) == 1
            await pass_by(0.6)
            assert version_of(rig) is None

    @in_virtual_time
    async def test_it_is_the_application_that_has_so_many(self) -> None:
        async with a_rig() as rig:
            held = rig.app._services[Account].context.late_writes
            held |= {asyncio.create_task(pass_by(1)) for _ in range(2)}
            rig.cache.hold("put")
            await rig.deposit(1)
            assert rig.app.counters().get("cache.put_given_up") == 1
            held.clear()

    @in_virtual_time
    async def test_where_nothing_would_remove_it_the_put_is_waited_for(self) -> None:
        async with a_rig(settings=LONG | {"breaker_failures": 0}) as rig:
            gate = Gate()
            rig.cache.then("put", gate, gate, gate)
            for each in OTHERS[:2]:
                await rig.deposit(1, aggregate_id=each)
            last = asyncio.create_task(rig.deposit(1))
            await pass_by(0.5)
            assert not last.done()
            gate.opened.set()
            await last
