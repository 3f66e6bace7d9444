"""What a server won't take, won't wait for, or undoes."""

import asyncio
import math
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from interlock.backends import (
    BackendUnavailableError,
    ConcurrencyError,
    ConfigurationError,
    StoredEvent,
)
from interlock_sqlalchemy.server import ServerDatabase
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_locks import locked, transaction, waiting
from sql_rig import Place, ask, guest, linked
from sql_servers import OwnMariaDB, own_mariadb

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]

ID = uuid4()
TABLE = "interlock_events"
ON_SERVERS = pytest.mark.parametrize("place", ["postgresql", "psycopg", "mariadb"], indirect=True)


async def versions(store: SQLAlchemyEventStore) -> list[int]:
    return [row[0] async for rows in store.read("Account", ID) for row in rows]


@pytest.mark.parametrize("place", ["mariadb"], indirect=True)
@pytest.mark.parametrize("smaller", [0, 3])
async def test_a_payload_above_the_packets_limit_stores_nothing_and_says_so(
    store: SQLAlchemyEventStore, events: Events, place: Place, smaller: int
) -> None:
    ((limit,),) = await place.run("SELECT @@max_allowed_packet")
    standing = events(ID, [1])
    await store.append(standing, after=None)
    more = [
        *events(ID, range(2, 2 + smaller)),
        *events(ID, [2 + smaller], payload=bytes(limit)),
    ]
    with pytest.raises(BackendUnavailableError, match="raise the server's max_allowed") as caught:
        await store.append(more, after=(1, standing[0].event_id))
    assert caught.value.nothing_done
    assert await versions(store) == [1]
    await store.append(events(ID, [2]), after=(1, standing[0].event_id))


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_payload_above_the_files_limit_stores_nothing_and_says_so(
    store: SQLAlchemyEventStore, events: Events, opened: list[sqlite3.Connection]
) -> None:
    opened[1].setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000)
    more = [*events(ID, [1, 2]), *events(ID, [3], payload=bytes(20_000))]
    with pytest.raises(BackendUnavailableError, match="too big") as caught:
        await store.append(more, after=None)
    assert caught.value.nothing_done
    assert await versions(store) == []


@ON_SERVERS
async def test_a_statement_that_takes_too_long_is_given_up_by_the_server(
    open_store: OpenStore, events: Events, place: Place
) -> None:
    store = await open_store(statement_timeout=0.2)
    async with locked(place, TABLE):
        with pytest.raises(BackendUnavailableError, match="or raise statement_timeout"):
            await store.head("Account", ID)
        with pytest.raises(BackendUnavailableError, match="or raise statement_timeout") as caught:
            await store.append(events(ID, [1]), after=None)
        assert caught.value.nothing_done
    assert await versions(store) == []
    await store.append(events(ID, [1]), after=None)


@ON_SERVERS
async def test_a_pool_whose_connections_are_all_in_use_is_told(
    open_store: OpenStore, events: Events, place: Place
) -> None:
    store = await open_store(pool_size=1)
    async with locked(place, TABLE):
        append = asyncio.ensure_future(store.append(events(ID, [1]), after=None))
        await waiting(place)
        assert isinstance(store._database, ServerDatabase)
        pool = store._database._client.pool
        pool.wait_seconds = 0.01
        for returned_at, why in ((0.0, "none came back within"), (math.inf, "raise pool_size")):
            pool._returned_at = returned_at
            with pytest.raises(BackendUnavailableError, match=f"all 1 conn.*{why}") as caught:
                await store.append(events(uuid4(), [1]), after=None)
            assert caught.value.nothing_done
    await append
    assert await versions(store) == [1]


@ON_SERVERS
async def test_a_server_without_connections_to_spare_is_told(
    open_store: OpenStore, place: Place
) -> None:
    await open_store()
    limit = "CONNECTION LIMIT 2" if place.is_postgresql else "WITH MAX_USER_CONNECTIONS 2"
    async with guest(place, "SELECT", limit) as url:
        store = await open_store(url=url, create_schema=False)
        async with locked(place, TABLE):
            heads = [asyncio.ensure_future(store.head("Account", ID)) for _ in "12"]
            await waiting(place, 2)
            with pytest.raises(BackendUnavailableError, match="lower pool_size") as caught:
                await store.head("Account", ID)
            assert caught.value.nothing_done
        assert await asyncio.gather(*heads) == [None, None]
        await store.close()


INSERT = """\
INSERT INTO AT.interlock_events SELECT namespace, aggregate_type, ID, {}, event_id, type,
 schema_version, recorded_at, metadata, payload FROM AT.interlock_events WHERE aggregate_id <> ID"""


