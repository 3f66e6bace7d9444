"""Commands for one id take turns, and handlers don't dispatch."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from interlock.domain import ConcurrencyError
from interlock.errors import ReentrantCommandError
from rig import Rig, settled, unharmed
from rig_domain import ID, Account, Deposit, Deposited, Do
from rig_stores import Gate

OTHER_ID = UUID(int=8)


def _dispatch(rig: Rig, action: Any, aggregate_id: UUID = ID) -> asyncio.Task[Any]:
    return asyncio.create_task(rig.do(action, aggregate_id))


def _waits_at(gate: Gate) -> Any:
    async def wait(account: Account) -> int:
        await gate()
        account.emit(Deposited(amount=1))
        return account.balance

    return wait


async def test_commands_for_one_id_run_one_after_the_other_in_their_order() -> None:
    seen: list[int] = []
    gate = Gate()

    def note(number: int) -> Any:
        return lambda _: seen.append(number)

    async with Rig() as rig:
        first = _dispatch(rig, _waits_at(gate))
        await gate.reached.wait()
        rest = [_dispatch(rig, note(number)) for number in range(5)]
        await settled()
        assert seen == []
        gate.opened.set()
        await asyncio.gather(first, *rest)
        assert seen == [0, 1, 2, 3, 4]


async def test_commands_in_turn_meet_no_conflict() -> None:
    async with Rig() as rig:
        await asyncio.gather(*(rig.deposit(1) for _ in range(20)))
        assert (await rig.load()).balance == 20
        assert "append.conflict" not in rig.app.counters()
        assert rig.events.calls.count("append") == 20


async def test_commands_for_different_ids_do_not_wait_for_each_other() -> None:
    gate = Gate()
    async with Rig() as rig:
        held = _dispatch(rig, _waits_at(gate))
        await gate.reached.wait()
        assert await settled(_dispatch(rig, lambda _: None, OTHER_ID))
        gate.opened.set()
        await held


async def test_the_queue_is_bounded() -> None:
    gate = Gate()
    async with Rig(settings={"queue_size": 2}) as rig:
        held = _dispatch(rig, _waits_at(gate))
        await gate.reached.wait()
        waiting = [_dispatch(rig, lambda _: None) for _ in range(2)]
        await settled()
        refused = _dispatch(rig, lambda _: None)
        assert await settled(refused)
        with pytest.raises(ConcurrencyError, match="queue_size"):
            await refused
        gate.opened.set()
        await asyncio.gather(held, *waiting)


async def test_a_cancelled_command_leaves_the_queue() -> None:
    gate = Gate()
    async with Rig(settings={"queue_size": 1}) as rig:
        held = _dispatch(rig, _waits_at(gate))
        await gate.reached.wait()
        leaving = _dispatch(rig, lambda _: None)
        await settled()
        leaving.cancel()
        await settled(leaving)
        staying = _dispatch(rig, lambda account: account.balance)
        gate.opened.set()
        assert (await held, await staying) == (1, 1)


async def test_no_turns_are_left_behind() -> None:
    async with Rig() as rig:
        await asyncio.gather(*(rig.deposit(1) for _ in range(3)))
        part = rig.app._services[Account]
        assert part.commands._queue._queues == {}


class TestReentry:
    """A handler that dispatches would wait for itself, or for one that waits for it."""

    @pytest.mark.parametrize("aggregate_id", [ID, OTHER_ID])
    async def test_a_handler_that_dispatches_is_refused(self, aggregate_id: UUID) -> None:
        async with Rig() as rig:

            def dispatch(_: Account) -> Any:
                return rig.deposit(1, aggregate_id=aggregate_id)

            task = _dispatch(rig, dispatch)
            assert await settled(task), "the handler waits for itself"
            with pytest.raises(ReentrantCommandError, match="Deposit was dispatched from within"):
                await task
            assert rig.events.rows(aggregate_id) == []

    async def test_a_task_that_a_handler_waits_for_is_refused_too(self) -> None:
        async with Rig() as rig:

            async def dispatch(_: Account) -> None:
                await asyncio.create_task(rig.deposit(1))

            task = _dispatch(rig, dispatch)
            assert await settled(task), "the handler waits for itself"
            with pytest.raises(ReentrantCommandError):
                await task

    async def test_a_task_that_outlives_its_handler_may_dispatch(self) -> None:
        go_on = asyncio.Event()
        started: list[asyncio.Task[None]] = []
        async with Rig() as rig:

            async def later() -> None:
                await go_on.wait()
                await rig.deposit(2)

            await rig.do(lambda _: started.append(asyncio.create_task(later())))
            go_on.set()
            with unharmed("a task that outlived its handler was refused"):
                await started[0]
            assert (await rig.load()).balance == 2

    async def test_after_a_handler_that_raised_its_caller_may_dispatch(self) -> None:
        async with Rig() as rig:
            with pytest.raises(ZeroDivisionError):
                await rig.do(lambda _: 1 // 0)
            assert await rig.app.dispatch(Deposit(aggregate_id=ID)) == 1

    async def test_a_handler_may_load(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, aggregate_id=OTHER_ID)
            other = await rig.app.dispatch(Do(aggregate_id=ID, action=lambda _: rig.load(OTHER_ID)))
            assert other.balance == 1
