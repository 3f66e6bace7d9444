"""What a command's answer rests on, and what stands after it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from interlock._storage.records import AggregateRecord
from interlock.application.aggregates import FastForward, NeverCache, Replay, SnapshotAfterN
from interlock.domain import ConcurrencyError
from interlock.errors import BackendUnavailableError, InterlockError
from rig import ID, Account, Deposit, Deposited, DepositOnce, Rig, settled, snapshotting, unharmed

Action = Callable[[Account], Any]


class Runs:
    """An action that counts its runs by the balances they saw."""

    def __init__(self, action: Action) -> None:
        self.saw: list[int] = []
        self._action = action

    def __call__(self, account: Account) -> Any:
        self.saw.append(account.balance)
        return self._action(account)


def _withdraw_three(account: Account) -> str:
    if account.balance < 3:
        raise ValueError("insufficient funds")
    return "withdrawn"


def _answer(account: Account) -> int:
    return account.balance


def _nothing(_: Account) -> None:
    pass


def _emit(account: Account) -> int:
    account.emit(Deposited(amount=1))
    return account.balance


async def _stale() -> Rig:
    """A running rig whose cache holds balance 1 while the stream says 3."""
    rig = Rig()
    await rig.app.start()
    await rig.deposit(1)
    rig.events.write(2)
    rig.events.calls.clear()
    return rig


async def test_the_handlers_answer_is_dispatchs_answer() -> None:
    async with Rig() as rig:
        assert await rig.app.dispatch(Deposit(aggregate_id=ID, amount=5)) == 5


async def test_events_carry_the_commands_id_and_the_given_metadata() -> None:
    async with Rig() as rig:
        command = Deposit(aggregate_id=ID)
        await rig.app.dispatch(command, metadata={"user": "ann"})
        metadata = json.loads(rig.events.rows()[0].metadata)
        assert metadata == {"user": "ann", "command_id": str(command.command_id)}


async def test_a_handlers_exception_leaves_dispatch_as_it_is_and_nothing_behind() -> None:
    mine = ValueError("mine")

    def emit_and_raise(account: Account) -> None:
        account.emit(Deposited(amount=1))
        account.marks.append("half made")
        raise mine

    async with Rig() as rig:
        await rig.deposit(1)
        with pytest.raises(ValueError, match="mine") as caught:
            await rig.do(emit_and_raise)
        assert caught.value is mine
        assert len(rig.events.rows()) == 1
        assert await rig.load() == Account(id=ID, version=1, balance=1)


class TestDecisions:
    """An outcome without events on a cached state is verified before it leaves dispatch."""

    async def test_a_refusal_on_a_stale_state_is_decided_again(self) -> None:
        rig, action = await _stale(), Runs(_withdraw_three)
        with unharmed("a stale state refused a valid command"):
            assert await rig.do(action) == "withdrawn"
        assert action.saw == [1, 3]
        await rig.app.close()

    async def test_an_answer_from_a_stale_state_is_given_again(self) -> None:
        rig, action = await _stale(), Runs(_answer)
        assert await rig.do(action) == 3
        assert action.saw == [1, 3]
        await rig.app.close()

    async def test_a_command_that_does_nothing_on_a_stale_state_is_run_again(self) -> None:
        rig, action = await _stale(), Runs(lambda a: _emit(a) if a.balance == 3 else None)
        await rig.do(action)
        assert len(rig.events.rows()) == 3
        await rig.app.close()

    @pytest.mark.parametrize("action", [_withdraw_three, _answer, _nothing])
    async def test_on_the_head_it_is_decided_once(self, action: Action) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            runs = Runs(action)
            await asyncio.gather(rig.do(runs), return_exceptions=True)
            assert runs.saw == [1]
            assert rig.app.counters()["decision.verified"] == 1

    async def test_the_read_that_verifies_comes_after_the_handler(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1)

            async def another_process_writes_meanwhile(account: Account) -> int:
                if len(rig.events.rows()) == 1:
                    rig.events.write(2)
                return account.balance

            assert await rig.do(another_process_writes_meanwhile) == 3

    async def test_a_state_ahead_of_the_stream_does_not_decide(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2)
            rig.events.roll_back(to=1)
            with pytest.raises(ValueError, match="insufficient"):
                await rig.do(_withdraw_three)

    async def test_a_state_of_another_branch_does_not_decide(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2)
            rig.events.roll_back(to=1)
            rig.events.write(7)
            assert await rig.do(_answer) == 8

    @pytest.mark.parametrize("action", [_withdraw_three, _answer, _nothing])
    async def test_an_outcome_that_cannot_be_verified_never_leaves(self, action: Action) -> None:
        rig = await _stale()
        rig.events.down.add("read")
        outcomes = await asyncio.gather(rig.do(action), return_exceptions=True)
        assert isinstance(outcomes[0], BackendUnavailableError)
        await rig.app.close()

    @pytest.mark.parametrize("freshness", [FastForward(), Replay()])
    async def test_a_state_just_read_needs_no_second_read(self, freshness: Any) -> None:
        async with Rig(freshness=freshness) as rig:
            await rig.deposit(1)
            rig.events.calls.clear()
            await rig.do(_answer)
            assert rig.events.calls.count("read") == 1

    async def test_a_verified_decision_leaves_the_cache_filled(self) -> None:
        async with Rig() as rig:
            rig.events.write(1)
            await rig.do(_answer)
            assert rig.cache.found.version == 1


class TestConflicts:
    """The event store alone decides who wins."""

    async def test_a_command_on_a_stale_state_is_handled_again_on_the_head(self) -> None:
        rig, action = await _stale(), Runs(_emit)
        assert await rig.do(action) == 4
        assert action.saw == [1, 3]
        assert rig.app.counters()["append.conflict"] == 1
        await rig.app.close()

    async def test_a_cache_that_keeps_its_stale_entry_is_loaded_past(self) -> None:
        rig, action = await _stale(), Runs(_emit)
        rig.cache.down.add("remove")
        with unharmed("the same stale state was taken again and again"):
            assert await rig.do(action) == 4
        assert action.saw == [1, 3]
        await rig.app.close()

    async def test_a_conflict_removes_the_cache_entry(self) -> None:
        rig = await _stale()
        rig.cache.down.add("put")
        rig.cache.calls.clear()
        await rig.do(_emit)
        assert rig.cache.calls[:2] == ["read", "remove"]
        await rig.app.close()

    async def test_a_conflict_leaves_an_entry_that_is_newer_than_what_it_started_from(self) -> None:
        rig = Rig(settings={"max_attempts": 1})
        await rig.app.start()
        await rig.deposit(1)
        rig.events.write(2)
        newer: list[AggregateRecord] = []

        async def another_process_puts_its_entry() -> None:
            newer.append(rig.cache.plant(rig.cache.found, version=2, last_event_id=uuid4()))

        rig.events.then("append", another_process_puts_its_entry)
        with pytest.raises(ConcurrencyError):
            await rig.do(_emit)
        assert [rig.cache.record] == newer
        await rig.app.close()

    async def test_a_conflict_after_a_miss_removes_nothing(self) -> None:
        async with Rig() as rig:
            rig.cache.down.add("put")

            async def another_process_is_faster() -> None:
                rig.events.write(1)

            rig.events.then("append", another_process_is_faster)
            await rig.do(_emit)
            assert rig.app.counters()["append.conflict"] == 1
            assert rig.cache.calls.count("remove") == 1  # after the put that failed

    async def test_a_state_ahead_of_the_stream_leaves_no_hole(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2)
            rig.events.roll_back(to=1)
            assert await rig.do(_emit) == 2
            assert [row.version for row in rig.events.rows()] == [1, 2]

    async def test_a_state_of_another_branch_is_not_built_on(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2)
            rig.events.roll_back(to=1)
            rig.events.write(7)
            assert await rig.do(_emit) == 9

    async def test_attempts_are_bounded(self) -> None:
        async with Rig(settings={"max_attempts": 3}) as rig:

            async def another_process_is_faster() -> None:
                rig.events.write(1)

            rig.events.then("append", *[another_process_is_faster] * 9)
            action = Runs(_emit)
            with pytest.raises(ConcurrencyError, match="3 times"):
                await rig.do(action)
            assert action.saw == [0, 1, 2]

    async def test_a_handler_marked_once_sees_the_head(self) -> None:
        rig = await _stale()
        with unharmed("it was run on a stale state"):
            assert await rig.app.dispatch(DepositOnce(aggregate_id=ID)) == 4
        assert "append.conflict" not in rig.app.counters()
        await rig.app.close()

    async def test_a_handler_marked_once_keeps_replay(self) -> None:
        async with Rig(freshness=Replay()) as rig:
            await rig.deposit(1)
            await rig.load(freshness=FastForward())
            payload = rig.cache.found.payload.replace(b'"balance":1', b'"balance":99')
            rig.cache.plant(rig.cache.found, payload=payload)
            assert await rig.app.dispatch(DepositOnce(aggregate_id=ID)) == 2

    async def test_a_handler_marked_once_is_not_run_again(self) -> None:
        async with Rig() as rig:

            async def another_process_is_faster() -> None:
                rig.events.write(7)

            rig.events.then("append", another_process_is_faster)
            with pytest.raises(ConcurrencyError, match="once=True"):
                await rig.app.dispatch(DepositOnce(aggregate_id=ID))
            assert len(rig.events.rows()) == 1


class TestForgedEntries:
    """A cached state that the stream never had fails no command, whatever the store says to it."""

    @staticmethod
    async def _forged() -> Rig:
        rig = Rig()
        await rig.app.start()
        await rig.deposit(1)
        version = 2**63 - 3
        payload = rig.cache.found.payload.replace(b'"version":1', b'"version":%d' % version)
        rig.cache.plant(rig.cache.found, version=version, payload=payload)
        return rig

    @pytest.mark.parametrize(
        "failure",
        [
            BackendUnavailableError("value out of int64 range", nothing_done=True),
            OverflowError("Python int too large to convert to SQLite INTEGER"),
        ],
    )
    async def test_one_that_the_store_refuses_is_dropped(self, failure: Exception) -> None:
        rig = await self._forged()
        rig.events.then("append", failure)
        with unharmed("the entry failed the command"):
            assert await rig.app.dispatch(Deposit(aggregate_id=ID, amount=4)) == 5
        assert rig.cache.found.version == 2
        await rig.app.close()

    async def test_during_an_outage_an_entry_stays(self) -> None:
        rig = await self._forged()
        forged = rig.cache.found
        rig.events.down |= {"append", "read"}
        with pytest.raises(InterlockError):
            await rig.app.dispatch(Deposit(aggregate_id=ID, amount=4))
        assert rig.cache.found == forged
        await rig.app.close()


class TestStoredBytes:
    """What is kept is the fold of what is stored; the handler's object is thrown away."""

    @pytest.mark.parametrize("more", [{}, snapshotting()], ids=["cache", "snapshot"])
    @pytest.mark.parametrize(
        "scribble",
        [
            lambda account: setattr(account, "balance", 99),
            lambda account: account.marks.append("scribbled"),
            lambda account: account.__dict__.update(version=7),
        ],
        ids=["field", "nested state", "version"],
    )
    async def test_what_a_handler_does_to_its_object_is_not_kept(
        self, scribble: Action, more: dict[str, Any]
    ) -> None:
        def emit_and_scribble(account: Account) -> None:
            account.emit(Deposited(amount=1, marks=["a"]))
            scribble(account)

        async with Rig(**more) as rig:
            await rig.do(emit_and_scribble)
            assert await rig.load() == await rig.load(freshness=Replay())
            assert rig.report.events_folded == 1
            assert (await rig.load()).balance == 1

    async def test_what_a_handler_that_emits_nothing_does_is_not_kept(self) -> None:
        async with Rig() as rig:
            rig.events.write(1)
            await rig.do(lambda account: account.marks.append("scribbled"))
            assert (await rig.load()).marks == []

    async def test_an_event_that_is_changed_after_emit_is_stored_as_it_was_emitted(self) -> None:
        def emit_and_change(account: Account) -> None:
            event = Deposited(amount=1, marks=["a"])
            account.emit(event)
            event.amount = 99
            event.marks.append("later")

        async with Rig() as rig:
            await rig.do(emit_and_change)
            assert (await rig.load(freshness=Replay())).marks == ["a"]
            assert (await rig.load()) == await rig.load(freshness=Replay())

    async def test_an_applier_that_keeps_the_events_list_changes_no_stored_event(self) -> None:
        def emit_twice(account: Account) -> None:
            account.emit(Deposited(amount=1, marks=["a"]))
            account.marks.append("aliased")
            account.emit(Deposited(amount=2))

        async with Rig() as rig:
            await rig.do(emit_twice)
            assert (await rig.load(freshness=Replay())).marks == ["a"]
            assert (await rig.load()).marks == ["a"]

    async def test_all_events_of_a_commit_are_in_the_kept_state(self) -> None:
        def emit_three(account: Account) -> None:
            for amount in (1, 2, 4):
                account.emit(Deposited(amount=amount))

        async with Rig(**snapshotting(2)) as rig:
            await rig.do(emit_three)
            ((version, record),) = rig.snapshots.records().items()
            assert version == record.version == 3
            assert json.loads(record.payload)["balance"] == 7
            assert record.last_event_id.bytes == rig.events.rows()[2].event_id


