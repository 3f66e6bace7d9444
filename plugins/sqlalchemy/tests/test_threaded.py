import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Table, bindparam, insert, make_url, select

from interlock.backends import BackendUnavailableError
from interlock_sqlalchemy import file_pages
from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import Database, RefusedError, Statement, Step
from interlock_sqlalchemy.dialects import SQLite

Connect = Callable[..., Database]


def reading(database: Database, table: Table) -> Statement:
    return database.compile(
        select(table.c.number, table.c.content)
        .where(table.c.name == bindparam("name"), table.c.number > bindparam("after"))
        .order_by(table.c.number)
        .limit(bindparam("limit"))
    )


def inserting(database: Database, table: Table) -> Statement:
    return database.compile(insert(table))


def things(numbers: range, content: bytes = b"c") -> list[dict[str, object]]:
    return [{"name": "a", "number": number, "content": content} for number in numbers]


@pytest.fixture(params=[500, 7, 0], ids=["inline", "inline in chunks", "never inline"])
async def database(request: pytest.FixtureRequest, connected: Connect) -> AsyncIterator[Database]:
    database = connected(create_schema=True, inline_rows=request.param, busy_timeout=0.05)
    await database.open()
    yield database
    await database.close()


async def test_pages_hold_every_row_once_in_order(database: Database, table: Table) -> None:
    await database.execute([Step(inserting(database, table), things(range(1, 3001)))])
    for after, count in ((0, 3000), (2993, 7), (2000, 1000), (3000, 0)):
        pages = [p async for p in database.pages(reading(database, table), {"name": "a"}, after)]
        assert [row[0] for page in pages for row in page] == list(range(after + 1, 3001))
        assert all(pages), count


async def test_pages_left_halfway_hold_no_transaction(
    database: Database, table: Table, file: Path
) -> None:
    await database.execute([Step(inserting(database, table), things(range(3000)))])
    pages = database.pages(reading(database, table), {"name": "a"}, -1)
    await anext(pages)
    del pages
    await database.fetch(reading(database, table), {"name": "a", "after": 0, "limit": 1})
    with closing(sqlite3.connect(file)) as other:
        # Not busy, and all of the log was written back and dropped.
        assert other.execute("pragma wal_checkpoint(truncate)").fetchone() == (0, 0, 0)


async def test_chunks_of_large_rows_are_short(connected: Connect, table: Table) -> None:
    for inline_rows in (8, 0):
        database = connected(create_schema=True, inline_rows=inline_rows)
        await database.open()
        if inline_rows:
            rows = things(range(130), bytes(1 << 18))
            await database.execute([Step(inserting(database, table), rows)])
        sizes = [len(p) async for p in database.pages(reading(database, table), {"name": "a"}, -1)]
        assert sum(sizes) == 130
        assert sizes[0] == (inline_rows or 63)  # 16 MiB
        assert max(sizes[1:]) == 3
        await database.close()


async def test_a_quick_read_stays_on_the_loops_thread(
    connected: Connect, table: Table, opened: list[sqlite3.Connection]
) -> None:
    database = connected(create_schema=True, inline_rows=5)
    await database.open()
    await database.execute([Step(inserting(database, table), things(range(20)))])
    hopped: list[str] = []
    opened[2].set_trace_callback(hopped.append)
    assert [p async for p in database.pages(reading(database, table), {"name": "a"}, -1)]
    assert hopped == []
    await database.close()


