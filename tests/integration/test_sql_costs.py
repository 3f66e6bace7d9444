"""What loads and commands cost on SQL databases, in exact counts that no busy machine moves.

On servers a statement is a round trip. On a file a hop is an answer of a thread that the event loop
is woken for; long reads have more or fewer, as their pace has it, and are left out. A change that
costs more fails here; one that costs less is entered.
"""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from sqlite3 import dbapi2
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from account import Account, Deposit, history
from interlock.application import Application
from interlock.application.aggregates import FastForward, Trust
from sql_rig import Place, dropped, made
from stores import Ours, fill, opened

ID = UUID(int=7)
HOT = [UUID(int=number) for number in range(1_001, 1_065)]
Operation = Callable[[Application], Awaitable[object]]


class Cost(NamedTuple):
    """What one operation costs; a file's commit is a statement as well."""

    statements: int
    hops: int = 0


class Stores(NamedTuple):
    """What an application has besides events, and how many of those there are."""

    length: int
    snapshots: bool = False
    cache: bool = False


class Watched:
    """Statements that were run, and hops to the loop that runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.statements: list[str] = []
        self.hops = 0
        connect = dbapi2.connect

        def connected(*given: Any, **options: Any) -> sqlite3.Connection:  # Any: those of sqlite3
            connection: sqlite3.Connection = connect(*given, **options)
            connection.set_trace_callback(self.statements.append)
            return connection

        for module in (dbapi2, sqlite3):
            monkeypatch.setattr(module, "connect", connected)

    def watch_loop(self) -> None:
        """Count from now on what threads tell the running loop."""
        loop = asyncio.get_running_loop()
        call, own = loop.call_soon_threadsafe, threading.get_ident()

        def counted(*given: Any, **options: Any) -> asyncio.Handle:  # Any: those of the loop
            self.hops += threading.get_ident() != own
            return call(*given, **options)

        self._monkeypatch.setattr(loop, "call_soon_threadsafe", counted)

    def clear(self) -> None:
        """Forget what was counted."""
        self.statements.clear()
        self.hops = 0


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


@pytest.fixture
def file(watched: Watched, tmp_path: Path) -> Iterator[Place]:
    place = made("sqlite", tmp_path)
    yield place
    dropped(place)


@pytest.fixture(params=["postgresql", "psycopg", "mariadb"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


def _load(**asked: Any) -> Operation:  # Any: options of `load`
    return lambda app: app.load(Account, ID, **asked)


_FF = _load(freshness=FastForward())


def _deposit(app: Application) -> Awaitable[object]:
    return app.dispatch(Deposit(aggregate_id=ID, amount=1))


async def _deposit_64(app: Application) -> None:
    await asyncio.gather(*(app.dispatch(Deposit(aggregate_id=each, amount=1)) for each in HOT))


@asynccontextmanager
async def _ready(ours: Ours, operation: Operation, stores: Stores) -> AsyncIterator[Application]:
    """An application with an account of so many events, in which the operation was done twice."""
    await fill(ours, {ID: history(stores.length)}, snapshot_at=8)
    async with ours.application(snapshots=stores.snapshots, cache=stores.cache) as app:
        for _ in range(2):  # the first ones look up what is kept then
            await operation(app)
        yield app


@pytest.mark.parametrize(
    ("stores", "operation", "cost"),
    [
        pytest.param(Stores(10, cache=True), _load(freshness=Trust()), Cost(0), id="Trust"),
        pytest.param(Stores(10, cache=True), _FF, Cost(1), id="FastForward"),
        pytest.param(Stores(499), _load(), Cost(1), id="replay of 499"),
        pytest.param(Stores(10, snapshots=True), _load(), Cost(2), id="snapshot and tail"),
        pytest.param(Stores(508, snapshots=True), _load(), Cost(2), id="snapshot and 500 events"),
        pytest.param(Stores(10, cache=True), _deposit, Cost(3, 1), id="command"),
        pytest.param(Stores(10, cache=True), _deposit_64, Cost(66, 1), id="64 commands at once"),
    ],
)
async def test_an_operation_on_a_file_costs_no_more_than_it_did(
    file: Place,
    watched: Watched,
    stores: Stores,
    operation: Operation,
    cost: Cost,
) -> None:
    async with _ready(Ours(file.url), operation, stores) as app:
        watched.watch_loop()
        watched.clear()
        await operation(app)
        found = Cost(len(watched.statements), watched.hops)
    assert found == cost, "\n".join(watched.statements)


@pytest.mark.parametrize(
    ("stores", "operation", "round_trips"),
    [
        pytest.param(Stores(10, cache=True), _load(freshness=Trust()), 0, id="Trust"),
        pytest.param(Stores(10, cache=True), _FF, 1, id="FastForward"),
        pytest.param(Stores(500), _load(), 1, id="replay of 500"),
        pytest.param(Stores(10_000), _load(), 6, id="replay of 10,000"),
        pytest.param(Stores(500, snapshots=True), _load(), 1, id="snapshot and tail"),
        pytest.param(Stores(10, cache=True), _deposit, 1, id="command"),
        pytest.param(Stores(10, cache=True), _deposit_64, 64, id="64 commands at once"),
    ],
)
async def test_an_operation_on_a_server_costs_no_more_than_it_did(
    server: Place,
    stores: Stores,
    operation: Operation,
    round_trips: int,
) -> None:
    ours = Ours(server.url, server.prefix)
    async with opened(ours.events()) as beside, _ready(ours, operation, stores) as app:
        before = beside.round_trips  # of all that use the URL
        await operation(app)
        assert beside.round_trips - before == round_trips
