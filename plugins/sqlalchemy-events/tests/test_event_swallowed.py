"""A network that swallows what is said, so that no reply and no reset ever comes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from uuid import uuid4

import pytest

from interlock.backends import BackendUnavailableError, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from sql_proxy import Proxy

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]

pytestmark = pytest.mark.parametrize("place", ["postgresql", "psycopg", "mariadb"], indirect=True)

QUICK = {"timeout": 1, "connect_timeout": 0.5, "pool_size": 2}


@pytest.fixture
async def store(
    open_store: OpenStore, proxy: Proxy, events: Events
) -> AsyncIterator[SQLAlchemyEventStore]:
    """A store behind the proxy, with two warm connections."""
    store = await open_store(url=proxy.url, **QUICK)
    await asyncio.gather(*(store.append(events(uuid4(), [1]), after=None) for _ in range(2)))
    yield store
    proxy.swallows = False


async def test_appends_that_were_swallowed_give_their_connections_back(
    store: SQLAlchemyEventStore, proxy: Proxy, events: Events
) -> None:
    async with asyncio.timeout(30):
        proxy.swallows = True
        swallowed = [events(uuid4(), [1]) for _ in range(2)]
        ends = await asyncio.gather(
            *(store.append(given, after=None) for given in swallowed), return_exceptions=True
        )
        for end in ends:
            assert isinstance(end, BackendUnavailableError)
            assert "the connection was broken off" in str(end)
            assert not end.nothing_done
        proxy.swallows = False
        for given in swallowed:
            assert await store.head("Account", given[0].aggregate_id) is None
            await store.append(given, after=None)


async def test_who_finds_no_connection_is_told_why(
    store: SQLAlchemyEventStore, proxy: Proxy, events: Events
) -> None:
    proxy.swallows = True
    swallowed = [
        asyncio.ensure_future(store.append(events(uuid4(), [1]), after=None)) for _ in range(2)
    ]
    await asyncio.sleep(0)
    with pytest.raises(BackendUnavailableError, match=r"none came back within 0\.5 s") as caught:
        await store.append(events(uuid4(), [1]), after=None)
    assert caught.value.nothing_done
    await asyncio.wait(swallowed)


async def test_a_close_that_is_given_up_breaks_off_what_is_under_way(
    store: SQLAlchemyEventStore, proxy: Proxy, events: Events
) -> None:
    proxy.swallows = True
    append = asyncio.ensure_future(store.append(events(uuid4(), [1]), after=None))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await store.close()
    with pytest.raises((BackendUnavailableError, asyncio.CancelledError)):
        await append
    proxy.swallows = False
    await store.open()
    assert await store.head("Account", uuid4()) is None


async def test_a_chunk_that_was_read_ahead_and_swallowed_gives_its_connection_back(
    store: SQLAlchemyEventStore, open_store: OpenStore, proxy: Proxy, events: Events
) -> None:
    stream = events(uuid4(), range(1, 1500))
    await (await open_store()).append(stream, after=None)
    pages = store.read("Account", stream[0].aggregate_id)
    await anext(pages)
    proxy.swallows = True
    with pytest.raises(BackendUnavailableError, match="the connection was broken off"):
        await anext(pages)
    proxy.swallows = False
    async with asyncio.timeout(30):
        await asyncio.gather(*(store.head("Account", uuid4()) for _ in range(2)))


async def test_a_start_into_silence_ends(open_store: OpenStore, proxy: Proxy) -> None:
    await (await open_store(url=proxy.url)).close()
    proxy.swallows = True
    with pytest.raises(BackendUnavailableError):
        await open_store(url=proxy.url, **QUICK)
    proxy.swallows = False
