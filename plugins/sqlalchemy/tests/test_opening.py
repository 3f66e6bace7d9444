import asyncio
import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    event,
    insert,
)
from sqlalchemy.pool import Pool

from interlock.backends import BackendUnavailableError, ConfigurationError
from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import Database, Step
from interlock_sqlalchemy.dialects import connect

Connect = Callable[..., Database]

SHAPE = "create table things (name text not null, number integer not null, content {}, {})"
OPENER = """
import asyncio, sys
from sqlalchemy import Column, Integer, MetaData, Table
from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.dialects import connect

async def main():
    table = Table("things", MetaData(), Column("number", Integer, primary_key=True))
    config = SQLAlchemyConfig(url=sys.argv[1], table="things", create_schema=True)
    database, _ = connect(config, lambda _: table)
    sys.stdin.read(1)
    await database.open()
    await database.close()

asyncio.run(main())
"""


def run(file: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        return connection.execute(sql).fetchall()


async def test_a_missing_file_is_created_with_its_table_unless_that_is_forbidden(
    connected: Connect, file: Path
) -> None:
    with pytest.raises(ConfigurationError, match="create_schema = true") as caught:
        await connected(create_schema=False).open()
    assert str(file) in str(caught.value)
    assert "CREATE TABLE things" in str(caught.value)
    assert list(file.parent.iterdir()) == []
    for _ in range(2):
        database = connected()
        await database.open()
        await database.close()
    assert run(file, "select name from sqlite_master") == [("things",)]


async def test_a_file_made_here_gets_the_tables_of_all_backends_unasked(
    connected: Connect, file: Path
) -> None:
    other = Table("others", MetaData(), Column("number", Integer, primary_key=True))
    options = SQLAlchemyConfig(url=f"sqlite:///{file}", table="others")
    for database in (connected(), connect(options, lambda _: other)[0]):
        await database.open()
        await database.close()
    assert run(file, "select count(*) from sqlite_master where name in ('things', 'others')") == [
        (2,)
    ]


async def test_only_their_user_may_read_the_files_that_are_made(
    connected: Connect, table: Table, file: Path
) -> None:
    before = os.umask(0)
    try:
        database = connected()
        await database.open()
        thing = {"name": "a", "number": 1, "content": b"c"}
        await database.execute([Step(database.compile(insert(table)), [thing])])
        assert {found.name: found.stat().st_mode & 0o777 for found in file.parent.iterdir()} == {
            "things.db": 0o600,
            "things.db-wal": 0o600,
            "things.db-shm": 0o600,
        }
        await database.close()
    finally:
        os.umask(before)


async def test_a_url_that_forbids_to_make_the_file_is_heeded(
    connected: Connect, file: Path
) -> None:
    for mode in ("rw", "ro"):
        database = connected(url=f"sqlite:///file:{file}?mode={mode}&uri=true", create_schema=True)
        with pytest.raises(BackendUnavailableError, match="unable to open"):
            await database.open()
    assert list(file.parent.iterdir()) == []


async def test_a_missing_table_is_not_created_unasked(connected: Connect, file: Path) -> None:
    run(file, "create table others (a)")
    with pytest.raises(ConfigurationError, match=r"(?s)create_schema = true.*CREATE TABLE things"):
        await connected().open()
    assert run(file, "select name from sqlite_master") == [("others",)]


async def test_the_printed_ddl_makes_a_table_that_opens(connected: Connect, file: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await connected(create_schema=False).open()
    run(file, str(caught.value).partition("run:\n")[2])
    database = connected()
    await database.open()
    await database.close()


async def test_the_table_is_created_when_asked_and_found_again(
    connected: Connect, file: Path
) -> None:
    for create_schema in (True, True, False):
        database = connected(create_schema=create_schema)
        await database.open()
        await database.close()
    assert "WITHOUT ROWID" in str(run(file, "select sql from sqlite_master"))
    assert run(file, "pragma journal_mode") == [("wal",)]


@pytest.mark.parametrize(
    ("shape", "difference"),
    [
        (
            SHAPE.format("text not null", "primary key (name, number)"),
            "content is TEXT NOT NULL, w",
        ),
        (
            SHAPE.format("blob", "primary key (name, number)"),
            "content is BLOB, wanted BLOB NOT NULL",
        ),
        (SHAPE.format("blob not null", "primary key (number, name)"), "its primary key is"),
        (
            SHAPE.format("blob not null", "extra int, primary key (name, number)"),
            "extra is unknown",
        ),
        ("create table things (name text, primary key (name))", "column number is missing"),
        ("create view things as select 1 as name", "column content is missing"),
    ],
)
@pytest.mark.parametrize("create_schema", [True, False])
async def test_a_table_of_another_shape_is_refused_and_left_alone(
    connected: Connect, file: Path, shape: str, difference: str, *, create_schema: bool
) -> None:
    run(file, shape)
    with pytest.raises(ConfigurationError, match="another shape") as caught:
        await connected(create_schema=create_schema).open()
    assert difference in str(caught.value)
    assert run(file, "select sql from sqlite_master where sql is not null") == [
        (shape.replace("create table", "CREATE TABLE").replace("create view", "CREATE VIEW"),)
    ]


@pytest.fixture
def directory(file: Path) -> Path:
    file.mkdir()
    return file


async def test_a_directory_in_place_of_the_file_is_told(
    connected: Connect, directory: Path
) -> None:
    with pytest.raises(
        BackendUnavailableError, match=r"can't open .*directory must exist"
    ) as caught:
        await connected(create_schema=True).open()
    assert str(directory) in str(caught.value)


@pytest.fixture
def text(file: Path) -> Path:
    file.write_bytes(b"no database, this is text" * 100)
    return file


@pytest.mark.usefixtures("text")
async def test_something_else_in_place_of_the_file_is_told(connected: Connect) -> None:
    with pytest.raises(BackendUnavailableError, match="not a database; the file is something else"):
        await connected(create_schema=True).open()


async def test_a_locked_file_is_told(connected: Connect, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(BackendUnavailableError, match=r"locked.*raise busy_timeout"):
            await connected(create_schema=True, busy_timeout=0.05).open()


async def test_a_table_that_cannot_be_made_for_now_is_no_fault_of_the_configuration(
    connected: Connect, file: Path
) -> None:
    run(file, "pragma journal_mode = wal")
    run(file, "create table others (a)")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(BackendUnavailableError, match="locked"):
            await connected(create_schema=True, busy_timeout=0.05).open()
    database = connected(create_schema=True)
    await database.open()
    await database.close()


async def test_a_lock_that_fails_at_once_is_tried_again(
    connected: Connect, file: Path, request: pytest.FixtureRequest
) -> None:
    tries: list[str] = []
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("begin immediate")

        def trace(statement: str) -> None:
            if "application_id =" in statement:
                tries.append(statement)
            if len(tries) == 2:
                other.execute("commit")

        def impatient(connection: sqlite3.Connection, _: object) -> None:
            connection.execute("pragma busy_timeout = 0")
            connection.set_trace_callback(trace)

        event.listen(Pool, "connect", impatient)
        request.addfinalizer(lambda: event.remove(Pool, "connect", impatient))
        database = connected(create_schema=True)
        await database.open()
        await database.close()
    assert len(tries) == 2


async def test_a_failed_start_leaves_no_connection_open(
    connected: Connect, file: Path, opened: list[sqlite3.Connection]
) -> None:
    run(file, "create table things (a)")
    with pytest.raises(ConfigurationError):
        await connected().open()
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("select 1")
    for thread in threading.enumerate():
        if str(file) in thread.name:
            thread.join(10)
            assert not thread.is_alive()


async def test_processes_that_open_a_new_file_at_once_all_succeed(file: Path) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", OPENER, f"sqlite:///{file}", stdin=-1, stderr=-1
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"g")
    for process in processes:
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
