from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from interlock.backends import AggregateRecord, Scope
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from interlock_sqlalchemy_snapshots.config import SQLAlchemySnapshotsConfig
from interlock_sqlalchemy_snapshots.ddl import ddl
from sql_rig import Place
from sql_schema import Row, SchemaChecks

OpenBackend = Callable[..., Awaitable[SQLAlchemySnapshotBackend]]
Record = Callable[..., AggregateRecord]


class TestSchema(SchemaChecks):
    table = "interlock_snapshots"
    ddl = staticmethod(ddl)
    migrations = "interlock_sqlalchemy_snapshots:migrations"

    @pytest.fixture(autouse=True)
    def _made_of(self, record: Record) -> None:
        scope = Scope("default", 0, "Account", "r1")
        self.keys = [scope.key(UUID(int=number)) for number in range(9)]
        self.records = [record(key, 1) for key in self.keys]

    @pytest.fixture
    def opener(self, open_backend: OpenBackend) -> OpenBackend:
        return open_backend

    def row(self, place: Place, number: int) -> Row:
        backend = SQLAlchemySnapshotBackend(SQLAlchemySnapshotsConfig(url=place.url))
        return backend._keys.row(self.keys[number], self.records[number])

    async def is_found(self, backend: Any, number: int) -> bool:
        return bool(await backend.read(self.keys[number]) == self.records[number])
