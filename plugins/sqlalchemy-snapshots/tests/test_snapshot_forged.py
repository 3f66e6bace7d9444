"""Rows that somebody else wrote: each costs its own key, and stands in no true snapshot's way."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from interlock.backends import AggregateRecord, RecordUnusableError, Scope
from interlock_conformance.forging import FORGERIES, forged
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend

OpenBackend = Callable[..., Awaitable[SQLAlchemySnapshotBackend]]
Record = Callable[..., AggregateRecord]

SCOPE = Scope("default", 0, "Account", "r1")
KEY = SCOPE.key(uuid4())
NUMBERS: list[Any] = [7, -7, 2**63 - 1, 2**62, -(2**63), 1.5, 1e300, "text", b"text", b""]
COLUMNS: dict[str, list[Any]] = {
    "version": NUMBERS,
    "last_event_id": [b"", b"short", "text", 7],
    **dict.fromkeys(("last_event_at", "anchor_at", "verified_at", "taken_at"), NUMBERS),
    "codec": ["", "other", b"json", 7],
    "checksum": [b"", bytes(16), "text", 7],
    "payload": [b"", "text", 7, b"x" * 5_000_000],
    "details": [b"{", "text", 7],
}


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("column", COLUMNS)
async def test_a_column_of_another_program_costs_its_own_key(
    open_backend: OpenBackend, record: Record, file: Path, column: str
) -> None:
    backend = await open_backend(synchronous="OFF")
    good = {key: record(key, 5) for key in (SCOPE.key(uuid4()) for _ in range(20))}
    for key, each in good.items():
        await backend.put(key, each)
    for value in COLUMNS[column]:
        key = SCOPE.key(uuid4())
        await backend.put(key, record(key, 9))
        with closing(sqlite3.connect(file)) as other:
            statement = f"update interlock_snapshots set {column} = ? where aggregate_id = ?"  # noqa: S608 # ours
            other.execute(statement, (value, key.aggregate_id.bytes))
            other.commit()
        with suppress(RecordUnusableError):
            assert await backend.read(key) is None
        assert await backend.read_many([*good, key]) == good
        assert [each async for each in backend.ids(SCOPE)]
        put = record(key, 9)
        await backend.put(key, put)
        assert await backend.read(key) == put
        assert await backend.prune(SCOPE) == 0
    for key, each in good.items():
        assert await backend.read(key) == each


async def test_a_record_of_no_use_keeps_no_true_one_out(
    open_backend: OpenBackend, record: Record
) -> None:
    backend, other = await open_backend(keep=1), await open_backend(keep=1)
    await backend.put(KEY, forged(record(KEY, 9), FORGERIES["no fields"]))
    with pytest.raises(RecordUnusableError):
        await backend.read(KEY)
    await other.put(KEY, record(KEY, 4))
    assert await other.read(KEY, 8) is None, "who hasn't read it doesn't know"
    put = record(KEY, 5)
    await backend.put(KEY, put)
    assert await other.read(KEY) == put
    for version in (9, 10):
        put = record(KEY, version)
        await backend.put(KEY, put)
        assert await backend.read(KEY) == put
    assert await backend.read(KEY, 9) is None


async def test_a_true_record_that_replaced_one_of_no_use_stays(
    open_backend: OpenBackend, record: Record
) -> None:
    backend, other = await open_backend(keep=1), await open_backend(keep=1)
    await backend.put(KEY, forged(record(KEY, 9), FORGERIES["no fields"]))
    with pytest.raises(RecordUnusableError):
        await backend.read(KEY)
    true = record(KEY, 9, taken=60)
    await other.put(KEY, true)
    await backend.put(KEY, record(KEY, 5))
    assert await backend.read(KEY) == true
