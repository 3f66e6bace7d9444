"""A small domain for tests of the core: an account, its commands and its event."""

import inspect
from collections.abc import (
    Callable,
)
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command

ID = UUID(int=7)


class Deposited(BaseModel):
    """Money came in; `marks` is mutable on purpose."""

    amount: int
    marks: list[str] = []


class Deposit(Command[int]):
    """Answered with the balance."""

    amount: int = 1


class DepositOnce(Command[int]):
    """Handled by a handler that must run once."""

    amount: int = 1


class Do(Command[Any]):
    """Runs the test's own action on the aggregate; what it returns is the answer."""

    action: Callable[[Any], Any]


class Account(Aggregate):
    """An account with mutable state."""

    revision = "1"

    balance: int = 0
    marks: list[str] = []

    @handles_command
    def deposit(self, command: Deposit) -> int:
        self.emit(Deposited(amount=command.amount))
        return self.balance

    @handles_command(once=True)
    def deposit_once(self, command: DepositOnce) -> int:
        self.emit(Deposited(amount=command.amount))
        return self.balance

    @handles_command
    async def do(self, command: Do) -> Any:
        answer = command.action(self)
        return await answer if inspect.isawaitable(answer) else answer

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        if event.amount == 0:
            raise ValueError("nothing was deposited")
        self.balance += event.amount
        self.marks = event.marks or self.marks
