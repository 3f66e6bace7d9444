"""Given events, when a command, then events, an error, an answer or a state."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, PrivateAttr

from interlock import Aggregate, Command, applies_event, handles_command
from interlock.errors import EventApplyError, ReentrantCommandError, UnknownCommandError
from interlock.testing import given, in_memory_application

ID = UUID(int=7)


class Withdraw(Command[int]):
    amount: int


class WithdrawLater(Command[int]):
    amount: int


class Assign(Command[None]):
    pass


class Nothing(Command[None]):
    pass


class Deposited(BaseModel):
    amount: int


class Withdrawn(BaseModel):
    amount: int
    note: str = ""


class Noted(BaseModel):
    what: Any = None


class Account(Aggregate):
    balance: int = 0
    _secret: int = PrivateAttr(0)

    @handles_command
    def withdraw(self, command: Withdraw) -> int:
        if command.amount > self.balance:
            raise ValueError(f"{command.amount} is more than the {self.balance} there are")
        self.emit(Withdrawn(amount=command.amount))
        return self.balance

    @handles_command
    async def withdraw_later(self, command: WithdrawLater) -> int:
        await asyncio.sleep(0)
        if command.amount > self.balance:
            raise ValueError("too much")
        self.emit(Withdrawn(amount=command.amount))
        return self.balance

    @handles_command
    def assign(self, command: Assign) -> None:
        self.balance = 99

    @handles_command
    def nothing(self, command: Nothing) -> None:
        self.emit(Noted(what=True))

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        if event.amount < 0:
            raise ValueError("negative")
        self.balance += event.amount

    @applies_event
    def apply_withdrawn(self, event: Withdrawn) -> None:
        self.balance -= event.amount

    @applies_event
    def apply_noted(self, event: Noted) -> None:
        pass


TEN = given(Account, Deposited(amount=7), Deposited(amount=3))
WITHDRAWN = TEN.when(Withdraw(aggregate_id=ID, amount=4))
REFUSED = TEN.when(Withdraw(aggregate_id=ID, amount=11))


class TestWhatIsAsserted:
    def test_events_answer_and_state(self) -> None:
        WITHDRAWN.then(Withdrawn(amount=4)).then_answers(6).then_state(balance=6, version=3)
        assert WITHDRAWN.events == (Withdrawn(amount=4),)
        assert WITHDRAWN.answer == 6
        assert (WITHDRAWN.state.id, WITHDRAWN.state.balance) == (ID, 6)
        assert WITHDRAWN.error is None

    def test_an_error_leaves_no_event_and_the_state_as_it_was(self) -> None:
        REFUSED.then_raises(ValueError, "more than the 10").then_state(balance=10, version=2)
        assert REFUSED.events == ()
        assert isinstance(REFUSED.error, ValueError)

    def test_a_new_aggregate_has_no_events(self) -> None:
        outcome = given(Account).when(Withdraw(aggregate_id=ID, amount=1))
        outcome.then_raises(ValueError, "the 0 there are").then_state(version=0)

    def test_the_same_beginning_serves_several_commands(self) -> None:
        TEN.when(Withdraw(aggregate_id=ID, amount=1)).then_answers(9)
        TEN.when(Withdraw(aggregate_id=ID, amount=2)).then_answers(8)


@pytest.mark.parametrize(
    ("asserts", "told"),
    [
        (
            lambda: WITHDRAWN.then(Withdrawn(amount=5)),
            (
                "Withdraw on Account after 2 events emitted other events (- wanted, + emitted):\n"
                "    - Withdrawn(amount=5, note='')\n"
                "    ?                  ^\n"
                "    + Withdrawn(amount=4, note='')\n"
                "    ?                  ^\n"
            ),
        ),
        (WITHDRAWN.then, "    + Withdrawn(amount=4, note='')"),
        (
            lambda: REFUSED.then(Withdrawn(amount=11)),
            (
                "Withdraw on Account after 2 events raised ValueError('11 is more than the 10 "
                "there are'); wanted 1 event"
            ),
        ),
        (lambda: REFUSED.answer, "there are'); wanted an answer"),
        (
            lambda: WITHDRAWN.then_raises(ValueError, "more"),
            (
                "raised nothing; wanted ValueError with the text 'more'. It emitted 1 event:\n"
                "    Withdrawn(amount=4, note='')"
            ),
        ),
        (lambda: REFUSED.then_raises(KeyError), "there are'); wanted KeyError"),
        (lambda: REFUSED.then_raises(ValueError, "much"), "wanted ValueError with the text 'much'"),
        (lambda: WITHDRAWN.then_answers(7), "was answered with 6; wanted 7"),
        (
            lambda: WITHDRAWN.then_state(version=3, balance=7),
            "left another state than wanted:\n    balance is 6; wanted 7",
        ),
    ],
)
def test_what_is_otherwise_is_told(asserts: Callable[[], object], told: str) -> None:
    with pytest.raises(AssertionError) as caught:
        asserts()
    shown = "\n".join(line.rstrip() for line in str(caught.value).splitlines()) + "\n"
    assert told in shown


def test_a_long_event_has_a_line_for_each_field() -> None:
    with pytest.raises(AssertionError, match=r"\n {6}Withdrawn\(\n {4}- {5}amount=1,\n"):
        WITHDRAWN.then(Withdrawn(amount=1, note="x" * 100))


def test_events_that_look_alike_are_told_apart() -> None:
    class Shown(str):
        __slots__ = ()

        def __repr__(self) -> str:
            return "True"

    outcome = given(Account).when(Nothing(aggregate_id=ID)).then(Noted(what=True))
    with pytest.raises(AssertionError, match=r"event 1, .* looks like .* differs: \$\.what"):
        outcome.then(Noted(what=Shown()))


def test_a_field_that_is_not_there_is_told() -> None:
    with pytest.raises(TypeError, match="has no balanse; its fields are id, version, balance"):
        WITHDRAWN.then_state(balanse=6)


def test_a_handler_that_assigns_is_told() -> None:
    with pytest.raises(AssertionError, match=r"\(\$\.balance: .*appliers change the state"):
        TEN.when(Assign(aggregate_id=ID))


def test_a_command_that_is_not_handled_is_told() -> None:
    class Other(Command[None]):
        pass

    with pytest.raises(UnknownCommandError, match=r"doesn't handle Other; it handles Assign, "):
        TEN.when(Other(aggregate_id=ID))


def test_a_given_event_that_is_not_applied_is_told() -> None:
    with pytest.raises(EventApplyError, match="negative"):
        given(Account, Deposited(amount=-1)).when(Nothing(aggregate_id=ID))


class TestAsyncHandlers:
    def test_one_is_run_to_its_end(self) -> None:
        TEN.when(WithdrawLater(aggregate_id=ID, amount=4)).then(Withdrawn(amount=4)).then_answers(6)
        TEN.when(WithdrawLater(aggregate_id=ID, amount=11)).then_raises(ValueError, "too much")

    async def test_in_an_event_loop_it_is_awaited(self) -> None:
        outcome = await TEN.when_async(WithdrawLater(aggregate_id=ID, amount=4))
        outcome.then(Withdrawn(amount=4)).then_answers(6)
        plain = await TEN.when_async(Withdraw(aggregate_id=ID, amount=11))
        plain.then_raises(ValueError)

    async def test_in_an_event_loop_when_says_what_to_do(self) -> None:
        with pytest.raises(TypeError, match=r"await when_async"):
            TEN.when(WithdrawLater(aggregate_id=ID, amount=4))
        TEN.when(Withdraw(aggregate_id=ID, amount=4)).then_answers(6)


async def test_a_handler_dispatches_no_more_than_in_an_application() -> None:
    async with in_memory_application(Account) as app:

        class Dispatching(Aggregate):
            @handles_command
            async def nothing(self, command: Nothing) -> None:
                await app.dispatch(Nothing(aggregate_id=ID))

        outcome = await given(Dispatching).when_async(Nothing(aggregate_id=UUID(int=8)))
        outcome.then_raises(ReentrantCommandError, "handlers don't dispatch")
