"""Servers whose administrators like other defaults."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from uuid import uuid4

import pytest

from interlock.backends import ConcurrencyError, ConfigurationError, StoredEvent
from interlock_sqlalchemy.dialects import mysql
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_rig import ask, linked
from sql_servers import OwnMariaDB, OwnPostgreSQL, own_mariadb, own_postgresql

Events = Callable[..., Sequence[StoredEvent]]

ODD = (
    "--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,PIPES_AS_CONCAT",
    "--completion-type=CHAIN",
    "--autocommit=OFF",
    "--transaction-isolation=SERIALIZABLE",
    "--transaction-read-only=ON",
    "--loose-innodb-snapshot-isolation=ON",  # the default of MariaDB 11.8
    "--init-connect=SET sql_select_limit = 2, unique_checks = 0, sql_safe_updates = 1",
)
PAYLOAD = "back\\slash ' \" %s \0 \x1a żółw \N{TURTLE}".encode()


@pytest.fixture(scope="module")
def mariadb() -> Iterator[OwnMariaDB]:
    with own_mariadb(*ODD) as server:
        yield server


@pytest.fixture(scope="module")
def postgresql() -> Iterator[OwnPostgreSQL]:
    with own_postgresql() as server:
        yield server


async def user_of(server: OwnMariaDB) -> str:
    """The URL of a user for whom the server's `init_connect` is run."""
    async with linked(server.url.replace("/test", "/mysql")) as link:
        await ask(link, "SET completion_type = NO_CHAIN")
        await ask(link, "COMMIT")
        await ask(link, "SET SESSION TRANSACTION READ WRITE")
        await ask(link, "CREATE DATABASE IF NOT EXISTS test")
        await ask(link, "CREATE USER IF NOT EXISTS app@'127.0.0.1'")
        await ask(link, "GRANT ALL ON test.* TO app@'127.0.0.1'")
    return server.url.replace("root@", "app@")


@pytest.fixture(params=["mariadb", "asyncpg", "psycopg"])
async def url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    if request.param == "mariadb":
        yield await user_of(request.getfixturevalue("mariadb"))
        return
    found = request.getfixturevalue("postgresql").url
    async with linked(found) as link:
        for setting in (
            "default_transaction_isolation = 'serializable'",
            "synchronous_commit = off",
            "lock_timeout = 1",
            "client_encoding = latin1",
            "extra_float_digits = 0",
            "bytea_output = escape",
        ):
            await ask(link, f"ALTER ROLE postgres SET {setting}")
    yield found.replace("asyncpg", request.param)


async def test_of_appends_at_once_one_succeeds_and_the_others_are_conflicts(
    url: str, events: Events
) -> None:
    store = SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=url, create_schema=True, pool_size=4))
    await store.open()
    for _ in range(20):
        aggregate_id = uuid4()
        (first,) = events(aggregate_id, range(1, 2))
        await store.append([first], after=None)
        offers = [events(aggregate_id, range(2, 3)) for _ in range(4)]
        outcomes = await asyncio.gather(
            *(store.append(offer, after=(1, first.event_id)) for offer in offers),
            return_exceptions=True,
        )
        assert Counter(map(type, outcomes)) == {type(None): 1, ConcurrencyError: 3}, outcomes
    await store.close()


async def test_what_was_acknowledged_is_there_for_others_and_as_it_was_given(
    url: str, events: Events
) -> None:
    def store() -> SQLAlchemyEventStore:
        options = SQLAlchemyEventsConfig(url=url, create_schema=True, pool_size=1)
        return SQLAlchemyEventStore(options)

    writer, reader, aggregate_id = store(), store(), uuid4()
    await writer.open()
    given = events(aggregate_id, range(1, 8), name="Żółw", payload=PAYLOAD)
    await writer.append(given[:1], after=None)
    await writer.append(given[1:6], after=(1, given[0].event_id))
    with pytest.raises(ConcurrencyError):
        await writer.append(given[6:], after=(5, given[4].event_id))
    await writer.append(given[6:], after=(6, given[5].event_id))
    await reader.open()
    rows = [row async for rows in reader.read("Żółw", aggregate_id) for row in rows]
    assert [tuple(row) for row in rows] == [event.row() for event in given]
    await reader.close()
    await writer.delete("Żółw", aggregate_id)
    assert await writer.head("Żółw", aggregate_id) is None
    await writer.close()


async def test_a_session_that_keeps_the_servers_settings_is_refused(
    mariadb: OwnMariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a pooler that answers to settings and doesn't pass them on."""
    url = await user_of(mariadb)
    monkeypatch.setattr(mysql, "_set", lambda _: "SET sql_select_limit = DEFAULT")
    store = SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=url, create_schema=True))
    with pytest.raises(ConfigurationError, match="unique_checks = OFF, wanted ON"):
        await store.open()
