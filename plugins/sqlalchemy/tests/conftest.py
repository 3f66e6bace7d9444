"""A small table, and the connections that a database opens."""

from collections.abc import Callable, Iterator
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, event
from sqlalchemy.pool import Pool

from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import Database
from interlock_sqlalchemy.dialects import connect


@pytest.fixture
def table() -> Table:
    return Table(
        "things",
        MetaData(),
        Column("name", Text, primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("content", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "things.db"


@pytest.fixture
def connected(file: Path, table: Table) -> Callable[..., Database]:
    def connected(**options: Any) -> Database:
        options = {"url": f"sqlite:///{file}", "table": table.name, **options}
        return connect(SQLAlchemyConfig(**options), lambda _: table)[0]

    return connected


@pytest.fixture
def opened() -> Iterator[list[Connection]]:
    """The driver's connections: one to prepare, the writer's, the reader's, the loop's."""
    connections: list[Connection] = []

    def note(connection: Connection, _: object) -> None:
        connections.append(connection)

    event.listen(Pool, "connect", note)
    yield connections
    event.remove(Pool, "connect", note)
