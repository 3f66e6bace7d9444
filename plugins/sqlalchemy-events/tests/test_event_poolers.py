"""A pooler between the store and its server."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

import pytest

from interlock.backends import ConfigurationError, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_rig import ask, linked
from sql_servers import OwnPostgreSQL, own_pgbouncer, own_postgresql

Events = Callable[..., Sequence[StoredEvent]]


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgreSQL]:
    with own_postgresql() as server:
        yield server


def store_at(url: str, driver: str) -> SQLAlchemyEventStore:
    url = url.replace("asyncpg", driver)
    return SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=url, create_schema=True))


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("more", ["", "server_round_robin = 1", "default_pool_size = 1"])
async def test_one_that_shares_sessions_is_refused_at_the_start(
    server: OwnPostgreSQL, driver: str, mode: str, more: str
) -> None:
    with own_pgbouncer(server, mode, more) as pooler:
        # Others have been there before, and have left several sessions.
        async with linked(pooler.url) as one, linked(pooler.url) as other:
            sleeps = (ask(link, "SELECT pg_sleep(0.05)") for link in (one, other))
            await asyncio.gather(*sleeps)
        for _ in range(3):
            with pytest.raises(ConfigurationError, match="pool_mode = session"):
                await store_at(pooler.url, driver).open()


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_one_that_keeps_sessions_apart_is_used(
    server: OwnPostgreSQL, events: Events, driver: str
) -> None:
    with own_pgbouncer(server, "session") as pooler:
        store = store_at(pooler.url, driver)
        await store.open()
        given = [events(uuid4(), [1]) for _ in range(30)]
        await asyncio.gather(*(store.append(event, after=None) for event in given))
        await store.close()
