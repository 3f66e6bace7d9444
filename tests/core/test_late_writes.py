"""Once its events stand, a command waits for a shared cache a little, and nothing is the worse."""

import asyncio
from typing import Any

import pytest

from interlock.application.aggregates import AggregateCacheBackend, CacheWhen
from interlock.errors import AppendOutcomeUnknownError, BackendUnavailableError
from late_rig import LONG, a_rig, version_of, wait_at_put
from outage_rig import OTHERS
from rig import settled
from rig_domain import ID
from rig_stores import Gate, Sharing
from virtual_time import State, in_virtual_time, now, pass_by


class TestTheAnswer:
    """How long a command waits for it."""

    @in_virtual_time
    async def test_a_put_without_an_answer_holds_it_up_for_five_milliseconds(self) -> None:
        async with a_rig() as rig:
            gate = rig.cache.hold("put")
            began = now()
            await rig.deposit(1)
            assert now() - began == pytest.approx(0.0051)  # and the cache's read
            assert rig.app.counters().get("cache.put_late") == 1
            gate.opened.set()
            await settled()
            await pass_by(0.001)
            assert version_of(rig) == 1

    @in_virtual_time
    async def test_a_removal_neither(self) -> None:
        async with a_rig(cache_strategy=CacheWhen(lambda moment: moment.version < 2)) as rig:
            await rig.deposit(1)
            gate = rig.cache.hold("remove")
            began = now()
            await rig.deposit(1)
            assert now() - began == pytest.approx(0.0051)
            gate.opened.set()
            await pass_by(0.001)
            assert version_of(rig) is None

    @in_virtual_time
    async def test_a_cache_that_is_slow_is_waited_for_four_times_as_long_as_it_takes(self) -> None:
        async with a_rig() as rig:
            for _ in range(20):
                wait_at_put(rig, 0.02)
                await rig.deposit(1)
                await pass_by(0.1)
            for seconds, waited in ((0.08, 0.08), (0.2, 0.0804)):
                wait_at_put(rig, seconds)
                began = now()
                await rig.deposit(1)
                assert now() - began == pytest.approx(waited, abs=0.001)

    @in_virtual_time
    async def test_what_fails_makes_nobody_wait_longer(self) -> None:
        async with a_rig(settings=LONG | {"breaker_failures": 100}) as rig:
            rig.cache.state = State.BLACK_HOLE
            for each in OTHERS:
                await rig.deposit(1, aggregate_id=each)
                await pass_by(3)
            began = now()
            await rig.deposit(1)
            assert now() - began == pytest.approx(1.005)  # the cache's read

    @in_virtual_time
    async def test_one_that_was_cancelled_ends_as_soon_and_its_put_goes_on(self) -> None:
        async with a_rig() as rig:
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
            assert version_of(rig) == 1

    @in_virtual_time
    async def test_an_append_is_waited_for_as_ever(self) -> None:
        async with a_rig() as rig:
            rig.events.is_local = False
            # In virtual time: an event store that takes far longer than a put is waited for.
            rig.events.then("appended", lambda: asyncio.sleep(3))
            await rig.deposit(1)
            assert now() > 3

    @in_virtual_time
    async def test_an_error_of_the_append_is_the_commands(self) -> None:
        for nothing_done, error in (
            (True, BackendUnavailableError),
            (False, AppendOutcomeUnknownError),
        ):
            async with a_rig() as rig:
                await rig.deposit(1)
                rig.events.then("append", BackendUnavailableError("no", nothing_done=nothing_done))
                rig.events.down.add("read")
                with pytest.raises(error):
                    await rig.deposit(1)


class TestOrder:
    """No late write comes after a newer one."""

    @in_virtual_time
    async def test_ones_own_writes_are_read_meanwhile(self) -> None:
        async with a_rig() as rig:
            await rig.deposit(1)
            gate = rig.cache.hold("put")
            await rig.deposit(1)
            assert version_of(rig) == 1
            assert (await rig.load()).balance == 2
            gate.opened.set()

    @in_virtual_time
    async def test_the_next_put_of_the_id_waits_for_it(self) -> None:
        async with a_rig() as rig:
            gate = rig.cache.hold("put")
            await rig.deposit(1)
            rig.cache.calls.clear()
            await rig.deposit(1)
            await rig.deposit(1, aggregate_id=OTHERS[0])
            assert rig.cache.calls.count("put") == 1  # of the other id
            gate.opened.set()
            await pass_by(0.001)
            assert version_of(rig) == 2

    @in_virtual_time
    async def test_a_removal_waits_for_it(self) -> None:
        async with a_rig(cache_strategy=CacheWhen(lambda moment: moment.version < 2)) as rig:
            gate = rig.cache.hold("put")
            await rig.deposit(1, 1)
            gate.opened.set()
            await pass_by(0.001)
            assert version_of(rig) is None

    @in_virtual_time
    async def test_of_many_that_wait_the_last_is_put(self) -> None:
        async with a_rig() as rig:
            gate = rig.cache.hold("put")
            await rig.deposit(1)
            rig.cache.calls.clear()
            await rig.deposit(1, 1, 1, 1)
            gate.opened.set()
            await pass_by(0.001)
            assert version_of(rig) == 5
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
    async with a_rig(cache=cache) as rig:
        await rig.deposit(1, 1)
        gate.opened.set()
        await pass_by(0.001)
        assert cache.kept[ID].version == 2
