"""Servers that are spoken to by TLS, by the options of each driver's URL."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from interlock.backends import BackendUnavailableError, ConfigurationError, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_rig import needed
from sql_servers import OwnMariaDB, OwnPostgreSQL, own_mariadb, own_postgresql

Events = Callable[..., Sequence[StoredEvent]]
Encrypted = OwnPostgreSQL | OwnMariaDB

LIBPQ = {"sslmode": "verify-full", "sslrootcert": "CA"}
ON_POSTGRESQL = pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])


@pytest.fixture(scope="module")
def postgresql() -> Iterator[OwnPostgreSQL]:
    needed("postgresql")
    with own_postgresql() as server:
        server.encrypt()
        yield server


@pytest.fixture(scope="module")
def mariadb() -> Iterator[OwnMariaDB]:
    needed("mariadb")
    with own_mariadb() as server:
        server.encrypt()
        yield server


@asynccontextmanager
async def opened(
    server: Encrypted,
    query: dict[str, str],
    *,
    driver: str = "",
    host: str = "localhost",
    authority: Encrypted | None = None,
) -> AsyncIterator[SQLAlchemyEventStore]:
    """A store that speaks to it by these options; CA is its authority, or another server's."""
    path = str((authority or server).folder / "ca.crt")
    query = {name: path if value == "CA" else value for name, value in query.items()}
    url = make_url(server.url).set(host=host, query=query)
    url = url.set(drivername=f"postgresql+{driver}") if driver else url
    options = SQLAlchemyEventsConfig(url=url.render_as_string(), create_schema=True)
    store = SQLAlchemyEventStore(options)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@ON_POSTGRESQL
async def test_postgresql_is_verified_and_spoken_to_by_tls(
    postgresql: OwnPostgreSQL, driver: str, events: Events
) -> None:
    aggregate_id = uuid4()
    appended = events(aggregate_id, [1])
    async with opened(postgresql, LIBPQ, driver=driver) as store:
        await store.append(appended, after=None)
        assert await store.head("Account", aggregate_id) == (1, appended[0].event_id)


async def test_mariadb_is_verified_and_spoken_to_by_tls(
    mariadb: OwnMariaDB, events: Events
) -> None:
    aggregate_id = uuid4()
    appended = events(aggregate_id, [1])
    async with opened(mariadb, {"ssl_ca": "CA"}) as store:
        await store.append(appended, after=None)
        assert await store.head("Account", aggregate_id) == (1, appended[0].event_id)


@ON_POSTGRESQL
async def test_postgresql_certified_by_somebody_else_is_not_spoken_to(
    postgresql: OwnPostgreSQL, mariadb: OwnMariaDB, driver: str
) -> None:
    with pytest.raises(BackendUnavailableError, match="certificate verify failed"):
        async with opened(postgresql, LIBPQ, driver=driver, authority=mariadb):
            pass


async def test_mariadb_certified_by_somebody_else_is_not_spoken_to(
    postgresql: OwnPostgreSQL, mariadb: OwnMariaDB
) -> None:
    with pytest.raises(BackendUnavailableError, match="certificate verify failed"):
        async with opened(mariadb, {"ssl_ca": "CA"}, authority=postgresql):
            pass


@ON_POSTGRESQL
async def test_a_server_that_takes_tls_alone_says_so(
    postgresql: OwnPostgreSQL, driver: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"can't connect to .* no encryption"):
        async with opened(postgresql, {"sslmode": "disable"}, driver=driver):
            pass


@ON_POSTGRESQL
async def test_postgresql_certified_for_another_name_is_not_spoken_to(
    postgresql: OwnPostgreSQL, driver: str
) -> None:
    with pytest.raises(BackendUnavailableError, match=r"127\.0\.0\.1'|host name"):
        async with opened(postgresql, LIBPQ, driver=driver, host="127.0.0.1"):
            pass


async def test_mariadb_certified_for_another_name_is_not_spoken_to(mariadb: OwnMariaDB) -> None:
    with pytest.raises(BackendUnavailableError, match=r"not valid for '127\.0\.0\.1'"):
        async with opened(mariadb, {"ssl_ca": "CA"}, host="127.0.0.1"):
            pass
