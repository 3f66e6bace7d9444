"""Servers that aren't there, don't answer, or don't let one in."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from interlock.backends import BackendUnavailableError, ConfigurationError, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_rig import Place, guest

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]

ID = uuid4()
SECRET = "hunter2"  # noqa: S105 # an example
ON_SERVERS = pytest.mark.parametrize("place", ["postgresql", "psycopg", "mariadb"], indirect=True)


def changed(url: str, **parts: object) -> str:
    found = make_url(url).set(**parts)  # type: ignore[arg-type] # parts of a URL
    return found.render_as_string(hide_password=False)


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [
        ("postgresql://a/b", "asyncpg", "asyncpg"),
        ("postgresql+psycopg://a/b", "psycopg", "psycopg"),
        ("mysql://a/b", "asyncmy", "mysql"),
        ("mariadb://a/b", "greenlet", "mysql"),
    ],
)
def test_a_missing_driver_is_told_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, url: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError) as caught:
        SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=url))
    assert f"{module} isn't installed" in str(caught.value)
    assert f'pip install "interlock-sqlalchemy-events[{extra}]"' in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql+psycopg2://a/b", "mysql+pymysql://a/b"])
def test_a_driver_that_blocks_the_loop_is_refused_by_name(url: str) -> None:
    with pytest.raises(ConfigurationError, match="or name one of: asy"):
        SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=url))


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@ON_SERVERS
async def test_a_server_that_is_not_there_is_told_at_the_start(
    open_store: OpenStore, place: Place, closed_port: int
) -> None:
    url = changed(place.url, port=closed_port, password=SECRET)
    with pytest.raises(BackendUnavailableError, match="can't connect to") as caught:
        await open_store(url=url)
    assert f"127.0.0.1:{closed_port}" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    """Where somebody listens and never answers."""
    writers: list[asyncio.StreamWriter] = []

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for writer in writers:
        writer.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("place", ["postgresql", "mariadb"], indirect=True)
async def test_a_server_that_does_not_answer_is_given_up(
    open_store: OpenStore, place: Place, silent_port: int
) -> None:
    url = changed(place.url, port=silent_port)
    with pytest.raises(BackendUnavailableError, match=r"can't connect to .*: \w+"):
        await open_store(url=url, connect_timeout=0.2)


@ON_SERVERS
async def test_a_user_that_the_server_does_not_know_is_told(
    open_store: OpenStore, place: Place
) -> None:
    url = changed(place.url, username="nobody_at_all", password=SECRET)
    with pytest.raises(ConfigurationError, match="check the url's user and password") as caught:
        await open_store(url=url)
    assert SECRET not in str(caught.value)


@ON_SERVERS
async def test_an_option_of_the_url_that_the_driver_does_not_know_is_told(
    open_store: OpenStore, place: Place
) -> None:
    url = changed(place.url, query={"fantasy": "1"})
    with pytest.raises(ConfigurationError, match=r"fantasy.*check what follows the \? in the url"):
        await open_store(url=url)


@pytest.mark.parametrize(
    ("place", "query"),
    [
        ("postgresql", {"sslmode": "fantasy"}),
        ("psycopg", {"sslmode": "fantasy"}),
        ("mariadb", {"ssl": "fantasy"}),
        ("mariadb", {"connect_timeout": "fantasy"}),
    ],
    indirect=["place"],
)
async def test_a_value_that_the_driver_cannot_use_is_told(
    open_store: OpenStore, place: Place, query: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError, match=r"; check what follows the \? in the url"):
        await open_store(url=changed(place.url, query=query))


@pytest.mark.parametrize(
    ("place", "query"),
    [
        ("postgresql", {"sslmode": "verify-full", "sslrootcert": "/nowhere"}),
        ("mariadb", {"ssl_ca": "/nowhere"}),
    ],
    indirect=["place"],
)
async def test_a_file_that_is_not_there_is_an_outage_that_says_so(
    open_store: OpenStore, place: Place, query: dict[str, str]
) -> None:
    with pytest.raises(BackendUnavailableError, match="see that the files are there"):
        await open_store(url=changed(place.url, query=query))


@ON_SERVERS
async def test_a_database_that_is_not_there_is_told(open_store: OpenStore, place: Place) -> None:
    with pytest.raises(ConfigurationError, match="create the database, or name another one"):
        await open_store(url=changed(place.url, database="nowhere"))


@pytest.mark.parametrize("place", ["mariadb"], indirect=True)
async def test_a_database_that_the_user_may_not_use_is_told(
    open_store: OpenStore, place: Place
) -> None:
    await open_store()
    async with guest(place, "SELECT") as url:
        with pytest.raises(ConfigurationError, match=r"mysql.*grant it to the url's user"):
            await open_store(url=changed(url, database="mysql"), create_schema=False)


@ON_SERVERS
async def test_who_may_only_read_reads_and_is_told_that_nothing_was_stored(
    open_store: OpenStore, events: Events, place: Place
) -> None:
    standing = events(ID, [1])
    await (await open_store()).append(standing, after=None)
    async with guest(place, "SELECT") as url:
        store = await open_store(url=url, create_schema=False)
        assert await store.head("Account", ID) == (1, standing[0].event_id)
        with pytest.raises(BackendUnavailableError, match="denied") as caught:
            await store.append(events(ID, [2]), after=(1, standing[0].event_id))
        assert caught.value.nothing_done
        assert await store.head("Account", ID) == (1, standing[0].event_id)
        await store.close()


@ON_SERVERS
async def test_a_user_that_is_removed_under_a_running_store_is_told(
    open_store: OpenStore, place: Place
) -> None:
    await open_store()
    async with guest(place, "SELECT") as url:
        store = await open_store(url=url, create_schema=False)
        assert await store.head("Account", ID) is None
    # Its connection is gone with it.
    with pytest.raises(BackendUnavailableError, match="check the url's user and password"):
        await store.head("Account", ID)
