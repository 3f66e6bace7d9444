from pydantic import BaseModel

from interlock import Aggregate, Command, applies_event, handles_command


class Deposit(Command[None]):
    amount: int
    times: int = 1  # an event for each


class Deposited(BaseModel):
    amount: int


class Account(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> None:
        for _ in range(command.times):
            self.emit(Deposited(amount=command.amount))

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount
