"""Writes that wait at the same time are committed together, and each is still all or nothing."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Table, insert

from interlock.backends import BackendUnavailableError
from interlock_sqlalchemy.database import Database, RefusedError, Statement, Step
from interlock_sqlalchemy.worker import Worker

Connect = Callable[..., Database]
Outcome = int | BaseException


class Held:
    """A database whose writer is kept waiting until a group of writes has been handed over."""

    def __init__(self, database: Database, file: Path, writer: sqlite3.Connection) -> None:
        self.database = database
        self.file = file
        self.writer = writer
        self.statements: list[str] = []

    async def written(self, *writes: Sequence[Step]) -> list[Outcome]:
        """How the writes end that waited at the same time; a first one went before them."""
        begun = threading.Event()

        def note(statement: str) -> None:
            self.statements.append(statement)
            begun.set()

        with closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute("begin immediate")
            self.writer.set_trace_callback(note)
            first = asyncio.ensure_future(self.database.execute([]))
            assert await asyncio.to_thread(begun.wait, 10)
            handed = [asyncio.ensure_future(self.database.execute(write)) for write in writes]
            await asyncio.sleep(0)
            other.execute("commit")
        await first
        return await asyncio.gather(*handed, return_exceptions=True)

    def numbers(self) -> list[int]:
        with closing(sqlite3.connect(self.file)) as other:
            return [row[0] for row in other.execute("select number from things order by number")]


@pytest.fixture
async def held(
    request: pytest.FixtureRequest,
    connected: Connect,
    file: Path,
    opened: list[sqlite3.Connection],
) -> AsyncIterator[Held]:
    with closing(sqlite3.connect(file)) as other:
        other.executescript(
            "create table names (name text primary key); insert into names values ('a');"
            "create table things (name text not null references names deferrable initially"
            " deferred, number integer not null, content blob not null, primary key (name, number))"
            " without rowid;"
        )
    database = connected(busy_timeout=getattr(request, "param", 30), timeout=60)
    await database.open()
    opened[1].execute("pragma foreign_keys = on")
    yield Held(database, file, opened[1])
    await database.close()


@pytest.fixture
def inserting(held: Held, table: Table) -> Statement:
    return held.database.compile(insert(table))


def storing(statement: Statement, *numbers: int, name: str = "a") -> list[Step]:
    return [Step(statement, [{"name": name, "number": n, "content": b"c"}]) for n in numbers]


async def test_what_waits_is_one_commit(held: Held, inserting: Statement) -> None:
    writes = [storing(inserting, number, number + 100) for number in range(20)]
    assert await held.written(*writes) == [2] * 20
    assert held.statements.count("COMMIT") == 2
    assert len(held.numbers()) == 40


async def test_a_write_that_is_refused_is_rolled_back_alone(
    held: Held, inserting: Statement
) -> None:
    ends = await held.written(
        storing(inserting, 1), storing(inserting, 2, 1), storing(inserting, 3)
    )
    assert isinstance(ends[1], RefusedError)
    assert [ends[0], ends[2]] == [1, 1]
    assert held.numbers() == [1, 3]
    assert held.statements.count("COMMIT") == 2


async def test_a_guard_that_does_not_hold_refuses_its_own_write(
    held: Held, inserting: Statement, table: Table
) -> None:
    ignoring = held.database.compile(insert(table).prefix_with("OR IGNORE"))
    guarded = [Step(step.statement, step.rows, guarded=True) for step in storing(ignoring, 2, 1)]
    ends = await held.written(storing(inserting, 1), guarded, storing(inserting, 3))
    assert isinstance(ends[1], RefusedError)
    assert [ends[0], ends[2]] == [1, 1]
    assert held.numbers() == [1, 3]


async def test_a_write_that_fails_otherwise_fails_alone(held: Held, inserting: Statement) -> None:
    with closing(sqlite3.connect(held.file)) as other:
        other.execute(
            "create trigger no before insert on things when new.number = 2"
            " begin select raise(abort, 'frozen'); end"
        )
    ends = await held.written(*(storing(inserting, number) for number in (1, 2, 3)))
    assert isinstance(ends[1], BackendUnavailableError)
    assert ends[1].nothing_done
    assert [ends[0], ends[2]] == [1, 1]
    assert held.numbers() == [1, 3]


async def test_a_value_that_cannot_be_bound_fails_alone(held: Held, inserting: Statement) -> None:
    ends = await held.written(*(storing(inserting, number) for number in (1, 2**70, 3)))
    assert isinstance(ends[1], OverflowError)
    assert [ends[0], ends[2]] == [1, 1]
    assert held.numbers() == [1, 3]


async def test_a_commit_that_fails_is_unknown_to_all_that_were_in_it(
    held: Held, inserting: Statement
) -> None:
    unknown = storing(inserting, 1, name="b")
    ends = await held.written(storing(inserting, 3), unknown, unknown)
    for end in ends:
        assert isinstance(end, BackendUnavailableError), "it was decided by what doesn't stand"
        assert not end.nothing_done
    assert len({id(end) for end in ends}) == 3
    assert held.numbers() == []
    assert await held.database.execute(storing(inserting, 3)) == 1


@pytest.mark.parametrize("held", [0.05], indirect=True)
async def test_a_lock_that_stays_is_told_to_all_that_wait(held: Held, inserting: Statement) -> None:
    held.writer.set_trace_callback(held.statements.append)
    with closing(sqlite3.connect(held.file, isolation_level=None)) as other:
        other.execute("begin immediate")
        writes = (held.database.execute(storing(inserting, number)) for number in range(9))
        ends = await asyncio.gather(*writes, return_exceptions=True)
    for end in ends:
        assert isinstance(end, BackendUnavailableError)
        assert end.nothing_done
    assert held.statements.count("BEGIN IMMEDIATE") <= 2, "each waited for the lock by itself"


async def test_more_than_one_transaction_holds_are_several(
    held: Held, inserting: Statement
) -> None:
    assert await held.written(*(storing(inserting, number) for number in range(600))) == [1] * 600
    assert held.statements.count("COMMIT") == 4
    assert held.numbers() == list(range(600))


async def test_a_write_is_made_though_its_caller_is_cancelled(
    held: Held, inserting: Statement
) -> None:
    handed = [
        asyncio.ensure_future(held.database.execute(storing(inserting, number)))
        for number in range(5)
    ]
    await asyncio.sleep(0)
    for write in handed:
        write.cancel()
    await asyncio.wait(handed)
    await held.database.close()
    assert held.numbers() == list(range(5))


async def test_what_is_given_in_a_turn_of_the_loop_is_one_hop_and_one_transaction(
    held: Held, inserting: Statement, monkeypatch: pytest.MonkeyPatch
) -> None:
    hops, submit = [], Worker.submit

    def count(worker: Worker, work: Callable[[], object]) -> "asyncio.Future[object]":
        hops.append(work)
        return submit(worker, work)

    monkeypatch.setattr(Worker, "submit", count)
    held.writer.set_trace_callback(held.statements.append)
    ends = await asyncio.gather(
        *(held.database.execute(storing(inserting, number % 60)) for number in range(64)),
        return_exceptions=True,
    )
    assert ends[:60] == [1] * 60
    assert {type(end) for end in ends[60:]} == {RefusedError}
    assert len(hops) == 1
    words = {statement.split()[0] for statement in held.statements}
    assert words == {"BEGIN", "INSERT", "COMMIT"}
    assert held.statements.count("COMMIT") == 1
    assert held.numbers() == list(range(60))
