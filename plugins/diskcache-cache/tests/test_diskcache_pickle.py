"""Whoever can write to the file may plant pickles and paths; nothing runs, nothing is deleted."""
# ruff: noqa: ARG001, ASYNC240 # fixtures prepare what a test looks at; the files are small

import pickle
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import diskcache  # type: ignore[import-untyped] # it ships no types
import pytest

from interlock.backends import AggregateRecord, RecordUnusableError, Scope
from interlock_diskcache_cache.backend import DiskCacheAggregateCacheBackend
from interlock_diskcache_cache.disk import RecordDisk

Backend = DiskCacheAggregateCacheBackend
OpenBackend = Callable[..., Awaitable[Backend]]
Record = Callable[..., AggregateRecord]
Execute = Callable[..., list[tuple[object, ...]]]

SCOPE = Scope("default", 0, "Account", "r1")
KEY = SCOPE.key(uuid4())
OTHER = SCOPE.key(uuid4())


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self._mark), "w")


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "it-ran"


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    file = tmp_path / "victim"
    file.write_text("precious")
    return file


@pytest.fixture
async def planted(
    open_backend: OpenBackend, record: Record, execute: Execute, mark: Path, victim: Path
) -> Backend:
    """A cache with a pickled value under `KEY`, a pickled key, and rows that name files."""
    backend = await open_backend()
    await backend.put(KEY, record(KEY, 9))
    bomb = pickle.dumps(Bomb(mark))
    execute("update Cache set mode = 4, value = ?, store_time = 1", bomb)
    insert = "insert into Cache(key, raw, store_time, mode, filename, value) values (?,?,?,?,?,?)"
    execute(insert, bomb, 0, 2.0, 1, None, b"value")
    execute(insert, bomb, 1, 2.1, 4, None, bomb)
    in_file = victim.with_name("pickled")
    in_file.write_bytes(bomb)
    execute(insert, OTHER.text(), 1, 3.0, 4, str(in_file), None)
    execute(insert, "named", 1, 4.0, 2, str(victim), None)
    return backend


def test_the_pickles_are_live_for_diskcache_as_it_comes(
    planted: Backend, directory: Path, mark: Path, victim: Path, tmp_path: Path
) -> None:
    def copy(number: int) -> diskcache.Cache:
        return diskcache.Cache(shutil.copytree(directory, tmp_path / f"copy{number}"))

    def unpickled(read: Callable[[diskcache.Cache], Any], number: int) -> bool:
        with copy(number) as cache:
            read(cache).close()  # the bomb's value is the file that it made
        ran = mark.exists()
        mark.unlink(missing_ok=True)
        return ran

    assert unpickled(lambda cache: cache.get(KEY.text()), 1)
    assert unpickled(lambda cache: cache.get(OTHER.text()), 2)
    assert unpickled(lambda cache: list(cache)[1], 3)
    with copy(9) as cache:
        cache.delete("named")
    assert not victim.exists()


async def test_reading_runs_nothing(planted: Backend, mark: Path) -> None:
    for key in (KEY, OTHER):
        with pytest.raises(RecordUnusableError, match="another program's"):
            await planted.read(key)
    assert await planted.read_many([KEY, OTHER]) == {}
    assert not mark.exists()


async def test_putting_and_removing_run_nothing(
    planted: Backend, record: Record, mark: Path, victim: Path, execute: Execute
) -> None:
    await planted.remove(KEY, record(KEY, 9).stamp)
    await planted.put(KEY, record(KEY, 1))
    assert await planted.read(KEY) == record(KEY, 1)
    await planted.put(OTHER, record(OTHER, 1), supersedes=[record(OTHER, 9).stamp])
    assert await planted.read(OTHER) == record(OTHER, 1)
    execute("update Cache set filename = ?", str(victim))
    await planted.remove(KEY)
    await planted.put(OTHER, record(OTHER, 2))
    assert not mark.exists()
    assert victim.exists()


async def test_opening_runs_nothing(
    planted: Backend, open_backend: OpenBackend, execute: Execute, mark: Path
) -> None:
    execute("update Settings set value = ? where key = 'disk_pickle_protocol'", b"\x80\x04.")
    await (await open_backend()).close()
    assert not mark.exists()


async def test_eviction_runs_nothing_and_deletes_no_file(
    planted: Backend, open_backend: OpenBackend, record: Record, mark: Path, victim: Path
) -> None:
    small = await open_backend(size_limit="1MiB")
    for number in range(30):
        key = SCOPE.key(uuid4())
        await small.put(key, record(key, number + 1, payload=b"x" * 100_000))
    assert await small.read_many([KEY, OTHER]) == {}
    assert await small.read(OTHER) is None
    assert not mark.exists()
    assert victim.exists()


@pytest.mark.filterwarnings("ignore:.*file:UserWarning")  # what `check` says of planted rows
async def test_iterating_and_checking_run_nothing(
    planted: Backend, directory: Path, mark: Path
) -> None:
    with diskcache.Cache(directory, disk=RecordDisk) as cache:
        for use in (list, lambda c: list(reversed(c)), lambda c: list(c.iterkeys())):
            with pytest.raises(RecordUnusableError, match="key"):
                use(cache)
        for last in (True, False):
            with pytest.raises(RecordUnusableError):
                cache.peekitem(last=last)
        with pytest.raises(RecordUnusableError):
            cache.pop(KEY.text())
        cache.check()
        cache.clear()
    assert not mark.exists()


def test_nothing_is_written_but_bytes_under_text(directory: Path) -> None:
    with diskcache.Cache(directory, disk=RecordDisk) as cache:
        for key, value in ((1, b""), (b"key", b""), ("key", "text"), ("key", None), ("key", 7)):
            with pytest.raises(TypeError):
                cache.set(key, value)
        with pytest.raises(TypeError), (directory / "cache.db").open("rb") as file:
            cache.set("key", file, read=True)
        assert len(cache) == 0


@pytest.mark.parametrize("name", ["_disk", "get", "disk_remove", "sqlite_temp_store; drop"])
async def test_settings_that_are_not_ours_are_refused(
    planted: Backend, open_backend: OpenBackend, execute: Execute, name: str
) -> None:
    execute("insert into Settings values (?, 'planted')", name)
    with pytest.raises(Exception, match="another program's"):
        await open_backend()


async def test_every_connection_distrusts_the_schema(planted: Backend) -> None:
    def pragma(cache: diskcache.Cache) -> object:
        return cache._sql("PRAGMA trusted_schema").fetchone()

    assert await planted._client.read(pragma) == (0,)
    assert await planted._client.write(pragma) == (0,)
