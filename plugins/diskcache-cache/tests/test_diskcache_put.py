# ruff: noqa: ASYNC240 # the directory is small
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from interlock.backends import (
    AggregateRecord,
    RecordKey,
    RecordTooLargeError,
    RecordUnusableError,
    Scope,
)
from interlock_diskcache_cache.backend import DiskCacheAggregateCacheBackend

Backend = DiskCacheAggregateCacheBackend
OpenBackend = Callable[..., Awaitable[Backend]]
Record = Callable[..., AggregateRecord]
Execute = Callable[..., list[tuple[object, ...]]]

SCOPE = Scope("default", 0, "Account", "r1")
KEY = SCOPE.key(uuid4())


async def test_what_was_put_is_read_in_this_and_another_instance(
    open_backend: OpenBackend, record: Record
) -> None:
    one, other = await open_backend(), await open_backend()
    assert await one.read(KEY) is None
    await one.put(KEY, record(KEY, 3, payload=b"\x00\xff{}"))
    assert await one.read(KEY) == record(KEY, 3, payload=b"\x00\xff{}")
    assert await other.read(KEY) == await one.read(KEY)


async def test_entries_survive_closing(open_backend: OpenBackend, record: Record) -> None:
    backend = await open_backend()
    await backend.put(KEY, record(KEY, 3))
    await backend.close()
    assert await (await open_backend()).read(KEY) == record(KEY, 3)


@pytest.mark.parametrize("size", [0, 1, 32_767, 32_768, 40_000, 3_000_000])
async def test_values_of_any_size_come_back_and_none_makes_a_file(
    backend: Backend, record: Record, size: int, directory: Path
) -> None:
    payload = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    await backend.put(KEY, record(KEY, 1, payload=payload))
    assert await backend.read(KEY) == record(KEY, 1, payload=payload)
    assert {file.name for file in directory.iterdir()} == {
        "cache.db",
        "cache.db-shm",
        "cache.db-wal",
    }


@pytest.mark.parametrize(
    ("found", "put", "kept"),
    [
        ({"version": 5}, {"version": 6}, "put"),
        ({"version": 6}, {"version": 5}, "found"),
        ({"version": 5, "event": 1}, {"version": 5, "event": 2}, "put"),
        ({"version": 5, "event": 1, "verified": 9}, {"version": 5, "event": 2}, "put"),
        ({"version": 5, "verified": 1}, {"version": 5, "verified": 2}, "put"),
        ({"version": 5, "verified": 2}, {"version": 5, "verified": 1}, "found"),
    ],
)
async def test_a_put_keeps_the_newer(
    backend: Backend, record: Record, found: dict[str, int], put: dict[str, int], kept: str
) -> None:
    records = {"found": record(KEY, **found), "put": record(KEY, **put)}
    await backend.put(KEY, records["found"])
    await backend.put(KEY, records["put"])
    assert await backend.read(KEY) == records[kept]


async def test_exactly_a_superseded_entry_gives_way_to_an_older(
    backend: Backend, record: Record
) -> None:
    false, other = record(KEY, 9, event=1), record(KEY, 9, event=2)
    await backend.put(KEY, false)
    await backend.put(KEY, record(KEY, 5), supersedes=[other.stamp])
    assert await backend.read(KEY) == false
    await backend.put(KEY, record(KEY, 5), supersedes=[other.stamp, false.stamp])
    assert await backend.read(KEY) == record(KEY, 5)


async def test_removal_compares_the_stamp(backend: Backend, record: Record) -> None:
    await backend.put(KEY, record(KEY, 5, event=1, verified=7))
    for stale in (record(KEY, 4, event=1), record(KEY, 5, event=2)):
        await backend.remove(KEY, stale.stamp)
        assert await backend.read(KEY) is not None
    await backend.remove(KEY, record(KEY, 5, event=1).stamp)
    assert await backend.read(KEY) is None
    await backend.put(KEY, record(KEY, 1))
    await backend.remove(KEY)
    await backend.remove(KEY)
    assert await backend.read(KEY) is None


