"""Stores in one place, and events for them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from interlock.backends import StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_rig import Place, dropped, everywhere, made

_START = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.fixture(params=everywhere("sqlite", "postgresql", "mariadb"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


@pytest.fixture
def file(place: Place) -> Path:
    assert place.kind == "sqlite"
    return place.path


@pytest.fixture
def opened() -> Iterator[list[Connection]]:
    """The driver's connections: one to prepare, the writer's, the reader's, the loop's."""
    connections: list[Connection] = []

    def note(connection: Connection, _: object) -> None:
        connections.append(connection)

    event.listen(Pool, "connect", note)
    yield connections
    event.remove(Pool, "connect", note)


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
