"""Once its events stand, a command waits for a shared cache a little, and nothing is the worse."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from interlock._engine import late_writes
from interlock.application.aggregates import AggregateCacheBackend, CacheWhen
from interlock.errors import AppendOutcomeUnknownError, BackendUnavailableError
from outage_rig import OTHERS
from rig import Rig, settled
from rig_domain import ID, Account
from rig_stores import Gate, Sharing
from tiers_rig import KEY
from virtual_time import RemoteCache, State, in_virtual_time, now, pass_by

LONG = {"close_timeout": timedelta(seconds=20)}


def _rig(**options: Any) -> Rig:
    given: dict[str, Any] = {"cache": RemoteCache(), "settings": LONG}
    return Rig(**given | options)


def _version(rig: Rig) -> int | None:
    """The version that stands in the cache."""
    record = rig.cache._records.get(KEY)
    return None if record is None else int(record.version)


def _waits(rig: Rig, seconds: float) -> None:
    """The next put takes so long."""
    rig.cache.then("put", lambda: asyncio.sleep(seconds))


class TestTheAnswer:
    """How long a command waits for it."""

    @in_virtual_time
    async def test_a_put_without_an_answer_holds_it_up_for_five_milliseconds(self) -> None:
        async with _rig() as rig:
            gate = rig.cache.hold("put")
            began = now()
            await rig.deposit(1)
            assert now() - began == pytest.approx(0.0051)  # and the cache's read
            assert rig.app.counters().get("cache.put_late") == 1
            gate.opened.set()
            await settled()
            await pass_by(0.001)
            assert _version(rig) == 1

    @in_virtual_time
    async def test_a_removal_neither(self) -> None:
        async with _rig(cache_strategy=CacheWhen(lambda moment: moment.version < 2)) as rig:
            await rig.deposit(1)
            gate = rig.cache.hold("remove")
            began = now()
            await rig.deposit(1)
            assert now() - began == pytest.approx(0.0051)
            gate.opened.set()
            await pass_by(0.001)
            assert _version(rig) is None

    @in_virtual_time
    async def test_a_cache_that_is_slow_is_waited_for_four_times_as_long_as_it_takes(self) -> None:
        async with _rig() as rig:
            for _ in range(20):
                _waits(rig, 0.02)
                await rig.deposit(1)
                await pass_by(0.1)
            for seconds, waited in ((0.08, 0.08), (0.2, 0.0804)):
                _waits(rig, seconds)
                began = now()
                await rig.deposit(1)
                assert now() - began == pytest.approx(waited, abs=0.001)

    @in_virtual_time
    async def test_what_fails_makes_nobody_wait_longer(self) -> None:
        async with _rig(settings=LONG | {"breaker_failures": 100}) as rig:
            rig.cache.state = State.BLACK_HOLE
            for each in OTHERS:
                await rig.deposit(1, aggregate_id=each)
                await pass_by(3)
            began = now()
            await rig.deposit(1)
            assert now() - began == pytest.approx(1.005)  # the cache's read

    @in_virtual_time
    async def test_one_that_was_cancelled_ends_as_soon_and_its_put_goes_on(self) -> None:
        async with _rig() as rig:
            gate = rig.cache.hold("put")
            command = asyncio.create_task(rig.deposit(1))
            await gate.reached.wait()
            began = now()
            command.cancel()
            await asyncio.wait({command})
            assert command.cancelled()
            assert now() - began == pytest.approx(0.005)
            gate.opened.set()
            await pass_by(0.001)
            assert _version(rig) == 1

    @in_virtual_time
    async def test_an_append_is_waited_for_as_ever(self) -> None:
        async with _rig() as rig:
            rig.events.is_local = False
            rig.events.then("appended", lambda: asyncio.sleep(3))
            await rig.deposit(1)
            assert now() > 3

    @in_virtual_time
    async def test_an_error_of_the_append_is_the_commands(self) -> None:
        for nothing_done, error in (
            (True, BackendUnavailableError),
            (False, AppendOutcomeUnknownError),
        ):
            async with _rig() as rig:
                await rig.deposit(1)
                rig.events.then("append", BackendUnavailableError("no", nothing_done=nothing_done))
                rig.events.down.add("read")
                with pytest.raises(error):
                    await rig.deposit(1)


class TestOrder:
    """No late write comes after a newer one."""

    @in_virtual_time
    async def test_ones_own_writes_are_read_meanwhile(self) -> None:
        async with _rig() as rig:
            await rig.deposit(1)
            gate = rig.cache.hold("put")
            await rig.deposit(1)
            assert _version(rig) == 1
            assert (await rig.load()).balance == 2
            gate.opened.set()

    @in_virtual_time
    async def test_the_next_put_of_the_id_waits_for_it(self) -> None:
        async with _rig() as rig:
            gate = rig.cache.hold("put")
            await rig.deposit(1)
            rig.cache.calls.clear()
            await rig.deposit(1)
            await rig.deposit(1, aggregate_id=OTHERS[0])
            assert rig.cache.calls.count("put") == 1  # of the other id
            gate.opened.set()
            await pass_by(0.001)
            assert _version(rig) == 2

    @in_virtual_time
    async def test_a_removal_waits_for_it(self) -> None:
        async with _rig(cache_strategy=CacheWhen(lambda moment: moment.version < 2)) as rig:
            gate = rig.cache.hold("put")
            await rig.deposit(1, 1)
            gate.opened.set()
            await pass_by(0.001)
            assert _version(rig) is None

    @in_virtual_time
    async def test_of_many_that_wait_the_last_is_put(self) -> None:
        async with _rig() as rig:
            gate = rig.cache.hold("put")
            await rig.deposit(1)
            rig.cache.calls.clear()
            await rig.deposit(1, 1, 1, 1)
            gate.opened.set()
            await pass_by(0.001)
            assert _version(rig) == 5
            assert rig.cache.calls.count("put") == 1


class Replacing(Sharing, AggregateCacheBackend):
    """A cache on a server, without an order of its own: the first put arrives late."""

    is_local = False

    def __init__(self) -> None:
        super().__init__()
        self.gate: Gate | None = Gate()

    async def set_aggregate(self, aggregate: Any) -> None:
        gate, self.gate = self.gate, None
        if gate is not None:
            await gate()
        await super().set_aggregate(aggregate)


@in_virtual_time
async def test_a_cache_that_replaces_whatever_is_there_ends_with_the_newest() -> None:
    cache = Replacing()
    gate = cache.gate
    assert gate is not None
    async with _rig(cache=cache) as rig:
        await rig.deposit(1, 1)
        gate.opened.set()
        await pass_by(0.001)
        assert cache.kept[ID].version == 2


class TestTheEnd:
    """Who waits for it, and what becomes of it otherwise."""

    @pytest.mark.parametrize("call", ["forget", "close"])
    @in_virtual_time
    async def test_forgetting_and_closing_wait_for_it(self, call: str) -> None:
        rig = _rig()
        await rig.app.start()
        gate = rig.cache.hold("put")
        await rig.deposit(1)
        waiting = asyncio.create_task(rig.forget() if call == "forget" else rig.app.close())
        assert not await settled(waiting)
        gate.opened.set()
        await waiting
        assert _version(rig) == (None if call == "forget" else 1)
        await rig.app.close()

    @in_virtual_time
    async def test_what_was_forgotten_does_not_come_back(self) -> None:
        async with _rig() as rig:
            gate = rig.cache.hold("put")
            await rig.deposit(1, 1)
            forgetting = asyncio.create_task(rig.forget(events=True))
            await settled()
            gate.opened.set()
            await forgetting
            await pass_by(1)
            assert _version(rig) is None

    @in_virtual_time
    async def test_closing_tells_what_it_gives_up_and_the_next_life_removes_it(self) -> None:
        rig = _rig(settings={"close_timeout": timedelta(seconds=0.5)})
        await rig.app.start()
        await rig.deposit(1)
        rig.cache.hold("put")
        await rig.deposit(1, 1)
        await rig.app.close()
        assert _version(rig) == 1
        assert rig.app.counters().get("cache.left_outdated") == 1
        async with rig:
            await pass_by(1)
            assert _version(rig) is None

    @in_virtual_time
    async def test_the_next_life_waits_for_none_of_them(self) -> None:
        rig = _rig(settings={"close_timeout": timedelta(milliseconds=1)})
        await rig.app.start()
        gate = rig.cache.hold("put")
        await rig.deposit(1)
        await rig.app.close()
        async with rig:
            await rig.deposit(1)
            assert _version(rig) == 2
        gate.opened.set()


class TestTooMany:
    """Only so many go on behind."""

    @pytest.fixture(autouse=True)
    def _two(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(late_writes, "_LATE", 2)

    @in_virtual_time
    async def test_the_entry_of_a_further_one_is_removed(self) -> None:
        async with _rig() as rig:
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
            assert _version(rig) is None
            gate.opened.set()
            await pass_by(0.001)
            await rig.deposit(1, aggregate_id=OTHERS[2])
            assert rig.app.counters().get("cache.put_late") == 2

    @in_virtual_time
    async def test_an_earlier_one_of_the_id_leaves_nothing_when_it_ends_at_last(self) -> None:
        async with _rig() as rig:
            gate = Gate()
            rig.cache.then("put", gate, gate)
            await rig.deposit(1, aggregate_id=OTHERS[0])
            await rig.deposit(1, 1)  # the last one waits for the one before
            await pass_by(0.6)
            assert rig.cache.calls.count("remove") == 1
            gate.opened.set()
            await pass_by(0.001)
            assert _version(rig) == 1
            await pass_by(0.6)
            assert _version(rig) is None

    @in_virtual_time
    async def test_it_is_the_application_that_has_so_many(self) -> None:
        async with _rig() as rig:
            held = rig.app._services[Account].context.late_writes
            held |= {asyncio.create_task(pass_by(1)) for _ in range(2)}
            rig.cache.hold("put")
            await rig.deposit(1)
            assert rig.app.counters().get("cache.put_given_up") == 1
            held.clear()

    @in_virtual_time
    async def test_where_nothing_would_remove_it_the_put_is_waited_for(self) -> None:
        async with _rig(settings=LONG | {"breaker_failures": 0}) as rig:
            gate = Gate()
            rig.cache.then("put", gate, gate, gate)
            for each in OTHERS[:2]:
                await rig.deposit(1, aggregate_id=each)
            last = asyncio.create_task(rig.deposit(1))
            await pass_by(0.5)
            assert not last.done()
            gate.opened.set()
            await last
