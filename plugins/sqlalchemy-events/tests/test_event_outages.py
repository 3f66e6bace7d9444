"""Connections and servers that go away."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from uuid import uuid4

import pytest

from interlock.backends import BackendUnavailableError, ConfigurationError, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_kill import kill, kill_all, waiting
from sql_proxy import Proxy
from sql_rig import Place, ask, linked, needed
from sql_servers import OwnPostgreSQL, own_postgresql

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]

ID = uuid4()
ON_SERVERS = pytest.mark.parametrize("place", ["postgresql", "psycopg", "mariadb"], indirect=True)


@ON_SERVERS
async def test_an_append_killed_before_its_commit_is_unknown_and_not_there(
    store: SQLAlchemyEventStore, events: Events, place: Place
) -> None:
    first = events(ID, [1])
    async with linked(place.url) as other:
        if place.kind == "mariadb":
            await ask(other, f"LOCK TABLES {place.table('interlock_events')} WRITE")
        else:
            await ask(other, "BEGIN")
            await ask(other, f"LOCK TABLE {place.table('interlock_events')} IN EXCLUSIVE MODE")
        append = asyncio.ensure_future(store.append(first, after=None))
        async with linked(place.url) as third:
            await kill(place, third, await waiting(place, third))
        with pytest.raises(BackendUnavailableError) as caught:
            await append
        assert not caught.value.nothing_done
        await ask(other, "UNLOCK TABLES" if place.kind == "mariadb" else "ROLLBACK")
    assert await store.head("Account", ID) is None
    await store.append(first, after=None)
    assert await store.head("Account", ID) == (1, first[0].event_id)


@ON_SERVERS
async def test_an_append_whose_reply_is_lost_is_unknown_and_there(
    open_store: OpenStore, events: Events, proxy: Proxy
) -> None:
    store = await open_store(url=proxy.url)
    first, second = events(ID, [1]), events(ID, [2])
    other = events(uuid4(), [1, 2])
    await store.append(first, after=None)
    for part, after in ((other[:1], None), (other[1:], (1, other[0].event_id))):
        await store.append(part, after=after)  # its text is prepared
    proxy.loses_replies = True
    with pytest.raises(BackendUnavailableError) as caught:
        await store.append(second, after=(1, first[0].event_id))
    assert not caught.value.nothing_done
    assert await store.head("Account", ID) == (2, second[0].event_id)


@ON_SERVERS
async def test_a_read_whose_reply_is_lost_is_made_again(
    open_store: OpenStore, events: Events, proxy: Proxy
) -> None:
    store = await open_store(url=proxy.url)
    first = events(ID, [1])
    await store.append(first, after=None)
    proxy.loses_replies = True
    assert await store.head("Account", ID) == (1, first[0].event_id)
    assert not proxy.loses_replies


@ON_SERVERS
async def test_a_warm_append_and_a_read_are_one_round_trip_each_on_the_wire(
    open_store: OpenStore, events: Events, proxy: Proxy
) -> None:
    store = await open_store(url=proxy.url)
    standing = events(ID, range(1, 8))
    after = None
    for part in (standing[:1], standing[1:2], standing[2:5]):
        await store.append(part, after=after)  # each text is prepared when it is first met
        after = part[-1].version, part[-1].event_id
    assert [rows async for rows in store.read("Account", ID)]
    await store.head("Account", ID)
    trips = proxy.round_trips
    await store.append(standing[5:6], after=after)
    assert proxy.round_trips - trips == 1
    other = uuid4()
    await store.append(events(other, [1]), after=None)
    assert proxy.round_trips - trips == 2
    assert [rows async for rows in store.read("Account", ID, first=3)]
    await store.head("Account", ID)
    assert proxy.round_trips - trips == 4
    assert proxy.connections <= 2


@ON_SERVERS
async def test_killed_idle_connections_are_not_noticed_by_reads(
    open_store: OpenStore, events: Events, place: Place
) -> None:
    store = await open_store(url=place.own_url)
    first = events(ID, [1])
    await store.append(first, after=None)
    await asyncio.gather(*(store.head("Account", ID) for _ in range(5)))
    assert await kill_all(place) > 0
    for _ in range(5):
        assert await store.head("Account", ID) == (1, first[0].event_id)


@pytest.mark.parametrize("place", ["postgresql", "psycopg"], indirect=True)
async def test_a_table_whose_making_is_cancelled_is_no_fault_of_the_configuration(
    place: Place, open_store: OpenStore
) -> None:
    async with linked(place.url) as other:
        await ask(other, "BEGIN")
        await ask(other, f"CREATE TABLE {place.table('interlock_events')} (a INT)")
        with pytest.raises(BackendUnavailableError, match="statement timeout"):
            await open_store(statement_timeout=0.2)
        await ask(other, "ROLLBACK")
    await open_store()


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgreSQL]:
    needed("postgresql")
    with own_postgresql() as server:
        yield server


def store_on(server: OwnPostgreSQL) -> SQLAlchemyEventStore:
    return SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=server.url, create_schema=True))


async def test_a_store_goes_on_when_its_server_was_restarted(
    server: OwnPostgreSQL, events: Events
) -> None:
    store, aggregate_id = store_on(server), uuid4()
    await store.open()
    first = events(aggregate_id, [1])
    await store.append(first, after=None)
    await asyncio.gather(*(store.head("Account", aggregate_id) for _ in range(5)))
    await asyncio.to_thread(server.stop)
    with pytest.raises(BackendUnavailableError, match="can't connect to postgresql"):
        await store.head("Account", aggregate_id)
    with pytest.raises(BackendUnavailableError) as caught:
        await store.append(events(aggregate_id, [2]), after=(1, first[0].event_id))
    assert caught.value.nothing_done
    await asyncio.to_thread(server.start)
    assert await store.head("Account", aggregate_id) == (1, first[0].event_id)
    await store.append(events(aggregate_id, [2]), after=(1, first[0].event_id))
    await store.close()


async def test_a_standby_is_refused_at_the_start_and_on_reconnect_until_it_is_promoted(
    server: OwnPostgreSQL, events: Events
) -> None:
    store, aggregate_id = store_on(server), uuid4()
    await store.open()
    first = events(aggregate_id, [1])
    await store.append(first, after=None)
    await asyncio.to_thread(server.become_standby)
    with pytest.raises(ConfigurationError, match=r"it is a standby; name the primary"):
        await store_on(server).open()
    with pytest.raises(BackendUnavailableError, match="it is a standby"):
        await store.head("Account", aggregate_id)
    with pytest.raises(BackendUnavailableError, match="it is a standby") as caught:
        await store.append(events(aggregate_id, [2]), after=(1, first[0].event_id))
    assert caught.value.nothing_done
    await asyncio.to_thread(server.promote)
    assert await store.head("Account", aggregate_id) == (1, first[0].event_id)
    await store.append(events(aggregate_id, [2]), after=(1, first[0].event_id))
    await store.close()


async def test_a_read_only_database_is_refused(server: OwnPostgreSQL) -> None:
    async with linked(server.url) as link:
        await ask(link, "ALTER ROLE postgres SET default_transaction_read_only = on")
    with pytest.raises(ConfigurationError, match="it is read-only"):
        await store_on(server).open()
    async with linked(server.url) as link:
        await ask(link, "SET default_transaction_read_only = off")
        await ask(link, "ALTER ROLE postgres RESET default_transaction_read_only")
    await asyncio.to_thread(server.restart)
