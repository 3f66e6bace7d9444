"""What takes long to verify is kept behind the answer; its end is waited for where it matters."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from interlock._engine import state_records, write_back
from interlock.application.aggregates import SnapshotAfterN
from rig import Rig, ended, settled
from rig_stores import Gate

EVERY = SnapshotAfterN(1)


@pytest.fixture(autouse=True)
def _everything_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_records, "_MANY_BYTES", 0)


async def test_a_commit_is_answered_before_its_state_is_kept() -> None:
    async with Rig(snapshot_strategy=EVERY) as rig:
        with rig.cache.hold("put") as gate:
            await ended(rig.deposit(1))
            await gate.reached.wait()
            assert (await rig.load()).balance == 1
        await settled()
        assert rig.cache.found.version == 1


async def test_forgetting_and_closing_wait_for_it() -> None:
    for call in ("forget", "close"):
        async with Rig() as rig:
            gate = rig.cache.hold("put")
            await rig.deposit(1)
            await gate.reached.wait()
            waiting = asyncio.create_task(rig.forget() if call == "forget" else rig.app.close())
            assert not await settled(waiting)
            gate.opened.set()
            await ended(waiting)


async def test_closing_gives_up_what_takes_too_long() -> None:
    rig = Rig(settings={"close_timeout": timedelta(milliseconds=20)})
    await rig.app.start()
    gate = rig.cache.hold("put")
    await rig.deposit(1)
    await gate.reached.wait()
    await ended(rig.app.close())
    gate.opened.set()
    await settled()
    assert rig.cache.record is None


async def test_a_cancelled_command_leaves_its_state_too() -> None:
    async with Rig() as rig:
        gate = rig.events.hold("appended")
        command = asyncio.create_task(rig.deposit(1))
        await gate.reached.wait()
        command.cancel()
        gate.opened.set()
        await asyncio.wait({command})
        assert command.cancelled()
        await settled()
        assert rig.cache.found.version == 1


async def test_so_many_go_on_behind_and_the_next_is_waited_for() -> None:
    async with Rig(settings={"close_timeout": timedelta(seconds=2)}) as rig:
        gate = Gate()
        rig.cache.then("put", *[gate] * (write_back._BEHIND + 1))
        for number in range(write_back._BEHIND):
            await ended(rig.deposit(1, aggregate_id=UUID(int=number)))
        last = asyncio.create_task(rig.deposit(1))
        assert not await settled(last)
        gate.opened.set()
        await ended(last)
