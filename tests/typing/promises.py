"""What type checkers know of the calls of an application; it is read by them and never run."""

from contextlib import aclosing
from typing import assert_type
from uuid import UUID

from pydantic import BaseModel

from interlock import uuid_of
from interlock.application import Application, RecordedEvent
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command


class Deposit(Command[int]):
    amount: int


class Close(Command[None]):
    pass


class Deposited(BaseModel):
    amount: int


class Account(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> int:
        self.emit(Deposited(amount=command.amount))
        return self.balance

    @handles_command(once=True)
    async def close(self, command: Close) -> None: ...

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount


async def calls(app: Application, account_id: UUID) -> None:
    """An answer has the command's type, a load the class's, an event that of its class."""
    print(await app.dispatch(Deposit(aggregate_id=account_id, amount=1)))  # noqa: T201 it takes any object
    assert_type(await app.dispatch(Deposit(aggregate_id=account_id, amount=1)), int)
    await app.dispatch(Close(aggregate_id=account_id))
    assert_type(await app.load(Account, account_id), Account)
    async with aclosing(app.load_many(Account, [account_id])) as accounts:
        async for account in accounts:
            assert_type(account, Account)
    async with aclosing(app.events(Account, account_id)) as everything:
        async for recorded in everything:
            assert_type(recorded, RecordedEvent[BaseModel])
    async for recorded in app.events(Account, account_id, of=Deposited):
        assert_type(recorded.event.amount, int)
        assert_type(version_of(recorded), int)


def version_of(recorded: RecordedEvent[BaseModel]) -> int:
    """Takes any event."""
    return recorded.version


def of_any(command: Command[object]) -> UUID:
    """Takes any command."""
    return command.aggregate_id


def declarations(account: Account) -> None:
    """A decorated method keeps its type, and an id of text is a UUID."""
    made = Deposit(aggregate_id=uuid_of("account", "A-1"), amount=1)
    assert_type(account.deposit(made), int)
    assert_type(of_any(made), UUID)
    assert_type(account.id, UUID)
