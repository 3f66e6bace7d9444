"""Rows that another program wrote under our keys: each costs its own key, until the next put."""

import pickle
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from interlock.backends import AggregateRecord, RecordUnusableError, Scope
from interlock_conformance.forging import FORGERIES
from interlock_diskcache_cache.backend import DiskCacheAggregateCacheBackend

Backend = DiskCacheAggregateCacheBackend
Record = Callable[..., AggregateRecord]
Execute = Callable[..., list[tuple[object, ...]]]

SCOPE = Scope("default", 0, "Account", "r1")
KEY = SCOPE.key(uuid4())
COLUMNS: dict[str, list[Any]] = {
    "mode": [None, 0, 2, 4, 2**62, "1", b"1", 1.5],
    "filename": ["a/b", "/etc/hostname", b"a", 7],
    "value": [None, "", "text", 7, 1.5, b"", b"x" * 5_000_000, pickle.dumps({"a": 1})],
    "expire_time": ["never", b"", "", b"\xff", 0, -1, float("inf"), 2**62],
    "size": [None, "large", -1, 2**62],
    "store_time": [None, "then"],
    "access_time": [None, b"then"],
    "tag": ["tagged", b"\xff", 7],
}


@pytest.mark.parametrize("column", COLUMNS)
async def test_a_column_of_another_program_costs_its_own_key(
    backend: Backend, record: Record, execute: Execute, column: str
) -> None:
    good = {key: record(key, 5) for key in (SCOPE.key(uuid4()) for _ in range(20))}
    for key, each in good.items():
        await backend.put(key, each)
    for number, value in enumerate(COLUMNS[column]):
        await backend.remove(KEY)
        await backend.put(KEY, record(KEY, 9))
        execute(f"update Cache set {column} = ? where key = ?", value, KEY.text())  # noqa: S608 # ours
        try:
            found = await backend.read(KEY)
        except RecordUnusableError:
            found = None
        assert found in (None, record(KEY, 9))
        many = dict(await backend.read_many([*good, KEY]))
        assert many.pop(KEY, None) == found
        assert many == good
        put = record(KEY, 10 + number if found else 1)
        await backend.put(KEY, put)
        assert await backend.read_many([*good, KEY]) == {**good, KEY: put}


async def test_a_forged_record_costs_its_own_key(
    backend: Backend, record: Record, execute: Execute
) -> None:
    good = {key: record(key, 5) for key in (SCOPE.key(uuid4()) for _ in range(20))}
    for key, each in good.items():
        await backend.put(key, each)
    put = record(KEY, 1)
    for forgery in FORGERIES.values():
        blob = forgery(record(KEY, 9).to_bytes())
        await backend.put(KEY, put)
        execute("update Cache set value = ? where key = ?", blob, KEY.text())
        assert await backend.read_many([*good, KEY]) == good
        with pytest.raises(RecordUnusableError):
            await backend.read(KEY)
        await backend.put(KEY, put)
        assert await backend.read_many([KEY]) == {KEY: put}
