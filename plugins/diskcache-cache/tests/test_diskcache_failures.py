"""Locks, full disks, damaged and deleted files."""
# ruff: noqa: ASYNC240 # the files are small

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import diskcache  # type: ignore[import-untyped] # it ships no types
import pytest

from interlock.backends import AggregateRecord, BackendUnavailableError, Scope
from interlock_diskcache_cache.backend import DiskCacheAggregateCacheBackend
from interlock_diskcache_cache.config import DiskCacheConfig

Backend = DiskCacheAggregateCacheBackend
OpenBackend = Callable[..., Awaitable[Backend]]
Record = Callable[..., AggregateRecord]
Execute = Callable[..., list[tuple[object, ...]]]

SCOPE = Scope("default", 0, "Account", "r1")
KEY = SCOPE.key(uuid4())


@pytest.fixture
def other(backend: Backend, directory: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection, to the database that a backend has made."""
    assert backend.required is False
    connection = sqlite3.connect(directory / "cache.db", isolation_level=None, timeout=0)
    with closing(connection):
        yield connection


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_reads_pass_a_writers_lock_on_the_loops_own_thread(
    backend: Backend, record: Record, other: sqlite3.Connection
) -> None:
    await backend.put(KEY, record(KEY, 1))
    other.execute("begin immediate")
    with pytest.raises(StopIteration) as stop:
        backend.read(KEY).send(None)  # done in its first step: it never waited
    assert stop.value.value == record(KEY, 1)
    assert await backend.read_many([KEY]) == {KEY: record(KEY, 1)}


async def test_a_put_waits_for_a_lock_and_the_loop_does_not(
    backend: Backend, record: Record, other: sqlite3.Connection
) -> None:
    other.execute("begin immediate")
    put = asyncio.create_task(backend.put(KEY, record(KEY, 1)))
    await turns()
    assert not put.done()
    assert await backend.read(KEY) is None
    other.execute("commit")
    await put
    assert await backend.read(KEY) == record(KEY, 1)


async def test_a_read_that_is_locked_out_goes_on_in_the_thread(backend: Backend) -> None:
    def work(_: diskcache.Cache) -> int:
        if threading.current_thread() is threading.main_thread():
            raise sqlite3.OperationalError("database is locked")
        return 7

    assert await backend._client.read(work) == 7


async def test_opening_waits_for_an_exclusive_lock_and_the_loop_does_not(
    backend: Backend, record: Record, other: sqlite3.Connection
) -> None:
    await backend.put(KEY, record(KEY, 1))
    await backend.close()  # an exclusive lock isn't to be had while anybody is connected
    other.execute("pragma locking_mode = exclusive")
    other.execute("begin immediate")
    reopened = asyncio.create_task(backend.open())
    await turns()
    assert not reopened.done()
    other.close()
    await reopened
    assert await backend.read(KEY) == record(KEY, 1)


async def test_a_lock_that_stays_makes_puts_unavailable_and_opening_too(
    open_backend: OpenBackend, record: Record, other: sqlite3.Connection, directory: Path
) -> None:
    backend = await open_backend(timeout=0.05)
    await backend.put(KEY, record(KEY, 1))
    other.execute("begin immediate")
    for call in (backend.put(KEY, record(KEY, 2)), backend.remove(KEY)):
        with pytest.raises(BackendUnavailableError, match=r"locked.*raise timeout"):
            await call
    late = Backend(DiskCacheConfig(directory=directory, timeout=0.05))
    with pytest.raises(BackendUnavailableError, match="locked"):
        await late.open()
    other.execute("rollback")
    await backend.put(KEY, record(KEY, 3))
    assert await late.read(KEY) == record(KEY, 3)
    await late.close()


async def test_who_waits_behind_a_lock_is_answered_at_its_own_deadline(
    open_backend: OpenBackend, record: Record, other: sqlite3.Connection
) -> None:
    backend = await open_backend(timeout=0.4)
    other.execute("begin immediate")
    puts = [backend.put(KEY, record(KEY, version)) for version in range(1, 200)]
    async with asyncio.timeout(20):  # one after the other they would take 40
        results = await asyncio.gather(*puts, return_exceptions=True)
    assert {type(result) for result in results} == {BackendUnavailableError}


async def test_eviction_leaves_the_lock_to_who_has_it_and_goes_on_later(
    open_backend: OpenBackend, record: Record, other: sqlite3.Connection, backend: Backend
) -> None:
    for _ in range(30):
        key = SCOPE.key(uuid4())
        await backend.put(key, record(key, 1, payload=b"x" * 50_000))
    small = await open_backend(size_limit="1MiB")
    executor = small._client._executor
    assert executor is not None
    other.execute("begin immediate")
    await asyncio.wrap_future(executor.submit(small._client._trim, executor))
    assert await volume(small) > 2**20
    other.execute("rollback")
    await small.put(KEY, record(KEY, 1))
    assert await volume(small) < 2**20


async def volume(backend: Backend) -> int:
    """The size, once the thread has done what it had to."""

    def look(cache: diskcache.Cache) -> int:
        size: int = cache.volume()
        return size

    return await backend._client._submit(look, is_write=False)


async def test_cancelled_puts_are_made_all_the_same(
    backend: Backend, record: Record, other: sqlite3.Connection
) -> None:
    keys = [KEY, SCOPE.key(uuid4())]  # the thread has the second yet to begin
    other.execute("begin immediate")
    puts = [asyncio.create_task(backend.put(key, record(key, 1))) for key in keys]
    await turns()
    for put in puts:
        put.cancel()
    await asyncio.gather(*puts, return_exceptions=True)
    assert all(put.cancelled() for put in puts)
    other.execute("commit")
    await backend.remove(SCOPE.key(uuid4()))  # the thread does one after the other
    assert await backend.read_many(keys) == {key: record(key, 1) for key in keys}


async def test_a_full_disk_fails_the_put_alone(
    backend: Backend, record: Record, other: sqlite3.Connection
) -> None:
    await backend.put(KEY, record(KEY, 1))

    def fill(cache: diskcache.Cache) -> None:
        cache._sql("PRAGMA max_page_count = 20")

    await backend._client._submit(fill, is_write=False)
    with pytest.raises(BackendUnavailableError, match=r"full.*free space"):
        await backend.put(KEY, record(KEY, 2, payload=b"x" * 200_000))
    assert await backend.read(KEY) == record(KEY, 1)
    other.execute("begin immediate")  # no lock was left behind
    other.execute("rollback")
    await backend.put(KEY, record(KEY, 2))
    assert await backend.read(KEY) == record(KEY, 2)


async def test_a_commit_that_fails_leaves_no_lock(
    backend: Backend, record: Record, other: sqlite3.Connection
) -> None:
    def trap(cache: diskcache.Cache) -> None:
        cache._sql("create temp table parent (id integer primary key)")
        cache._sql("create temp table child (id references parent deferrable initially deferred)")
        cache._sql("pragma foreign_keys = on")

    def violate(cache: diskcache.Cache) -> None:
        cache._sql("insert into child values (1)")

    await backend._client._submit(trap, is_write=False)
    with pytest.raises(BackendUnavailableError, match="FOREIGN KEY"):
        await backend._client.write(violate)
    other.execute("begin immediate")
    other.execute("rollback")
    await backend.put(KEY, record(KEY, 1))
    assert await backend.read(KEY) == record(KEY, 1)


async def test_a_database_that_became_read_only_says_so_at_once(
    backend: Backend, record: Record
) -> None:
    await backend.put(KEY, record(KEY, 1))

    def freeze(cache: diskcache.Cache) -> None:
        cache._sql("PRAGMA query_only = ON")

    await backend._client._submit(freeze, is_write=False)
    async with asyncio.timeout(20):  # the lock's wait would be 30
        with pytest.raises(BackendUnavailableError, match=r"readonly.*writable for this user"):
            await backend.put(KEY, record(KEY, 2))
    assert await backend.read(KEY) == record(KEY, 1)


@pytest.mark.parametrize("garbage", [b"garbage" * 1000, b"SQLite format 3\x00" + b"\xff" * 8000])
async def test_garbage_is_unavailable_says_what_to_do_and_is_left_until_deleted(
    directory: Path, record: Record, garbage: bytes
) -> None:
    directory.mkdir(mode=0o700)
    (directory / "cache.db").write_bytes(garbage)
    (directory / "cache.db").chmod(0o600)
    backend = Backend(DiskCacheConfig(directory=directory))
    with pytest.raises(BackendUnavailableError, match=r"not a database.*delete its directory"):
        await backend.open()
    for call in (backend.read(KEY), backend.put(KEY, record(KEY, 1)), backend.read_many([KEY])):
        with pytest.raises(BackendUnavailableError, match="not a database"):
            await call
    assert (directory / "cache.db").read_bytes() == garbage
    shutil.rmtree(directory)
    await backend.put(KEY, record(KEY, 1))
    assert await backend.read(KEY) == record(KEY, 1)
    await backend.close()


@pytest.mark.parametrize("size", [0, 100, 5000])
async def test_a_file_that_is_cut_under_us_crashes_nothing_and_heals_when_deleted(
    open_backend: OpenBackend, record: Record, directory: Path, size: int
) -> None:
    backend = await open_backend()
    for number in range(50):
        key = SCOPE.key(uuid4())
        await backend.put(key, record(key, number + 1, payload=b"x" * 9_000))
    await backend.put(KEY, record(KEY, 1))
    await backend.close()  # folds the log into the file
    backend = await open_backend()
    assert await backend.read(KEY) == record(KEY, 1)
    with (directory / "cache.db").open("r+b") as file:
        file.truncate(size)
    absent = [SCOPE.key(uuid4()) for _ in range(10)]
    for key in absent:
        try:
            assert await backend.read(key) is None
        except BackendUnavailableError:
            break
    shutil.rmtree(directory)
    await backend.put(KEY, record(KEY, 2))
    assert await backend.read(KEY) == record(KEY, 2)


async def test_a_directory_deleted_while_in_use_is_left_at_the_next_write(
    open_backend: OpenBackend, record: Record, directory: Path
) -> None:
    one = await open_backend()
    await one.put(KEY, record(KEY, 1))
    assert await one.read(KEY) is not None
    shutil.rmtree(directory)
    other = await open_backend()
    await one.put(KEY, record(KEY, 2))
    assert await other.read(KEY) == record(KEY, 2)
    await other.put(KEY, record(KEY, 3))
    assert await one.read(KEY) == record(KEY, 3)


async def test_a_missing_table_is_made_again(
    backend: Backend, record: Record, execute: Execute
) -> None:
    await backend.put(KEY, record(KEY, 1))
    execute("drop table Cache")
    for _ in range(2):
        try:
            assert await backend.read(KEY) is None
        except BackendUnavailableError as error:
            assert "no such table" in str(error)  # noqa: PT017 # the second read must not say so
    await backend.put(KEY, record(KEY, 2))
    assert await backend.read(KEY) == record(KEY, 2)


async def test_a_required_cache_that_cannot_be_opened_leaves_no_thread(directory: Path) -> None:
    directory.write_text("no directory")
    backend = Backend(DiskCacheConfig(directory=directory, required=True))
    assert backend.required
    with pytest.raises(BackendUnavailableError, match="File exists"):
        await backend.open()
    with pytest.raises(BackendUnavailableError, match="isn't open"):
        await backend.read(KEY)
