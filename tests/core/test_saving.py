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
from interlock.errors import BackendUnavailableError
from rig import Rig, unharmed
from rig_domain import ID, Account, Deposit, Deposited, DepositOnce

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