class Fickle(Account):
    """Its applier fails at its second call."""

    type_name = "Account"
    revision = "1"

    def apply_deposited(self, event: Deposited) -> None:
        if event.marks and CALLS.count(event.marks[0]) == 1:
            CALLS.append(event.marks[0])
            raise RuntimeError("fickle")
        CALLS.extend(event.marks)
        self.balance += event.amount


CALLS: list[str] = []


async def test_a_state_that_cannot_be_folded_after_the_commit_does_not_fail_the_command() -> None:
    CALLS.clear()
    async with Rig(Fickle) as rig:
        await rig.deposit(1)

        def emit(account: Account) -> str:
            account.emit(Deposited(amount=2, marks=["x"]))
            return "done"

        with unharmed("a committed command was reported as failed"):
            assert await rig.do(emit) == "done"
        assert rig.cache.record is None
        assert (await rig.load()).balance == 3


class TestCancellation:
    """Once an append was handed over, it and the cache's update finish first."""

    @pytest.mark.parametrize("call", ["append", "appended"])
    async def test_a_command_cancelled_during_its_append_finishes_it(self, call: str) -> None:
        async with Rig() as rig:
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

    async def test_a_scope_of_anyio_does_not_cancel_it_again_and_again(self) -> None:
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

        async with Rig() as rig:
            gate = rig.events.hold("append")
            request = Request(deposit())
            await gate.reached.wait()
            scope.cancel()
            for _ in range(100):
                await asyncio.sleep(0)
            assert cancels == 1
            assert not request.done()
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


async def test_what_was_not_appended_is_kept_nowhere() -> None:
    async with Rig(snapshot_strategy=SnapshotAfterN(1)) as rig:
        rig.events.then("append", BackendUnavailableError("the disk is full", nothing_done=True))
        with pytest.raises(BackendUnavailableError):
            await rig.deposit(1)
        assert rig.cache.record is None
        assert rig.snapshots.records() == {}


async def test_without_cache_and_snapshots_commands_work_on_the_stream_alone() -> None:
    async with Rig(cache_strategy=NeverCache()) as rig:
        await rig.deposit(1, 2)
        assert await rig.do(_answer) == 3
        assert rig.cache.calls == []
