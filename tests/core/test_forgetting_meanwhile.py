"""Loads and commands that are under way while an aggregate is forgotten."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from interlock.application.aggregates import SnapshotAfterN
from interlock.errors import (
    BackendUnavailableError,
    ConcurrencyError,
    ReentrantCommandError,
)
from rig import Rig, ended, settled
from rig_domain import ID, Account, Deposit

KEEPING: dict[str, Any] = {"snapshot_strategy": SnapshotAfterN(1)}


OTHER_ID = UUID(int=8)


class TestLoads:
    """What loads have read before is kept nowhere after."""

    async def test_a_load_that_has_read_the_stream_keeps_nothing(self) -> None:
        async with Rig(**KEEPING) as rig:
            rig.events.write(1)
            gate = rig.events.hold("reading")
            load = asyncio.create_task(rig.load())
            await gate.reached.wait()
            await rig.forget(events=True)
            gate.opened.set()
            assert (await load).balance == 1
            assert rig.cache.record is None
            assert rig.snapshots.records() == {}
            assert await rig.load() == Account(id=ID)

    async def test_many_that_were_read_before_are_kept_nowhere(self) -> None:
        async with Rig(**KEEPING) as rig:
            rig.events.write(1)
            gate = rig.events.hold("reading")
            many = asyncio.create_task(rig.load_many(ID))
            await gate.reached.wait()
            await rig.forget(events=True)
            gate.opened.set()
            assert await many == [Account(id=ID)]
            assert rig.cache.record is None
            assert rig.snapshots.records() == {}

    async def test_a_load_that_is_being_kept_is_waited_for(self) -> None:
        async with Rig() as rig:
            rig.events.write(1)
            gate = rig.cache.hold("put")
            load = asyncio.create_task(rig.load())
            await gate.reached.wait()
            forgetting = asyncio.create_task(rig.forget(events=True))
            assert not await settled(forgetting), "it didn't wait"
            gate.opened.set()
            await load
            await ended(forgetting)
            assert rig.cache.record is None

    async def test_a_load_from_before_is_not_joined(self) -> None:
        async with Rig() as rig:
            rig.events.write(1)
            gate = rig.events.hold("reading")
            load = asyncio.create_task(rig.load())
            await gate.reached.wait()
            await rig.forget(events=True)
            assert await ended(rig.load()) == Account(id=ID)
            gate.opened.set()
            assert (await load).balance == 1

    async def test_a_load_during_it_is_not_joined_after_it(self) -> None:
        async with Rig() as rig:
            rig.events.write(1)
            removing, reading = rig.cache.hold("remove"), rig.events.hold("reading")
            forgetting = asyncio.create_task(rig.forget(events=True))
            await ended(removing.reached.wait())
            load = asyncio.create_task(rig.load())
            await ended(reading.reached.wait())
            removing.opened.set()
            await ended(forgetting)
            assert await ended(rig.load()) == Account(id=ID)
            reading.opened.set()
            assert (await load).balance == 1
            assert rig.cache.record is None

    @pytest.mark.parametrize("is_local", [True, False], ids=["fast", "slow"])
    async def test_a_hit_from_before_is_no_floor_after(self, *, is_local: bool) -> None:
        async with Rig() as rig, rig.other() as other:
            rig.cache.is_local = is_local
            await rig.deposit(1, 2)
            gate = rig.cache.hold("read")
            load = asyncio.create_task(rig.load())
            await gate.reached.wait()
            entry = rig.cache.found
            await rig.forget(events=True)
            await other.deposit(5)
            rig.cache.plant(entry)  # as if it had been read before it went
            gate.opened.set()
            assert (await load).version == 2
            rig.cache.plant(other.cache.found)
            assert (await rig.load()).balance == 5
            assert "stream.rolled_back" not in rig.app.counters()

    @pytest.mark.parametrize("is_local", [True, False], ids=["fast", "slow"])
    async def test_what_was_read_while_records_were_forgotten_is_a_floor_after(
        self, *, is_local: bool
    ) -> None:
        async with Rig() as rig, rig.other() as other:
            rig.cache.is_local = is_local
            await other.deposit(1)
            old = other.cache.found
            await other.deposit(2)
            gate = rig.events.hold("reading")
            load = asyncio.create_task(rig.load())
            await gate.reached.wait()
            await rig.forget()
            gate.opened.set()
            assert (await load).version == 2
            rig.cache.plant(old)  # a put of another process that comes late
            assert (await rig.load()).version == 2

    async def test_what_was_read_before_the_events_go_is_a_floor_if_they_stay(self) -> None:
        async with Rig(**KEEPING) as rig, rig.other() as other:
            await other.deposit(1)
            old = other.cache.found
            await other.deposit(2)
            gate = rig.snapshots.hold("forget")
            rig.cache.then("remove", BackendUnavailableError("the cache is down"))
            forgetting = asyncio.create_task(rig.forget(events=True))
            await ended(gate.reached.wait())
            assert (await rig.load()).version == 2
            gate.opened.set()
            with pytest.raises(BackendUnavailableError, match="not begun: deleting its events"):
                await forgetting
            rig.cache.plant(old)  # a put of another process that comes late
            assert (await rig.load()).version == 2


class TestTurns:
    """It takes its turn among the commands of the id."""

    async def test_commands_before_it_end_first_and_those_after_it_see_what_is_left(self) -> None:
        async with Rig(**KEEPING) as rig:
            gate = rig.events.hold("append")
            before = asyncio.create_task(rig.deposit(1))
            await gate.reached.wait()
            forgetting = asyncio.create_task(rig.forget(events=True))
            after = asyncio.create_task(rig.app.dispatch(Deposit(aggregate_id=ID, amount=5)))
            assert not await settled(forgetting, after)
            gate.opened.set()
            await before
            await ended(forgetting)
            assert await ended(after) == 5
            assert rig.cache.found.version == 1

    async def test_a_handler_does_not_forget(self) -> None:
        async with Rig(**KEEPING) as rig:
            await rig.deposit(1)
            with pytest.raises(ReentrantCommandError, match="a forget of Account"):
                await ended(rig.do(lambda _: rig.forget(OTHER_ID)))
            assert list(rig.snapshots.records()) == [1]

    async def test_a_full_queue_is_told(self) -> None:
        async with Rig(settings={"queue_size": 1}, **KEEPING) as rig:
            await rig.deposit(1)
            gate = rig.events.hold("append")
            commands = [asyncio.create_task(rig.deposit(1)) for _ in range(2)]
            await gate.reached.wait()
            with pytest.raises(ConcurrencyError, match="already wait"):
                await ended(rig.forget())
            gate.opened.set()
            await asyncio.gather(*commands)
            assert list(rig.snapshots.records()) == [1, 2, 3]

    async def test_what_is_no_id_is_refused(self) -> None:
        async with Rig() as rig:
            wrong: Any = "7"
            with pytest.raises(TypeError, match="aggregate_id is of type str"):
                await rig.forget(wrong)
