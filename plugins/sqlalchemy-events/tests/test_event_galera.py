"""A Galera cluster, written and read at two of its nodes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

from interlock.application import Application, ApplicationBuilder, backend
from interlock.application.aggregates import FastForward
from interlock.backends import (
    BackendUnavailableError,
    ConcurrencyError,
    ConfigurationError,
    StoredEvent,
)
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_galera import GaleraNode, own_galera
from sql_rig import ask, linked

pytestmark = pytest.mark.faults

Events = Callable[..., Sequence[StoredEvent]]
ROUNDS = 1_000
READY = "SHOW STATUS LIKE 'wsrep_ready'"


class Deposit(Command[None]):
    amount: int


class Deposited(BaseModel):
    amount: int


class Account(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> None:
        self.emit(Deposited(amount=command.amount))

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[GaleraNode]]:
    with own_galera(2) as nodes:
        yield nodes


def config(node: GaleraNode) -> SQLAlchemyEventsConfig:
    return SQLAlchemyEventsConfig(url=node.url, create_schema=True, allow_galera=True)


@pytest.fixture
async def stores(nodes: list[GaleraNode]) -> AsyncIterator[list[SQLAlchemyEventStore]]:
    """A store at each node."""
    async with AsyncExitStack() as stack:
        stores = []
        for node in nodes:
            store = SQLAlchemyEventStore(config(node))
            await store.open()
            stack.push_async_callback(store.close)
            stores.append(store)
        yield stores


async def outcomes(*calls: Awaitable[Any]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_it_is_refused_unless_it_is_allowed(nodes: list[GaleraNode]) -> None:
    store = SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=nodes[1].url))
    with pytest.raises(ConfigurationError, match=r"is a node of a Galera cluster.*allow_galera"):
        await store.open()


def application(node: GaleraNode) -> Application:
    events = backend("sqlalchemy-events", url=node.url, create_schema=True, allow_galera=True)
    return ApplicationBuilder().register_event_store(events).register_aggregate(Account).build()


async def test_a_load_sees_what_was_acknowledged_at_another_node(
    nodes: list[GaleraNode],
) -> None:
    async with application(nodes[0]) as one, application(nodes[1]) as other:
        missed = 0
        for _ in range(ROUNDS):
            account_id = uuid4()
            for version in (1, 2):
                await one.dispatch(Deposit(aggregate_id=account_id, amount=1))
                found = await other.load(Account, account_id, freshness=FastForward())
                missed += found.version < version
        assert missed == 0


async def test_of_two_appends_at_two_nodes_one_is_a_conflict(
    stores: list[SQLAlchemyEventStore], events: Events
) -> None:
    for count in [1, 3, 40] * 50:
        aggregate_id = uuid4()
        standing = events(aggregate_id, [1])
        await stores[0].append(standing, after=None)
        head = (1, standing[0].event_id)
        given = [events(aggregate_id, range(2, 2 + count)) for _ in stores]
        pairs = zip(stores, given, strict=True)
        found = await outcomes(*(store.append(new, after=head) for store, new in pairs))
        assert {type(outcome) for outcome in found} == {type(None), ConcurrencyError}
        winner = given[found.index(None)]
        for store in stores:
            rows = [row async for rows in store.read("Account", aggregate_id) for row in rows]
            assert [tuple(row) for row in rows] == [e.row() for e in (*standing, *winner)]


async def test_of_two_beginnings_at_two_nodes_one_is_a_conflict(
    stores: list[SQLAlchemyEventStore], events: Events
) -> None:
    for _ in range(100):
        aggregate_id = uuid4()
        found = await outcomes(
            *(store.append(events(aggregate_id, [1, 2]), after=None) for store in stores)
        )
        assert {type(outcome) for outcome in found} == {type(None), ConcurrencyError}


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("below", [None, 1_000])
async def test_an_erasure_leaves_nothing_of_what_another_node_appends(
    stores: list[SQLAlchemyEventStore], events: Events, count: int, below: int | None
) -> None:
    one, other = stores
    seen = set()
    for _ in range(150):
        aggregate_id = uuid4()
        standing = events(aggregate_id, [1, 2])
        await one.append(standing, after=None)
        await other.head("Account", aggregate_id)
        appended = events(aggregate_id, range(3, 3 + count))
        deleted, outcome = await outcomes(
            one.delete("Account", aggregate_id, below=below),
            other.append(appended, after=(2, standing[1].event_id)),
        )
        seen.add((deleted, type(outcome)))
        for store in stores:
            assert await store.head("Account", aggregate_id) is None, (deleted, outcome)
    assert seen <= {(2, ConcurrencyError), (2 + count, type(None))}


async def test_events_are_archived_beside_appends_at_another_node(
    stores: list[SQLAlchemyEventStore], events: Events
) -> None:
    one, other = stores
    for _ in range(50):
        aggregate_id = uuid4()
        standing = events(aggregate_id, [1, 2, 3])
        await one.append(standing, after=None)
        appended = events(aggregate_id, [4])
        found = await outcomes(
            one.delete("Account", aggregate_id, below=3),
            other.append(appended, after=(3, standing[2].event_id)),
        )
        assert found == [2, None]
        assert await one.head("Account", aggregate_id) == (4, appended[0].event_id)


async def test_what_is_not_there_is_deleted(stores: list[SQLAlchemyEventStore]) -> None:
    assert await stores[0].delete("Account", uuid4()) == 0


@asynccontextmanager
async def alone(node: GaleraNode) -> AsyncIterator[None]:
    """The node hears no other, for a while."""
    async with linked(node.url) as link:
        await ask(link, "SET GLOBAL wsrep_provider_options = 'gmcast.isolate = 1'")
        yield
        await ask(link, "SET GLOBAL wsrep_provider_options = 'gmcast.isolate = 0'")
        while await ask(link, READY) != [("wsrep_ready", "ON")]:
            pass


async def answering(store: SQLAlchemyEventStore) -> None:
    """Wait until the node, which is part of the cluster anew, takes statements."""
    while True:
        with suppress(BackendUnavailableError):
            await store.head("Account", uuid4())
            return


async def test_a_node_that_lost_the_others_is_an_outage(
    nodes: list[GaleraNode], stores: list[SQLAlchemyEventStore], events: Events
) -> None:
    async def outage(call: Awaitable[object]) -> BackendUnavailableError:
        with pytest.raises(BackendUnavailableError) as caught:
            await call
        return caught.value

    store, given = stores[1], [events(uuid4(), [1]) for _ in range(4)]
    async with alone(nodes[1]):
        # It believes to be in the cluster still: the first may be committed when it is again.
        errors = [await outage(store.append(new, after=None)) for new in given]
        await outage(store.head("Account", uuid4()))
        with pytest.raises(BackendUnavailableError):
            await SQLAlchemyEventStore(config(nodes[1])).open()
    assert errors[-1].nothing_done
    for store in stores:
        await answering(store)  # the one that was not cut off has lost an other, too
        for error, (new,) in zip(errors, given, strict=True):
            head = await store.head("Account", new.aggregate_id)
            assert head is None or not error.nothing_done
