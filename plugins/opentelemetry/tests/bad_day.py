"""A service to which everything happens that the page on Prometheus has an alert for.

`python bad_day.py METRICS_PORT REDIS_PORT` works until it is killed; what the test does to Redis is
the outage.
"""

import asyncio
import sys
from collections.abc import Awaitable
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel
from telemetry import expose_metrics  # type: ignore[import-not-found] # the page's own file

from interlock.application import Application, ApplicationBuilder, backend
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
    SnapshotAfterN,
)
from interlock.domain import Aggregate, Command
from interlock.errors import BackendUnavailableError, InterlockError
from interlock.routing import applies_event, handles_command

ID = UUID(int=7)
_ROUND = 0.02  # seconds
rates = count(1)


class Added(BaseModel):
    amount: int


class Total(Aggregate):
    """What all types here are."""

    revision = "1"
    value: int = 0

    @applies_event
    def apply_added(self, event: Added) -> None:
        self.value += event.amount


class Order(Total):
    """Goes well, until its cache is down."""

    class Place(Command[None]):
        pass

    @handles_command
    def place(self, _: Place) -> None:
        self.emit(Added(amount=1))


class Seat(Total):
    """Is wanted by two at a time."""

    class Reserve(Command[None]):
        pass

    @handles_command
    async def reserve(self, _: Reserve) -> None:
        await asyncio.sleep(0)  # the other one comes between
        self.emit(Added(amount=1))


class Ledger(Total):
    """Has an applier that isn't a function of state and event."""

    class Enter(Command[None]):
        pass

    @handles_command
    def enter(self, _: Enter) -> None:
        self.emit(Added(amount=1))

    @applies_event
    def apply_added(self, event: Added) -> None:
        self.value += event.amount * next(rates)


class Archive(Total):
    """Has a long stream, and no snapshots."""

    class Fill(Command[None]):
        pass

    @handles_command
    def fill(self, _: Fill) -> None:
        for amount in range(1_500):
            self.emit(Added(amount=amount))


class Invoice(Total):
    """Is taken snapshots of, until their store takes no more."""

    class Send(Command[None]):
        pass

    @handles_command
    def send(self, _: Send) -> None:
        self.emit(Added(amount=1))


class Parcel(Total):
    """Is appended to in vain."""

    class Pack(Command[None]):
        pass

    class Post(Command[None]):
        pass

    @handles_command
    def pack(self, _: Pack) -> None:
        self.emit(Added(amount=1))

    @handles_command
    def post(self, _: Post) -> None:
        self.emit(Added(amount=2))


class Events(InMemoryEventStore):
    """Refuses one kind of parcel, and says nothing of the other."""

    def __init__(self) -> None:
        super().__init__()
        self.is_silent = False

    async def append(self, events: Any, **more: Any) -> None:  # Any: passed on
        if events[0].aggregate_type == "Parcel":
            self.is_silent = b"2" in events[0].payload
            raise BackendUnavailableError("down", nothing_done=not self.is_silent)
        await super().append(events, **more)

    def read(self, aggregate_type: str, *given: Any, **more: Any) -> Any:  # Any: passed on
        if aggregate_type == "Parcel" and self.is_silent:
            raise BackendUnavailableError("down")
        return super().read(aggregate_type, *given, **more)


class ReadOnly(InMemoryAggregateSnapshotStorageBackend):
    """A store of snapshots that takes no more from some time on."""

    is_full = False

    async def put(self, *given: Any) -> None:  # Any: passed on
        if self.is_full:
            raise OSError("no space left on device")
        await super().put(*given)


def _application(events: InMemoryEventStore, invoices: ReadOnly, redis: int) -> Application:
    return (
        ApplicationBuilder()
        .configure(breaker_failures=3, breaker_rest_max=timedelta(seconds=1))
        .use_extension("opentelemetry")
        .register_event_store(events)
        .register_aggregate(
            Order,
            snapshot_strategy=SnapshotAfterN(5),
            snapshot_backend=InMemoryAggregateSnapshotStorageBackend,
            cache_strategy=AlwaysCache,
            cache_backend=backend("redis-cache", url=f"redis://127.0.0.1:{redis}/0"),
        )
        .register_aggregate(Seat)
        .register_aggregate(
            Ledger,
            cache_strategy=AlwaysCache,
            cache_backend=InMemoryAggregateCacheBackend,
            shadow=1.0,
        )
        .register_aggregate(Archive)
        .register_aggregate(Invoice, snapshot_backend=invoices, snapshot_strategy=SnapshotAfterN(1))
        .register_aggregate(Parcel)
        .build()
    )


async def main(metrics_port: int, redis: int) -> None:
    """Work for ever."""
    events, invoices = Events(), ReadOnly()
    here, there = (_application(events, invoices, redis) for _ in range(2))
    async with here, there:
        await here.dispatch(Archive.Fill(aggregate_id=ID))
        for _ in range(3):
            await here.dispatch(Invoice.Send(aggregate_id=ID))
        invoices.is_full = True
        expose_metrics(metrics_port)
        while True:
            await _round(here, there, events)
            await asyncio.sleep(_ROUND)  # so that it takes no core of the machine


async def _round(here: Application, there: Application, events: Events) -> None:
    seat, gone = uuid4(), uuid4()
    for order in (ID, gone):
        await here.dispatch(Order.Place(aggregate_id=order))
        await here.load(Order, order)
    await events.delete("Order", gone)
    await here.load(Order, gone, freshness=FastForward())
    reserve = Seat.Reserve(aggregate_id=seat)
    await asyncio.gather(here.dispatch(reserve), there.dispatch(reserve))
    await here.dispatch(Ledger.Enter(aggregate_id=ID))
    await here.load(Ledger, ID)
    await here.load(Archive, ID)
    await here.dispatch(Invoice.Send(aggregate_id=ID))
    await _failing(here.dispatch(Parcel.Pack(aggregate_id=ID)))
    await _failing(here.dispatch(Parcel.Post(aggregate_id=ID)))
    events.is_silent = False


async def _failing(command: Awaitable[None]) -> None:
    try:
        await command
    except InterlockError:
        return
    raise AssertionError("nothing went wrong")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