async def test_a_slow_read_goes_on_in_the_thread(
    connected: Connect,
    table: Table,
    opened: list[sqlite3.Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(file_pages, "_SLOW", -1.0)
    database = connected(create_schema=True, inline_rows=5)
    await database.open()
    await database.execute([Step(inserting(database, table), things(range(20)))])
    hopped: list[int] = []
    opened[2].set_trace_callback(lambda _: hopped.append(threading.get_ident()))
    pages = [p async for p in database.pages(reading(database, table), {"name": "a"}, -1)]
    assert [len(page) for page in pages] == [5, 5, 10]
    assert len(hopped) == 2
    assert threading.get_ident() not in hopped
    await database.close()


async def test_a_read_that_finds_a_lock_waits_for_it_in_the_thread(
    connected: Connect, table: Table, file: Path, opened: list[sqlite3.Connection]
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        # A file that isn't in WAL mode, and may only be read, is one whose readers meet locks.
        other.execute(
            "create table things (name text not null, number integer not null,"
            " content blob not null, primary key (name, number))"
        )
        other.execute("insert into things values ('a', 1, x'63')")
        database = connected(url=f"sqlite:///file:{file}?mode=ro&uri=true")
        await database.open()
        other.execute("begin exclusive")
        hopped: list[str] = []
        opened[2].set_trace_callback(hopped.append)
        assert opened[3].execute("pragma busy_timeout").fetchone() == (0,)
        waiting = asyncio.ensure_future(
            database.fetch(reading(database, table), {"name": "a", "after": 0, "limit": 9})
        )
        await asyncio.sleep(0)
        assert not waiting.done()
        other.execute("commit")
        assert await waiting == [(1, b"c")]
        assert len(hopped) == 1
        await database.close()


async def test_a_guarded_step_that_stores_less_rolls_all_back(
    database: Database, table: Table
) -> None:
    await database.execute([Step(inserting(database, table), things(range(1)))])
    ignoring = database.compile(insert(table).prefix_with("OR IGNORE"))
    with pytest.raises(RefusedError):
        await database.execute(
            [
                Step(inserting(database, table), things(range(1, 2))),
                Step(ignoring, things(range(3)), guarded=True),
            ]
        )
    await database.execute([Step(inserting(database, table), things(range(5, 6)))])
    rows = await database.fetch(reading(database, table), {"name": "a", "after": -1, "limit": 9})
    assert [row[0] for row in rows] == [0, 5]


async def test_a_row_that_stands_refuses_the_whole_transaction(
    database: Database, table: Table
) -> None:
    await database.execute([Step(inserting(database, table), things(range(2, 3)))])
    with pytest.raises(RefusedError):
        await database.execute([Step(inserting(database, table), things(range(5)))])
    rows = await database.fetch(reading(database, table), {"name": "a", "after": -1, "limit": 9})
    assert [row[0] for row in rows] == [2]


async def test_another_constraint_is_no_conflict(
    database: Database, table: Table, file: Path
) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute(
            "create trigger no before insert on things begin select raise(abort, 'frozen'); end"
        )
    with pytest.raises(BackendUnavailableError, match="frozen") as caught:
        await database.execute([Step(inserting(database, table), things(range(1)))])
    assert caught.value.nothing_done


async def test_a_lock_held_too_long_is_told_and_passes(
    database: Database, table: Table, file: Path
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(BackendUnavailableError, match=r"can't write.*locked.*busy") as caught:
            await database.execute([Step(inserting(database, table), things(range(1)))])
    assert caught.value.nothing_done
    assert str(file) in str(caught.value)
    assert await database.execute([Step(inserting(database, table), things(range(1)))]) == 1


async def test_a_commit_that_fails_for_another_reason_counts_as_unknown_and_is_rolled_back(
    connected: Connect, table: Table, file: Path, opened: list[sqlite3.Connection]
) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("create table names (name text primary key)")
        other.execute("insert into names values ('b')")
        other.execute(
            "create table things (name text not null references names"
            " deferrable initially deferred, number integer not null, content blob not null,"
            " primary key (name, number))"
        )
        other.commit()
    database = connected()
    await database.open()
    opened[1].execute("pragma foreign_keys = on")
    with pytest.raises(BackendUnavailableError, match="FOREIGN KEY") as caught:
        await database.execute([Step(inserting(database, table), things(range(1)))])
    assert not caught.value.nothing_done
    known = {"name": "b", "number": 1, "content": b"c"}
    assert await database.execute([Step(inserting(database, table), [known])]) == 1
    await database.close()


async def test_a_write_handed_over_is_finished_though_its_caller_is_cancelled(
    database: Database, table: Table, file: Path
) -> None:
    handed = asyncio.ensure_future(
        database.execute([Step(inserting(database, table), things(range(9)))])
    )
    await asyncio.sleep(0)
    handed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handed
    await database.close()
    with closing(sqlite3.connect(file)) as other:
        assert other.execute("select count(*) from things").fetchone() == (9,)


async def test_a_closed_database_says_so(connected: Connect, table: Table) -> None:
    database = connected(create_schema=True)
    await database.open()
    await database.close()
    with pytest.raises(BackendUnavailableError, match="closed"):
        await database.fetch(reading(database, table), {"name": "a", "after": 0, "limit": 1})
    with pytest.raises(BackendUnavailableError, match="isn't open"):
        await database.execute([Step(inserting(database, table), things(range(1)))])


@pytest.mark.parametrize(
    ("code", "committing", "nothing_done"),
    [
        (sqlite3.SQLITE_IOERR_WRITE, False, True),
        (sqlite3.SQLITE_IOERR_FSYNC, True, False),
        (sqlite3.SQLITE_FULL, True, True),
        (sqlite3.SQLITE_BUSY, True, True),
    ],
)
def test_a_commit_that_met_the_disk_counts_as_unknown(
    file: Path, code: int, *, committing: bool, nothing_done: bool
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    url = f"sqlite:///{file}"
    dialect = SQLite(make_url(url), SQLAlchemyConfig(url=url, table="t"))
    assert dialect.unavailable(error, "write", committing=committing).nothing_done == nothing_done
