"""Aggregates whose states are hard to keep."""

import threading
from typing import Annotated, Any

from pydantic import BaseModel, Field

from interlock.application.aggregates import (
    SnapshotAfterN,
)
from interlock.routing import applies_event
from rig_domain import Account, Deposited

EVERY = SnapshotAfterN(1)


class Line(BaseModel):
    sku: str = ""
    count: int = 0
    note: str = ""


class Lossy(Account):
    """Holds a tuple after an odd amount, and JSON has none."""

    type_name = "Account"
    revision = "1"

    pair: Any = None

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount
        self.pair = (event.amount,) if event.amount % 2 else [event.amount]


class Bounded(Account):
    """Its own record can't give it back once the balance is below zero."""

    type_name = "Account"
    revision = "1"

    balance: Annotated[int, Field(ge=0)] = 0


class Tangled(Account):
    """Holds the same line in a list and in an index, and leaves names unset."""

    type_name = "Account"
    revision = "1"

    lines: list[Line] = []
    by_sku: dict[str, Line] = {}

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount
        if not self.lines:
            self.lines.append(Line(sku="a"))  # what isn't assigned isn't dumped
            self.by_sku["a"] = self.lines[0]
        self.by_sku["a"].count += event.amount


class Locked(Account):
    """Holds what can't even be copied."""

    type_name = "Account"
    revision = "1"

    lock: Any = None

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount
        self.lock = threading.Lock()
