import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from interlock.backends import AggregateRecord, Scope
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend

Record = Callable[..., AggregateRecord]

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

ID = uuid4()
SCOPE = Scope("default", 0, "Account", "r1")


@pytest.fixture
def traced(backend: SQLAlchemySnapshotBackend, opened: list[sqlite3.Connection]) -> list[str]:
    """What the driver runs from now on, values filled in."""
    assert backend.timeout is not None
    statements: list[str] = []
    for connection in opened[1:]:
        connection.set_trace_callback(statements.append)
    return statements


def verbs(statements: Sequence[str]) -> list[str]:
    return [statement.split()[0] for statement in statements]


async def test_a_put_is_one_transaction(
    backend: SQLAlchemySnapshotBackend, record: Record, traced: list[str]
) -> None:
    key = SCOPE.key(ID)
    await backend.put(key, record(key, 1))
    assert verbs(traced) == ["BEGIN", "INSERT", "SELECT", "COMMIT"]
    traced.clear()
    await backend.put(key, record(key, 2), supersedes=[record(key, 1).stamp])
    assert verbs(traced) == ["BEGIN", "DELETE", "INSERT", "SELECT", "DELETE", "COMMIT"]


async def test_reads_are_one_statement_each(
    backend: SQLAlchemySnapshotBackend, traced: list[str]
) -> None:
    keys = [SCOPE.key(UUID(int=number)) for number in range(128)]
    await backend.read(keys[0])
    await backend.read(keys[0], 5)
    await backend.revisions(keys[0])
    await backend.read_many(keys)
    assert verbs(traced) == ["SELECT"] * 4


async def test_every_statement_searches_by_the_primary_key(
    backend: SQLAlchemySnapshotBackend, record: Record, traced: list[str], file: Path
) -> None:
    key = SCOPE.key(ID)
    put = record(key, 2)
    for taken in (record(key, 1), put):
        await backend.put(key, taken)
    await backend.read(key)
    await backend.read_many([key])
    await backend.revisions(key)
    assert [i async for i in backend.ids(SCOPE)] == [ID]
    await backend.prune(SCOPE)
    await backend.remove(key, put.stamp)
    await backend.forget(key)
    statements = [s for s in traced if s.split()[0] not in ("BEGIN", "COMMIT", "INSERT")]
    assert len(statements) == 11
    with closing(sqlite3.connect(file)) as other:
        for statement in statements:
            plan = [row[3] for row in other.execute(f"explain query plan {statement}")]
            tables = [step for step in plan if "interlock_snapshots" in step]
            assert tables, plan
            for step in tables:
                assert step.startswith("SEARCH interlock_snapshots"), plan
                assert "USING PRIMARY KEY (namespace=? AND aggregate_type=? AND agg" in step, plan
