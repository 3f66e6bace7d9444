from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from interlock.backends import StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from interlock_sqlalchemy_events.ddl import ddl
from sql_rig import Place
from sql_schema import Row, SchemaChecks

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]


class TestSchema(SchemaChecks):
    table = "interlock_events"
    ddl = staticmethod(ddl)
    migrations = "interlock_sqlalchemy_events:migrations"

    @pytest.fixture(autouse=True)
    def _made_of(self, events: Events) -> None:
        self.events = [events(UUID(int=number), [1])[0] for number in range(9)]

    @pytest.fixture
    def opener(self, open_store: OpenStore) -> OpenStore:
        return open_store

    def row(self, place: Place, number: int) -> Row:
        store, event = (
            SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=place.url)),
            self.events[number],
        )
        return store._stream(event.aggregate_type, event.aggregate_id) | event.row()._asdict()

    async def is_found(self, backend: Any, number: int) -> bool:
        event = self.events[number]
        chunks = backend.read(event.aggregate_type, event.aggregate_id)
        return [tuple(row) async for rows in chunks for row in rows] == [tuple(event.row())]