async def insert(place: Place, link: Any, *versions: int) -> None:  # Any: see `linked`
    """Copies of another stream's only event."""
    id_of = f"'\\x{ID.hex}'::bytea" if place.is_postgresql else f"x'{ID.hex}'"
    for version in versions:
        sql = INSERT.format(version).replace("AT.", place.prefix)
        await ask(link, sql.replace("ID", id_of))


@pytest.mark.parametrize("place", ["postgresql", "mariadb"], indirect=True)
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
async def test_an_append_undone_by_a_deadlock_is_decided_anew(
    store: SQLAlchemyEventStore, events: Events, place: Place, end: str
) -> None:
    await store.append(events(uuid4(), [1]), after=None)
    async with transaction(place) as first, transaction(place) as other:
        await insert(place, first, 2)
        await insert(place, other, 3, *range(100, 200))  # whoever did less is undone
        append = asyncio.ensure_future(store.append(events(ID, [1, 2, 3]), after=None))
        await waiting(place)  # it has inserted 1, and waits for 2
        blocked = asyncio.ensure_future(insert(place, other, 1))
        await waiting(place, 2)
        await ask(first, "ROLLBACK")
        await blocked  # the append is undone, and waits for 1 by now
        await ask(other, end)
    if end == "COMMIT":
        with pytest.raises(ConcurrencyError):
            await append
        assert (await versions(store))[:2] == [1, 3]
    else:
        await append
        assert await versions(store) == [1, 2, 3]


FAILS = {  # as often as it is told, the first times
    "postgresql": "CREATE SEQUENCE AT.tries|CREATE FUNCTION AT.fail() RETURNS trigger"
    " LANGUAGE plpgsql AS $$ BEGIN IF nextval('AT.tries') <= {} THEN"
    " RAISE 'serialize' USING ERRCODE = '40001'; END IF; RETURN new; END $$|"
    "CREATE TRIGGER fail BEFORE INSERT ON AT.interlock_events"
    " FOR EACH ROW EXECUTE FUNCTION AT.fail()",
    "mariadb": "CREATE TRIGGER AT.fail BEFORE INSERT ON AT.interlock_events FOR EACH ROW"
    " BEGIN SET @tries = IFNULL(@tries, 0) + 1; IF @tries <= {} THEN SIGNAL SQLSTATE '40001'"
    " SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'serialize'; END IF; END",
}


@pytest.mark.parametrize("place", ["postgresql", "mariadb"], indirect=True)
@pytest.mark.parametrize("times", [2, 100])
async def test_what_the_server_could_not_serialise_is_done_again_but_not_for_ever(
    store: SQLAlchemyEventStore, events: Events, place: Place, times: int
) -> None:
    for statement in FAILS[place.kind].format(times).split("|"):
        await place.run(statement)
    if times == 2:
        await store.append(events(ID, [1, 2]), after=None)
        assert await versions(store) == [1, 2]
    else:
        with pytest.raises(BackendUnavailableError, match="serialize"):
            await store.append(events(ID, [1, 2]), after=None)
        assert await versions(store) == []


@pytest.fixture(scope="module")
def server() -> Iterator[OwnMariaDB]:
    with own_mariadb() as server:
        yield server


@asynccontextmanager
async def running(server: OwnMariaDB, user: str = "root") -> AsyncIterator[SQLAlchemyEventStore]:
    url = server.url.replace("root", user)
    store = SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=url, create_schema=True))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def test_a_mariadb_server_that_becomes_read_only_is_refused_until_it_is_none(
    server: OwnMariaDB, events: Events
) -> None:
    async with linked(server.url) as link:
        await ask(link, "CREATE USER clerk@'127.0.0.1'")
        await ask(link, "GRANT ALL ON test.* TO clerk@'127.0.0.1'")
        async with running(server, "clerk") as store:
            standing = events(ID, [1])
            await store.append(standing, after=None)
            await ask(link, "SET GLOBAL read_only = ON")
            after = (1, standing[0].event_id)
            for told in ("read-only", "it is read-only; name the primary in the url"):
                with pytest.raises(BackendUnavailableError, match=told) as caught:
                    await store.append(events(ID, [2]), after=after)
                assert caught.value.nothing_done
            with pytest.raises(ConfigurationError, match="it is read-only; name the primary"):
                async with running(server):
                    pass
            await ask(link, "SET GLOBAL read_only = OFF")
            await store.append(events(ID, [2]), after=after)
            assert await versions(store) == [1, 2]


async def test_a_mariadb_server_that_replicates_is_refused(server: OwnMariaDB) -> None:
    async with linked(server.url) as link:
        source = "MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'nobody'"
        await ask(link, f"CHANGE MASTER TO {source}")
        await ask(link, "START SLAVE")
        with pytest.raises(ConfigurationError, match="it is a replica; name the primary"):
            async with running(server):
                pass
        await ask(link, "STOP SLAVE")
        await ask(link, "RESET SLAVE ALL")
        async with running(server) as store:
            assert await store.head("Account", uuid4()) is None
