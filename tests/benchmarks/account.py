"""The domain that is measured: a bank account with three kinds of events."""

from pydantic import BaseModel

from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command


class AccountOpened(BaseModel):
    owner: str


class MoneyDeposited(BaseModel):
    amount: int


class MoneyWithdrawn(BaseModel):
    amount: int


class Deposit(Command[None]):
    amount: int


class Account(Aggregate):
    owner: str = ""
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> None:
        if command.amount <= 0:
            raise ValueError(f"an amount of {command.amount}")
        self.emit(MoneyDeposited(amount=command.amount))

    @applies_event
    def apply_opened(self, event: AccountOpened) -> None:
        self.owner = event.owner

    @applies_event
    def apply_deposited(self, event: MoneyDeposited) -> None:
        self.balance += event.amount

    @applies_event
    def apply_withdrawn(self, event: MoneyWithdrawn) -> None:
        self.balance -= event.amount


def history(length: int) -> list[BaseModel]:
    """An account's first `length` events: opened, then two deposits to each withdrawal."""
    moves = (
        MoneyWithdrawn(amount=1) if number % 3 == 0 else MoneyDeposited(amount=number)
        for number in range(1, length)
    )
    return [AccountOpened(owner="Ada"), *moves]
