"""A SQLite file, and the one thread that uses it."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from interlock.backends import BackendUnavailableError, translated

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class Database:
    """Runs work on the file in a thread, so that no wait for a lock or a disk holds up the loop.

    `timeout` bounds the wait for another process's lock.
    """

    def __init__(self, file: Path, schema: str, *, timeout: timedelta) -> None:
        self.name = f"the database {file}"
        self._file = file
        self._schema = schema
        self._timeout = timeout.total_seconds()
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Make the table if it is missing. If that fails, each call tries again."""
        self._thread = ThreadPoolExecutor(1, "interlock-sqlite")
        await self.read(lambda _: None)

    async def close(self) -> None:
        """Close the file, after the work that was handed over."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._disconnect)
            thread.shutdown()

    async def read(self, work: Work[T]) -> T:
        """Run work that is a single query. Raises `BackendUnavailableError`."""
        return await self._run(lambda: work(self._connected()))

    async def write(self, work: Work[T]) -> T:
        """Run work as one transaction; no other process writes meanwhile. Raises as `read`."""
        return await self._run(lambda: self._transact(work))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            raise BackendUnavailableError(f"{self.name} isn't open", nothing_done=True)
        with translated(sqlite3.Error, where=self.name):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _transact(self, work: Work[T]) -> T:
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._file, timeout=self._timeout, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")  # readers wait for no writer
                connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk
                connection.execute(self._schema)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
