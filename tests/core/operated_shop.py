"""A small application for commands: its stores stay from one command to the next."""

import asyncio
import json
import sys
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from interlock.application import ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
    SnapshotAfterN,
)
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command
from shell import run_here

LONG, SHORT, NONE = UUID(int=1), UUID(int=2), UUID(int=3)
"""The orders with 120 events and with 3, and one without any."""


class Paid(BaseModel):
    """Money came in."""

    amount: int


class Pay(Command[None]):
    """Pays in so many parts of 1."""

    parts: int


class Order(Aggregate):
    """Counts what was paid."""

    revision = "2"
    total: int = 0

    @handles_command
    def pay(self, command: Pay) -> None:
        for _ in range(command.parts):
            self.emit(Paid(amount=1))

    @applies_event
    def paid(self, event: Paid) -> None:
        self.total += event.amount


class Stores:
    """What the application of the next command stands on."""

    def __init__(self) -> None:
        self.events = InMemoryEventStore()
        self.snapshots = InMemoryAggregateSnapshotStorageBackend(keep=3)
        self.cache = InMemoryAggregateCacheBackend()
        self.options: dict[str, Any] = {}

    async def fill(self) -> None:
        """The orders, stored without a snapshot."""
        builder = ApplicationBuilder().register_event_store(self.events).register_aggregate(Order)
        async with builder.build() as app:
            for order_id, parts in ((LONG, 120), (SHORT, 3)):
                await app.dispatch(Pay(aggregate_id=order_id, parts=parts))


_current = Stores()


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    """The stores of a test, filled."""
    stores = Stores()
    monkeypatch.setattr(sys.modules[__name__], "_current", stores)
    asyncio.run(stores.fill())
    return stores


def build() -> ApplicationBuilder:
    """With snapshots from 100 events on, and a cache."""
    options = {
        "snapshot_strategy": SnapshotAfterN(100),
        "snapshot_backend": _current.snapshots,
        "cache_backend": _current.cache,
        "cache_strategy": AlwaysCache(),
        **_current.options,
    }
    builder = ApplicationBuilder().register_event_store(_current.events)
    return builder.register_aggregate(Order, **options)


def told(*command: object, code: int = 0) -> str:
    """What a command says that ends with this code: on the error stream, if it couldn't do it."""
    done = run_here(*map(str, command), "--app", "operated_shop:build")
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code != 2 else done.stderr


def told_json(*command: object, code: int = 0) -> Any:  # Any: JSON values
    """What it says as JSON."""
    done = run_here(*map(str, command), "--app", "operated_shop:build", "--json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def records(stores: Stores, of: UUID = LONG) -> list[int]:
    """The versions of an order's snapshots."""
    found = stores.snapshots._records.get(("default", "Order"), {}).get(of, {})
    return [version for versions in found.values() for version in versions]
