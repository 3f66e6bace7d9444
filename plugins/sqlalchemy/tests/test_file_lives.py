"""A file that is opened, used and closed, again and again."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Table, bindparam, event, insert, select, text
from sqlalchemy.pool import Pool

from interlock.backends import BackendUnavailableError, ConfigurationError
from interlock_sqlalchemy.database import Database, Step

Connect = Callable[..., Database]


def thing(number: int) -> dict[str, object]:
    return {"name": "a", "number": number, "content": b"c"}


def numbers(file: Path) -> list[int]:
    with closing(sqlite3.connect(file)) as other:
        return [row[0] for row in other.execute("select number from things order by number")]


@pytest.fixture
async def database(connected: Connect) -> Database:
    return connected(timeout=0.5, inline_rows=0)


def endless(database: Database) -> Step:
    """Counts for ever."""
    counting = text(
        "insert into things with recursive n(x) as (select 1 union all select x + 1 from n)"
        " select 'a', 1, x'' from n where x < 0"
    )
    return Step(database.compile(counting), [{}])


@pytest.mark.parametrize("inline_rows", [0, 500])
def test_each_of_a_hundred_loops_opens_uses_and_closes_it(
    connected: Connect, table: Table, file: Path, inline_rows: int
) -> None:
    database = connected(inline_rows=inline_rows)
    inserting = database.compile(insert(table))
    reading = database.compile(select(table.c.number).where(table.c.number == bindparam("n")))

    async def life(number: int) -> None:
        await database.open()
        async with asyncio.timeout(20):
            writes = (database.execute([Step(inserting, [thing(n)])]) for n in (number, -number))
            await asyncio.gather(*writes)
            assert list(await database.fetch(reading, {"n": number})) == [(number,)]
        await database.close()

    for number in range(1, 101):
        asyncio.run(life(number))
    assert len(numbers(file)) == 200


async def test_it_is_not_opened_twice(database: Database) -> None:
    await database.open()
    with pytest.raises(ConfigurationError, match=r"open already; give each application"):
        await database.open()
    await database.close()


async def test_another_loop_is_refused(database: Database, table: Table) -> None:
    await database.open()
    inserting = database.compile(insert(table))

    async def use() -> None:
        await database.execute([Step(inserting, [thing(1)])])

    with pytest.raises(ConfigurationError, match="opened by another event loop"):
        await asyncio.to_thread(lambda: asyncio.run(use()))
    await database.close()


async def test_a_write_that_takes_too_long_is_broken_off_and_nothing_of_it_is_done(
    database: Database, table: Table, file: Path
) -> None:
    await database.open()
    with pytest.raises(BackendUnavailableError, match=r"took (too long|longer than timeout)") as e:
        await database.execute([endless(database)])
    assert e.value.nothing_done
    await database.execute([Step(database.compile(insert(table)), [thing(2)])])
    await database.close()
    assert numbers(file) == [2]


async def test_a_write_behind_one_that_takes_too_long_is_made(
    database: Database, table: Table, file: Path
) -> None:
    await database.open()
    inserting = database.compile(insert(table))
    first = asyncio.ensure_future(database.execute([endless(database)]))
    await asyncio.sleep(0.3)
    second = asyncio.ensure_future(database.execute([Step(inserting, [thing(2)])]))
    with pytest.raises(BackendUnavailableError):
        await first
    assert await second == 1
    await database.close()
    assert numbers(file) == [2]


async def test_a_read_that_is_given_up_holds_up_no_other(database: Database, table: Table) -> None:
    await database.open()
    counting = text(
        "with recursive n(x) as (select 1 union all select x + 1 from n)"
        " select x from n where x < 0"
    )
    endless = asyncio.ensure_future(database.fetch(database.compile(counting), {}))
    reading = database.compile(select(table.c.number).where(table.c.number == bindparam("n")))
    waiting = asyncio.ensure_future(database.fetch(reading, {"n": 1}))
    await asyncio.sleep(0.1)
    endless.cancel()
    async with asyncio.timeout(20):
        assert list(await waiting) == []
    await database.close()


@pytest.fixture
def hung() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Set when a statement calls the function `disk`, and to be set to let it go on."""
    events = threading.Event(), threading.Event()

    def disk() -> None:
        events[0].set()
        events[1].wait(30)

    def note(connection: sqlite3.Connection, _: object) -> None:
        connection.create_function("disk", 0, disk)

    event.listen(Pool, "connect", note)
    yield events
    event.remove(Pool, "connect", note)


async def test_a_close_that_was_given_up_ends_by_itself_beside_the_next_life(
    connected: Connect, table: Table, file: Path, hung: tuple[threading.Event, threading.Event]
) -> None:
    database = connected()
    inserting = database.compile(insert(table))
    await database.open()
    with closing(sqlite3.connect(file)) as other:
        other.execute(
            "create trigger slow before insert on things when new.number = 1"
            " begin select disk(); end"
        )
    write = asyncio.ensure_future(database.execute([Step(inserting, [thing(1)])]))
    await asyncio.to_thread(hung[0].wait, 30)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await database.close()
    await database.open()
    waiting = asyncio.ensure_future(database.execute([Step(inserting, [thing(2)])]))
    hung[1].set()
    assert await write == 1
    assert await waiting == 1
    await database.close()
    assert numbers(file) == [1, 2]
