"""Applications on SQL databases, whose handlers do what a test says."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from interlock._app.builder import utc_now
from interlock._engine.context import Clock
from interlock.application import Application, ApplicationBuilder, LoadReport, OnLoad, backend
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    InMemoryAggregateCacheBackend,
    Replay,
    SnapshotAfterN,
)
from interlock.domain import Aggregate
from rig_domain import Account, Deposit, Deposited, Do
from sql_rig import Place, ask, linked

ID = UUID(int=7)


def application(
    place: Place,
    *,
    url: str | None = None,
    clock: Clock = utc_now,
    reports: list[LoadReport] | None = None,
    aggregate_type: type[Aggregate] = Account,
    **registration: Any,  # Any: those of register_aggregate
) -> Application:
    """Events, a snapshot every five and a cache in the process, unless the registration differs."""
    where = {"url": url or place.url, "create_schema": True}
    snapshots = backend("sqlalchemy-snapshots", **where, table=place.table("interlock_snapshots"))
    events = backend("sqlalchemy-events", **where, table=place.table("interlock_events"))
    usual: dict[str, Any] = {
        "snapshot_strategy": SnapshotAfterN(5),
        "snapshot_backend": snapshots,
        "cache_strategy": AlwaysCache,
        "cache_backend": InMemoryAggregateCacheBackend,
    }
    builder = ApplicationBuilder(clock=clock).register_event_store(events)
    if reports is not None:
        builder.register_observer(OnLoad(reports.append))
    return builder.register_aggregate(aggregate_type, **(usual | registration)).build()


async def deposit(app: Application, *amounts: int, aggregate_id: UUID = ID) -> None:
    """A command for each amount."""
    for amount in amounts:
        await app.dispatch(Deposit(aggregate_id=aggregate_id, amount=amount))


class Depositing:
    """A command whose handler does something else besides; how often it ran."""

    def __init__(self, amount: int, first: Callable[[], object]) -> None:
        self.runs = 0
        self._amount = amount
        self._first = first

    def command(self, aggregate_id: UUID = ID) -> Do:
        """The command."""
        return Do(aggregate_id=aggregate_id, action=self._handle)

    def _handle(self, account: Account) -> int:
        self.runs += 1
        if self.runs == 1:
            self._first()
        account.emit(Deposited(amount=self._amount))
        return account.balance


async def stored(app: Application, aggregate_id: UUID = ID, first: int = 1) -> list[int]:
    """The amounts in the stream from that event on, whose versions are contiguous."""
    amounts = list[int]()
    async for recorded in app.events(Account, aggregate_id, first=first):
        assert recorded.version == first + len(amounts)
        assert isinstance(recorded.event, Deposited)
        amounts.append(recorded.event.amount)
    return amounts


async def until(url: str, sql: str, *rows: tuple[Any, ...]) -> None:
    """Wait until the server answers so."""
    async with linked(url) as link:
        while await ask(link, sql) != list(rows):
            pass


async def grown(place: Place, events: int, work: asyncio.Task[Any]) -> None:
    """Wait until so many events are stored by what works on it."""
    async with linked(place.url) as link:
        while not work.done():
            sql = f"SELECT count(*) FROM {place.table('interlock_events')}"  # noqa: S608 ours
            ((found,),) = await ask(link, sql)
            if found >= events:
                return
    await work
    raise AssertionError(f"there never were {events} events")


async def assert_as_replayed(app: Application, aggregate_id: UUID = ID) -> None:
    """The head is what plain replay gives, whatever the application has kept."""
    amounts = await stored(app, aggregate_id)
    for freshness in (FastForward(), Replay()):
        account = await app.load(Account, aggregate_id, freshness=freshness)
        assert (account.version, account.balance) == (len(amounts), sum(amounts))