@pytest.mark.parametrize(
    "assignment",
    [
        "value = x''",
        "value = substr(value, 1, 60)",
        "value = value || x'00'",
        "value = cast(replace(hex(value), '7B7D', '7B7B') as blob)",
        "value = 'text'",
        "value = cast(x'ff' as text)",
        "value = 7",
        "value = null",
        "mode = 2",
        "mode = 3, filename = '/etc/hostname'",
        "mode = 4",
        "mode = 'text'",
        "filename = 'aa/bb/cc.val'",
        "filename = cast(x'ff' as text)",
    ],
)
async def test_a_spoilt_entry_is_unusable_and_replaced_by_any_put(
    backend: Backend, record: Record, execute: Execute, assignment: str
) -> None:
    await backend.put(KEY, record(KEY, 9))
    execute(f"update Cache set {assignment}")  # noqa: S608 # ours
    with pytest.raises(RecordUnusableError):
        await backend.read(KEY)
    assert await backend.read_many([KEY]) == {}
    await backend.remove(KEY, record(KEY, 9).stamp)
    with pytest.raises(RecordUnusableError):
        await backend.read(KEY)
    if "filename = cast" not in assignment:  # there diskcache can't tell what it replaces
        await backend.put(KEY, record(KEY, 1))
        assert await backend.read(KEY) == record(KEY, 1)


@pytest.mark.parametrize(
    "other",
    [
        SCOPE.key(uuid4()),
        Scope("default", 0, "Account", "r2").key(KEY.aggregate_id),
        Scope("default", 0, "Ledger", "r1").key(KEY.aggregate_id),
        Scope("other", 0, "Account", "r1").key(KEY.aggregate_id),
        Scope("default", 1, "Account", "r1").key(KEY.aggregate_id),
    ],
)
async def test_another_aggregates_entry_is_unusable(
    backend: Backend, record: Record, execute: Execute, other: RecordKey
) -> None:
    await backend.put(other, record(other, 9))
    execute("update Cache set key = ?", KEY.text())
    with pytest.raises(RecordUnusableError, match="wanted one of"):
        await backend.read(KEY)
    await backend.put(KEY, record(KEY, 1))
    assert await backend.read(KEY) == record(KEY, 1)


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
async def test_many_are_read_at_once(backend: Backend, record: Record, count: int) -> None:
    keys = [SCOPE.key(UUID(int=number)) for number in range(count)]
    puts = {key: record(key, 1) for key in keys[::9]}
    for key, put in puts.items():
        await backend.put(key, put)
    assert await backend.read_many([*keys, *keys[:3]]) == puts


@pytest.mark.parametrize(
    "name", ["", "a b", "a\r\nset x", "a\x00b", "naïve 🏦", "%_*$HOME", "x" * 900]
)
async def test_hostile_namespaces_are_names(backend: Backend, record: Record, name: str) -> None:
    keys = [Scope(n, 0, "Account", "r1").key(KEY.aggregate_id) for n in (name, name + "\x00")]
    for version, key in enumerate(keys, 1):
        await backend.put(key, record(key, version))
    assert [record(key, version) for version, key in enumerate(keys, 1)] == list(
        (await backend.read_many(keys)).values()
    )


async def test_a_record_that_is_too_large_leaves_nothing_under_its_key(
    open_backend: OpenBackend, record: Record
) -> None:
    backend = await open_backend(size_limit="1MiB")
    fitting = record(KEY, 1, payload=b"x" * 104_000)
    await backend.put(KEY, fitting)
    assert await backend.read(KEY) == fitting
    with pytest.raises(RecordTooLargeError, match="size_limit"):
        await backend.put(KEY, record(KEY, 2, payload=b"x" * 105_000))
    assert await backend.read(KEY) is None
    await backend.put(KEY, fitting)
    assert await backend.read(KEY) == fitting
