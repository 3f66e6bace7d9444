"""Correct backends in a SQLite file that is used in a thread, for the bugs of locks and disks."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    ConcurrencyError,
    EventRow,
    RecordCacheBackend,
    RecordKey,
    RecordSnapshotBackend,
    Scope,
    Stamp,
    StoredEvent,
    replaces,
)

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, record BLOB);
CREATE TABLE IF NOT EXISTS events (
    stream TEXT, version INTEGER, event_id BLOB, type TEXT, schema_version INTEGER,
    recorded_at INTEGER, metadata BLOB, payload BLOB, PRIMARY KEY (stream, version));
"""
_PUT = "INSERT OR REPLACE INTO records VALUES (?, ?)"
_READ = "SELECT record FROM records WHERE key = ?"
_REMOVE = "DELETE FROM records WHERE key = ?"
_HEAD = "SELECT version, event_id FROM events WHERE stream = ? ORDER BY version DESC LIMIT 1"
_PAGE = """
SELECT version, event_id, type, schema_version, recorded_at, metadata, payload FROM events
WHERE stream = ? AND version BETWEEN ? AND ? ORDER BY version LIMIT 500
"""
_APPEND = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM events WHERE stream = ? AND version < ?"


class File:
    """One connection, used by one thread: there a statement waits for another's lock."""

    def __init__(self, path: str, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._thread: ThreadPoolExecutor | None = None
        self.connection: Any = None  # Any: what fails in its place is put here

    async def open(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        await self._in_thread(self._connect)

    async def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self.connection.close)
            thread.shutdown()

    async def rows(self, statement: str, *values: object) -> list[Any]:  # Any: of columns
        """Run a query; all its rows."""
        return await self._in_thread(lambda: self._fetch(statement, values))

    async def change(self, work: Callable[[], T]) -> T:
        """Do the work, which uses the connection, as one transaction."""
        return await self._in_thread(lambda: self._transact(work))

    def _connect(self) -> None:
        self.connection = sqlite3.connect(
            self._path, timeout=self._seconds, isolation_level=None, check_same_thread=False
        )
        self.connection.execute("PRAGMA synchronous = OFF")
        self.connection.executescript(_SCHEMA)

    def _fetch(self, statement: str, values: Sequence[object]) -> list[Any]:  # Any: as above
        try:
            found: list[Any] = self.connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise BackendUnavailableError(f"the file can't be read: {error}") from error
        return found

    def _transact(self, work: Callable[[], T]) -> T:
        is_committing = False
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            done = work()
            is_committing = True
            self.connection.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                self.connection.rollback()
            if isinstance(error, sqlite3.Error):
                message = f"the file can't be written: {error}"
                raise BackendUnavailableError(message, nothing_done=not is_committing) from error
            raise
        return done

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            raise BackendUnavailableError("it isn't open", nothing_done=True)
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, work))


class _InAFile:
    """What the three share."""

    timeout: timedelta | None = None

    def __init__(self, path: str, seconds: float) -> None:
        self.file = File(path, seconds)

    async def open(self) -> None:
        await self.file.open()

    async def close(self) -> None:
        await self.file.close()


class Events(_InAFile):
    """Keeps streams, see `interlock.backends.EventStore`."""

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        stream = _stream(events[0].aggregate_type, events[0].aggregate_id)

        def append() -> None:
            found = _head(self.file.connection.execute(_HEAD, (stream,)).fetchall())
            if found != after:
                raise ConcurrencyError(f"{stream}: the head is {found}, not {after}")
            rows = [(stream, *event.row()) for event in events]
            self.file.connection.executemany(_APPEND, rows)

        await self.file.change(append)

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        stream, bound = _stream(aggregate_type, aggregate_id), 2**62 if last is None else last
        while rows := await self.file.rows(_PAGE, stream, first, bound):
            yield rows
            first = rows[-1][0] + 1

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        return _head(await self.file.rows(_HEAD, _stream(aggregate_type, aggregate_id)))

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        values = _stream(aggregate_type, aggregate_id), 2**62 if below is None else below
        return await self.file.change(
            lambda: int(self.file.connection.execute(_DELETE, values).rowcount)
        )


class _Records(_InAFile):
    """The newest record of each key."""

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        def put() -> None:
            rows = self.file.connection.execute(_READ, (key.text(),)).fetchall()
            found = _record(key, rows)
            if replaces(found, record, supersedes):
                self.file.connection.execute(_PUT, (key.text(), record.to_bytes()))

        await self.file.change(put)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        def remove() -> None:
            rows = self.file.connection.execute(_READ, (key.text(),)).fetchall()
            found = _record(key, rows)
            if stamp is None or (found is not None and found.stamp == stamp):
                self.file.connection.execute(_REMOVE, (key.text(),))

        await self.file.change(remove)


class Cache(_Records, RecordCacheBackend):
    """Keeps records, see `interlock.backends.CacheStore`."""

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        return _record(key, await self.file.rows(_READ, key.text()))

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        found = {key: await self.read(key) for key in keys}
        return {key: record for key, record in found.items() if record is not None}


class Snapshots(_Records, RecordSnapshotBackend):
    """Keeps the newest record of each key, see `interlock.backends.SnapshotStore`."""

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        found = _record(key, await self.file.rows(_READ, key.text()))
        is_above = found is not None and at_or_below is not None and found.version > at_or_below
        return None if is_above else found

    async def revisions(self, key: RecordKey) -> Collection[str]:
        return [] if await self.read(key) is None else [key.revision]

    async def prune(self, scope: Scope) -> int:
        return 0


def _record(key: RecordKey, rows: Sequence[Any]) -> AggregateRecord | None:  # Any: of bytes
    return AggregateRecord.from_bytes(rows[0][0], key=key) if rows else None


def _head(rows: Sequence[Any]) -> tuple[int, UUID] | None:  # Any: of an int and bytes
    return (rows[0][0], UUID(bytes=rows[0][1])) if rows else None


def _stream(aggregate_type: str, aggregate_id: UUID) -> str:
    return f"{aggregate_id}:{aggregate_type}"
