import re
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from interlock.backends import EventRow, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

ID = uuid4()


@pytest.fixture
async def traced(
    store: SQLAlchemyEventStore, events: Events, opened: list[sqlite3.Connection]
) -> list[str]:
    """What the driver runs from now on, values filled in. The stream has three events."""
    statements: list[str] = []
    await store.append(events(ID, [1, 2, 3]), after=None)
    for connection in opened[1:]:
        connection.set_trace_callback(statements.append)
    return statements


def verbs(statements: Sequence[str]) -> list[str]:
    return [statement.split()[0] for statement in statements]


async def test_an_append_is_one_statement_in_a_transaction(
    store: SQLAlchemyEventStore, events: Events, traced: list[str]
) -> None:
    await store.append(events(ID, [4]), after=await store.head("Account", ID))
    await store.append(events(uuid4(), [1]), after=None)
    assert verbs(traced) == ["SELECT", *["BEGIN", "INSERT", "COMMIT"] * 2]


async def test_a_read_and_a_head_are_one_statement_and_a_deletion_looks_whether_it_may(
    store: SQLAlchemyEventStore, traced: list[str]
) -> None:
    assert [rows async for rows in store.read("Account", ID)]
    assert await store.head("Account", ID)
    assert await store.delete("Account", ID) == 3
    assert verbs(traced) == ["SELECT", "SELECT", "BEGIN", "DELETE", "SELECT", "COMMIT"]


async def test_every_statement_searches_by_the_primary_key(
    store: SQLAlchemyEventStore, events: Events, traced: list[str], file: Path
) -> None:
    head = await store.head("Account", ID)
    assert [rows async for rows in store.read("Account", ID, first=2)]
    await store.append(events(ID, [4]), after=head)
    await store.append(events(uuid4(), [1]), after=None)
    await store.delete("Account", ID, below=2)
    statements = [s for s in traced if s.split()[0] not in ("BEGIN", "COMMIT")]
    assert len(statements) == 6
    with closing(sqlite3.connect(file)) as other:
        for statement in statements:
            plan = [row[3] for row in other.execute(f"explain query plan {statement}")]
            searches = [step for step in plan if "interlock_events" in step or "mark" in step]
            assert searches, plan
            for step in searches:
                assert re.match("SEARCH (interlock_events|mark) USING PRIMARY KEY", step), plan
                assert "aggregate_id=?" in step, plan
            assert not [step for step in plan if "TEMP B-TREE" in step], plan


async def test_rows_come_in_the_order_of_event_row(
    store: SQLAlchemyEventStore, traced: list[str]
) -> None:
    assert [rows async for rows in store.read("Account", ID)]
    columns = traced[0].partition("FROM")[0].removeprefix("SELECT").split(",")
    assert [column.strip().partition(".")[2] for column in columns] == list(EventRow._fields)


async def test_the_table_has_the_name_it_is_given(
    open_store: OpenStore, events: Events, file: Path
) -> None:
    store = await open_store(table="order")
    await store.append(events(ID, [1]), after=None)
    with closing(sqlite3.connect(file)) as other:
        assert other.execute('select count(*) from "order"').fetchone() == (1,)
