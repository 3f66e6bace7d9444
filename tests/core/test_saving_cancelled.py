"""A command that is cancelled leaves nothing half done."""

import asyncio

import pytest

from rig import Rig, settled
from rig_domain import Account, Deposited
from rig_stores import Events


class TestCancellation:
    """Once an append was handed over, it and the cache's update finish first."""

    @pytest.mark.parametrize("is_local", [True, False], ids=["local", "remote"])
    @pytest.mark.parametrize("call", ["append", "appended"])
    async def test_a_command_cancelled_during_its_append_finishes_it(
        self, call: str, *, is_local: bool
    ) -> None:
        events = Events()
        events.is_local = is_local
        async with Rig(events=events) as rig:
            gate = rig.events.hold(call)
            task = asyncio.create_task(rig.deposit(1))
            await gate.reached.wait()
            task.cancel()
            await settled()
            task.cancel()
            await settled()
            assert not task.done()
            gate.opened.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(rig.events.rows()) == 1
            assert rig.cache.found.version == 1

    @pytest.mark.parametrize("is_local", [True, False], ids=["local", "remote"])
    async def test_a_scope_of_anyio_does_not_cancel_it_again_and_again(
        self, *, is_local: bool
    ) -> None:
        pytest.importorskip("anyio", reason="needs anyio")
        from anyio import CancelScope  # noqa: PLC0415 # it may be missing

        scope, cancels = CancelScope(), 0

        class Request(asyncio.Task[None]):
            def cancel(self, msg: object = None) -> bool:
                nonlocal cancels
                cancels += 1
                return super().cancel(msg)

        async def deposit() -> None:
            with scope:
                await rig.deposit(1)

        events = Events()
        events.is_local = is_local
        async with Rig(events=events) as rig:
            gate = rig.events.hold("append")
            request = Request(deposit())
            await gate.reached.wait()
            scope.cancel()
            try:
                for _ in range(100):
                    await asyncio.sleep(0)
                assert cancels == 1
                assert not request.done()
            finally:
                gate.opened.set()
            await request
            assert scope.cancelled_caught
            assert len(rig.events.rows()) == 1

    async def test_a_command_cancelled_during_its_put_finishes_it(self) -> None:
        async with Rig() as rig:
            gate = rig.cache.hold("put")
            task = asyncio.create_task(rig.deposit(1))
            await gate.reached.wait()
            task.cancel()
            await settled()
            gate.opened.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert rig.cache.found.version == 1

    async def test_the_next_command_waits_for_a_cancelled_commands_append(self) -> None:
        async with Rig() as rig:
            gate = rig.events.hold("append")
            cancelled = asyncio.create_task(rig.deposit(1))
            await gate.reached.wait()
            cancelled.cancel()
            following = asyncio.create_task(rig.deposit(2))
            await settled()
            gate.opened.set()
            await following
            assert (await rig.load()).balance == 3
            assert "append.conflict" not in rig.app.counters()

    async def test_a_command_cancelled_in_its_handler_appends_nothing(self) -> None:
        async with Rig() as rig:

            async def wait(account: Account) -> None:
                account.emit(Deposited(amount=1))
                await asyncio.Event().wait()

            task = asyncio.create_task(rig.do(wait))
            await settled()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert rig.events.rows() == []
