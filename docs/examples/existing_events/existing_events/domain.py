"""An account, as its events always were."""

from typing import ClassVar

from interlock import Aggregate, Command, applies_event, handles_command
from pydantic import BaseModel


class Withdraw(Command[None]):
    cents: int


class Deposited(BaseModel):
    type_name: ClassVar[str] = "deposited"

    cents: int


class Withdrawn(BaseModel):
    type_name: ClassVar[str] = "withdrawn"

    cents: int


class Account(Aggregate):
    type_name: ClassVar[str] = "account"

    cents: int = 0

    @handles_command
    def withdraw(self, command: Withdraw) -> None:
        if command.cents > self.cents:
            raise ValueError(f"{self.cents} cents are there")
        self.emit(Withdrawn(cents=command.cents))

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.cents += event.cents

    @applies_event
    def apply_withdrawn(self, event: Withdrawn) -> None:
        self.cents -= event.cents
