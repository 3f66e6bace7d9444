"""Opens a cache's database, and refuses another program's."""

import sqlite3
from contextlib import closing
from pathlib import Path

from diskcache import Cache  # type: ignore[import-untyped] # it ships no types
from diskcache.core import METADATA  # type: ignore[import-untyped] # as above

from interlock.backends import ConfigurationError, translated
from interlock_diskcache_cache.directory import prepare_directory
from interlock_diskcache_cache.disk import RecordDisk
from interlock_diskcache_cache.size import FileCache, soft_limit

START_ANEW = "stop the processes that use it and delete its directory; caches fill themselves"
"""Advice of messages about a damaged cache."""

_MARK = "interlock_format"
_SETTINGS = {
    _MARK: 1,
    # Under the other policies each read writes, and waits for the lock.
    "eviction_policy": "least-recently-stored",
    "statistics": 0,
    "tag_index": 0,
    "cull_limit": 2,  # entries that a put takes away, if it must: more than it brings
    "sqlite_auto_vacuum": 1,  # FULL: the size is the file's, so what was removed must leave it
    "sqlite_cache_size": 2**13,
    "sqlite_journal_mode": "wal",
    "sqlite_journal_size_limit": 2**26,
    "sqlite_mmap_size": 0,  # under a map a disk error kills the process (sqlite.org/mmap.html)
    "sqlite_synchronous": 1,  # NORMAL: when the power fails, the last puts may be lost
    "sqlite_trusted_schema": 0,
    "disk_min_file_size": 2**62,
    "disk_pickle_protocol": 0,
}


def open_cache(directory: Path, size_limit: int) -> Cache:
    """Open the directory's cache for this thread; it never waits for a lock.

    Raises `ConfigurationError`, `BackendUnavailableError`, `sqlite3.Error`.
    """
    file = directory / "cache.db"
    with translated(OSError, where="the cache needs a directory that this user can write to"):
        prepare_directory(file)
    _mark_as_ours(file)
    settings = {**_SETTINGS, "size_limit": soft_limit(size_limit)}
    return FileCache(str(directory), timeout=0, disk=RecordDisk, **settings)


def _mark_as_ours(file: Path) -> None:
    """Mark a new database as ours, in WAL mode; refuse one without the mark."""
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = FULL")  # heard only while there is no table
        connection.execute("BEGIN IMMEDIATE")
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not tables:
            connection.execute("CREATE TABLE Settings (key TEXT NOT NULL UNIQUE, value)")
            connection.execute("INSERT INTO Settings VALUES (?, 1)", (_MARK,))
        elif not _is_ours(connection):
            raise ConfigurationError(
                f"{file} is another program's; the cache needs a directory of its own"
            )
        connection.execute("COMMIT")
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise ConfigurationError(
                f"{file} can't be in WAL mode (it is in {mode!r}), which needs shared memory: name "
                "a directory on a local disk"
            )


def _is_ours(connection: sqlite3.Connection) -> bool:
    """Whether all settings are ours: diskcache sets each as an attribute."""
    try:
        found = {key for (key,) in connection.execute("SELECT key FROM Settings")}
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR:  # no such table
            return False
        raise
    return _MARK in found and found <= {*_SETTINGS, "size_limit", *METADATA}
