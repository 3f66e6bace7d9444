# ruff: noqa: ASYNC240 # the files are small
import os
import sqlite3
import stat
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    ConfigurationError,
    Scope,
)
from interlock_diskcache_cache.backend import DiskCacheAggregateCacheBackend
from interlock_diskcache_cache.config import DiskCacheConfig
from interlock_diskcache_cache.directory import prepare_directory

Backend = DiskCacheAggregateCacheBackend
OpenBackend = Callable[..., Awaitable[Backend]]
Record = Callable[..., AggregateRecord]

KEY = Scope("default", 0, "Account", "r1").key(uuid4())
NOBODY = 65_534
is_root = os.geteuid() == 0


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write everywhere; so be somebody else."""
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


async def test_the_directory_and_its_files_are_private_whatever_the_umask(
    open_backend: OpenBackend, record: Record, directory: Path
) -> None:
    before = os.umask(0)
    try:
        backend = await open_backend()
        await backend.put(KEY, record(KEY, 1))
    finally:
        os.umask(before)
    assert mode(directory) == 0o700
    files = list(directory.iterdir())
    assert len(files) == 3
    assert {mode(file) for file in files} == {0o600}


@pytest.mark.parametrize("umask", [0, 0o022])
def test_the_directories_above_that_are_made_are_private_and_others_stay(
    directory: Path, umask: int
) -> None:
    directory.mkdir()
    directory.chmod(0o755)
    before = os.umask(umask)
    try:
        prepare_directory(directory / "a" / "b" / "cache.db")
    finally:
        os.umask(before)
    assert mode(directory) == 0o755
    assert {mode(directory / "a"), mode(directory / "a" / "b")} == {0o700}


@pytest.mark.parametrize("bits", [0o777, 0o1777, 0o770, 0o702])
async def test_a_directory_that_others_can_write_to_is_refused(
    open_backend: OpenBackend, directory: Path, bits: int
) -> None:
    directory.mkdir()
    directory.chmod(bits)
    with pytest.raises(ConfigurationError, match=f"{bits:04o}.*chmod go-w"):
        await open_backend()
    assert list(directory.iterdir()) == []
    assert mode(directory) == bits


async def test_a_directory_that_others_can_read_holds_private_files(
    open_backend: OpenBackend, directory: Path
) -> None:
    directory.mkdir()
    directory.chmod(0o755)
    await open_backend()
    assert {mode(file) for file in directory.iterdir()} == {0o600}


@pytest.mark.skipif(not is_root, reason="only root can give files away")
async def test_a_directory_or_file_of_another_user_is_refused(
    open_backend: OpenBackend, directory: Path
) -> None:
    directory.mkdir(mode=0o700)
    os.chown(directory, NOBODY, NOBODY)
    with pytest.raises(ConfigurationError, match=f"belongs to user {NOBODY}"):
        await open_backend()
    os.chown(directory, 0, 0)
    for name in ("cache.db", "cache.db-wal"):
        file = directory / name
        file.touch(mode=0o600)
        os.chown(file, NOBODY, NOBODY)
        with pytest.raises(ConfigurationError, match=f"{name} belongs .* delete it"):
            await open_backend()
        file.unlink()


async def test_a_file_that_others_can_write_to_is_refused(
    open_backend: OpenBackend, directory: Path
) -> None:
    await (await open_backend()).close()
    (directory / "cache.db").chmod(0o666)
    with pytest.raises(ConfigurationError, match=r"write to .*cache\.db"):
        await open_backend()


async def test_a_log_that_another_deletes_while_it_is_looked_at_is_no_fault(
    open_backend: OpenBackend, directory: Path
) -> None:
    await (await open_backend()).close()
    file, log = directory / "cache.db", directory / "cache.db-wal"
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            log.touch(0o600)
            log.unlink()

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        for _ in range(500):
            prepare_directory(file)
    finally:
        over.set()
        other.join()


async def test_a_read_only_directory_is_unavailable(open_backend: OpenBackend) -> None:
    with TemporaryDirectory() as scratch:
        parent = Path(scratch)
        parent.chmod(0o555)
        with ordinary_user(), pytest.raises(BackendUnavailableError, match="Permission denied"):
            await open_backend(directory=parent / "cache")
        parent.chmod(0o700)


async def test_a_file_where_the_directory_should_be_is_unavailable_until_it_goes(
    directory: Path, record: Record
) -> None:
    directory.write_text("no directory")
    backend = Backend(DiskCacheConfig(directory=directory))
    with pytest.raises(BackendUnavailableError, match="File exists"):
        await backend.open()
    with pytest.raises(BackendUnavailableError, match="File exists"):
        await backend.read(KEY)
    assert directory.read_text() == "no directory"
    directory.unlink()
    await backend.put(KEY, record(KEY, 1))
    assert await backend.read(KEY) == record(KEY, 1)
    await backend.close()


@pytest.mark.parametrize("table", ["Settings (key, value)", "Settings (name)", "Pages (url)"])
async def test_another_programs_database_is_refused_and_left_alone(
    open_backend: OpenBackend, directory: Path, table: str
) -> None:
    directory.mkdir(mode=0o700)
    file = directory / "cache.db"
    connection = sqlite3.connect(file)
    connection.execute(f"create table {table}")
    connection.close()
    file.chmod(0o600)
    before = file.read_bytes()
    with pytest.raises(ConfigurationError, match="directory of its own"):
        await open_backend()
    assert file.read_bytes() == before


async def test_a_file_system_without_shared_memory_is_refused(
    open_backend: OpenBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def without_shared_memory(file: Path, **options: Any) -> sqlite3.Connection:
        uri = f"file:{file}?vfs=unix-dotfile"
        connection: sqlite3.Connection = connect(uri, uri=True, **options)
        return connection

    monkeypatch.setattr(sqlite3, "connect", without_shared_memory)
    with pytest.raises(ConfigurationError, match="a directory on a local disk"):
        await open_backend()


async def test_nothing_is_made_before_opening(directory: Path) -> None:
    backend = Backend(DiskCacheConfig(directory=directory))
    assert not directory.exists()
    with pytest.raises(BackendUnavailableError, match="isn't open"):
        await backend.read(KEY)
    await backend.close()
    assert not directory.exists()
