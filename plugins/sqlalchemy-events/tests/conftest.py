"""Stores in one place, and events for them."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from uuid import UUID, uuid4

import pytest

from interlock.backends import StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_fixtures import file, opened, place, portable
from sql_proxy import Proxy
from sql_rig import Place

__all__ = ["file", "opened", "place", "portable"]

_START = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.fixture
async def open_store(
    place: Place, opened: list[Connection]
) -> AsyncIterator[Callable[..., Awaitable[SQLAlchemyEventStore]]]:
    assert opened == []  # it listens before the first store is opened
    async with AsyncExitStack() as stack:

        async def open_store(**options: Any) -> SQLAlchemyEventStore:
            table = place.table("interlock_events")
            options = {"url": place.url, "table": table, "create_schema": True, **options}
            store = SQLAlchemyEventStore(SQLAlchemyEventsConfig(**options))
            await store.open()
            stack.push_async_callback(store.close)
            return store

        yield open_store


@pytest.fixture
async def store(
    open_store: Callable[..., Awaitable[SQLAlchemyEventStore]],
) -> SQLAlchemyEventStore:
    return await open_store()


@pytest.fixture
async def proxy(place: Place) -> AsyncIterator[Proxy]:
    async with Proxy(place.url).running() as proxy:
        yield proxy


@pytest.fixture
def start(place: Place) -> Callable[..., Awaitable[Process]]:
    """Starts an `appender.py`; what it takes behind the URL and the table is given."""

    async def start(*arguments: object) -> Process:
        appender = Path(__file__).with_name("appender.py")
        words = map(str, (appender, place.url, place.table("interlock_events"), *arguments))
        return await asyncio.create_subprocess_exec(
            sys.executable, *words, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )

    return start


@pytest.fixture
def events() -> Callable[..., Sequence[StoredEvent]]:
    def events(
        aggregate_id: UUID, versions: Sequence[int], name: str = "Account", payload: bytes = b"{}"
    ) -> Sequence[StoredEvent]:
        return [
            StoredEvent(
                name,
                aggregate_id,
                version,
                uuid4(),
                "MoneyDeposited",
                1,
                _START + timedelta(microseconds=version),
                b'{"command_id":"c"}',
                payload,
            )
            for version in versions
        ]

    return events
