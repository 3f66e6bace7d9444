"""What the connections of an opened file may do, and how durable they are."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import (
    Table,
    bindparam,
    func,
    insert,
    select,
)

from interlock_sqlalchemy.database import Database, RefusedError, Step

Connect = Callable[..., Database]


async def test_closing_leaves_the_file_alone_on_disk(
    connected: Connect, table: Table, file: Path
) -> None:
    thing = {"name": "a", "number": 1, "content": b"c"}
    database = connected(create_schema=True)
    await database.open()
    await database.execute([Step(database.compile(insert(table)), [thing])])
    count = select(func.count()).where(table.c.name == bindparam("name"))
    assert await database.fetch(database.compile(count), {"name": "a"}) == [(1,)]
    ignoring = database.compile(insert(table).prefix_with("OR IGNORE"))
    with pytest.raises(RefusedError):
        await database.execute([Step(ignoring, [thing], guarded=True)])
    await database.close()
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(("name", "value"), [("OFF", 0), ("NORMAL", 1), ("FULL", 2), ("EXTRA", 3)])
async def test_the_writer_is_as_durable_as_configured(
    connected: Connect, opened: list[sqlite3.Connection], name: str, value: int
) -> None:
    database = connected(create_schema=True, synchronous=name)
    await database.open()
    assert opened[1].execute("pragma synchronous").fetchone() == (value,)
    await database.close()


async def test_a_lock_is_waited_for_as_configured_but_never_by_the_loop(
    connected: Connect, opened: list[sqlite3.Connection]
) -> None:
    database = connected(create_schema=True, busy_timeout=0.05)
    await database.open()
    waits = [connection.execute("pragma busy_timeout").fetchone() for connection in opened[1:]]
    assert waits == [(50,), (50,), (0,)]
    await database.close()


async def test_connections_for_reading_cannot_write(
    connected: Connect, opened: list[sqlite3.Connection]
) -> None:
    database = connected(create_schema=True)
    await database.open()
    for connection in opened[2:]:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("insert into things values ('a', 1, x'')")
    await database.close()
