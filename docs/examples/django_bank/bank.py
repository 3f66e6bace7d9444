"""The domain: what an account is."""

from pydantic import BaseModel

from interlock import Aggregate, Command, applies_event, handles_command


class Deposit(Command[int]):
    """Deposit an amount; the answer is the balance."""

    amount: int


class Deposited(BaseModel):
    """An amount was deposited."""

    amount: int


class Account(Aggregate):
    """An account."""

    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> int:
        """Handle it."""
        if command.amount <= 0:
            raise ValueError("an amount has to be positive")
        self.emit(Deposited(amount=command.amount))
        return self.balance

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        """Apply it."""
        self.balance += event.amount
