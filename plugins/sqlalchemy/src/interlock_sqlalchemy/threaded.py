"""A database behind a synchronous driver: which thread runs what."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.expression import ClauseElement

from interlock_sqlalchemy.commits import Commits, CommittingDialect
from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import (
    Lookup,
    Many,
    Row,
    Statement,
    Step,
    Values,
    fitting,
)
from interlock_sqlalchemy.schema import ensure, missing
from interlock_sqlalchemy.worker import Worker

T = TypeVar("T")

_THREAD_ROWS = 1_000
_UNKNOWN_ROWS = 100
"""How many rows a thread reads of which none was seen yet: they may be large."""
_SLOW = 0.01
"""Seconds that a chunk may take on the loop's thread before the rest is left to another one."""


class SynchronousDialect(CommittingDialect, Protocol):
    """What differs between the databases that are called so."""

    name: str
    """What messages call the database: no password."""

    version: str

    def engine(self) -> Engine:
        """An engine in autocommit mode, without a pool."""
        ...

    def exists(self) -> bool:
        """Whether there is a database: connecting may make one."""
        ...

    def prepare(self, connection: Connection) -> None:
        """Do what the whole database needs before it is used."""
        ...

    def writer(self, cursor: DBAPICursor) -> None:
        """Set up the connection that writes."""
        ...

    def reader(self, cursor: DBAPICursor, *, waits: bool) -> None:
        """Set up a connection that reads; one that doesn't wait for locks fails at once."""
        ...

    def is_busy(self, error: Exception) -> bool:
        """Whether the same call may succeed if it waits."""
        ...

    def upsert(self, table: Table) -> ClauseElement:
        """See `Database.upsert`."""
        ...


class ThreadedDatabase:
    """Writes in one thread, reads on the loop's own while they are quick, else in another thread.

    Writes that wait at the same time are committed together.
    The threads are two so that no read waits for a lock or a commit. Each has its connection, and
    so has the loop's thread. Reads run in autocommit mode and fetch all they asked for: no
    transaction stays open, whatever becomes of whoever reads.
    """

    insert_rows = 1
    round_trips = 0
    many = Many.ONE_BY_ONE
    is_serial = True

    def __init__(self, dialect: SynchronousDialect, table: Table, config: SQLAlchemyConfig) -> None:
        self._dialect = dialect
        self._table = table
        self._create_schema = config.create_schema
        self._inline_rows = config.inline_rows
        self.first_rows = config.inline_rows or _UNKNOWN_ROWS
        self.where: object = dialect.name
        self._engine = dialect.engine()
        self._connections: list[tuple[PoolProxiedConnection, DBAPICursor]] = []
        self._writer = Worker(f"interlock writer of {dialect.name}")
        self._reader = Worker(f"interlock reader of {dialect.name}")
        self._commits = Commits(dialect)

    async def open(self) -> None:
        """See `Database.open`."""
        self._commits = Commits(self._dialect)
        self._writer.start()
        self._reader.start()
        try:
            await self._writer.submit(self._open)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """See `Database.close`."""
        await self._reader.stop(lambda: None)
        await self._writer.stop(self._close)

    async def version(self) -> str:
        """See `Database.version`."""
        return self._dialect.version

    def compile(self, clause: ClauseElement, *, rows: int = 1) -> Statement:
        """See `Database.compile`."""
        return Statement(clause, self._engine.dialect, rows)

    def key(self, name: str) -> object:
        """See `Database.key`."""
        return name

    def name_of(self, value: object) -> str:
        """See `Database.name_of`."""
        return str(value)

    def upsert(self, table: Table) -> ClauseElement:
        """See `Database.upsert`."""
        return self._dialect.upsert(table)

    async def fetch(self, statement: Statement, values: Values) -> Sequence[Row]:
        """See `Database.fetch`."""
        rows = self._fetch_here(statement, values) if self._inline_rows else None
        return await self._fetch_there(statement, values) if rows is None else rows

    async def fetch_both(
        self,
        first: tuple[Statement, Values],
        then: Callable[[Sequence[Row]], tuple[Statement, Values]],
    ) -> tuple[Sequence[Row], list[Row]]:
        """See `Database.fetch_both`."""

        def read(cursor: DBAPICursor) -> tuple[list[Row], list[Row]]:
            found = _rows(cursor, *first)
            statement, values = then(found)
            return found, _rows(cursor, statement, {**values, "limit": self.first_rows})

        both = self._read_here(read) if self._inline_rows else None
        return await self._read_there(read) if both is None else both

    async def pages(
        self,
        statement: Statement,
        values: Values,
        after: object,
        first: list[Row] | None = None,
    ) -> AsyncIterator[list[Row]]:
        """See `Database.pages`."""
        limit = self._inline_rows
        if first is not None:
            if first:
                yield first
            if len(first) < self.first_rows:
                return
            after = first[-1][0]
            limit = limit and fitting(first, limit)
        while limit:
            started = time.perf_counter()
            rows = self._fetch_here(statement, {**values, "after": after, "limit": limit})
            if rows is None:
                break
            slow = time.perf_counter() - started > _SLOW
            if rows:
                yield rows
            if len(rows) < limit:
                return
            after, limit = rows[-1][0], fitting(rows, self._inline_rows)
            if slow:
                break
            await asyncio.sleep(0)
        async for rows in self._pages_there(statement, values, after, limit or _UNKNOWN_ROWS):
            yield rows

    async def execute(
        self,
        steps: Sequence[Step | Lookup],
        *,
        repeatable: bool = False,  # noqa: ARG002 # a file's writers queue up: none deadlocks
    ) -> int:
        """See `Database.execute`."""
        write = self._commits.enlist(steps)
        return await asyncio.shield(self._writer.submit(lambda: write(self._write)))

    async def _pages_there(
        self, statement: Statement, values: Values, after: object, limit: int
    ) -> AsyncIterator[list[Row]]:
        ahead = self._fetch_there(statement, {**values, "after": after, "limit": limit})
        try:
            while rows := await ahead:
                if len(rows) < limit:
                    yield rows
                    return
                after, limit = rows[-1][0], fitting(rows, _THREAD_ROWS)
                # While the caller is busy with this chunk, the thread reads the next.
                ahead = self._fetch_there(statement, {**values, "after": after, "limit": limit})
                yield rows
        finally:
            ahead.cancel()

    def _fetch_here(self, statement: Statement, values: Values) -> list[Row] | None:
        return self._read_here(lambda cursor: _rows(cursor, statement, values))

    def _fetch_there(self, statement: Statement, values: Values) -> "asyncio.Future[list[Row]]":
        return self._read_there(lambda cursor: _rows(cursor, statement, values))

    def _read_here(self, read: Callable[[DBAPICursor], T]) -> T | None:
        try:
            return read(self._here)
        except self._dialect.driver_error as error:
            if self._dialect.is_busy(error):
                return None
            raise self._dialect.unavailable(error, "read") from error

    def _read_there(self, read: Callable[[DBAPICursor], T]) -> "asyncio.Future[T]":
        def work() -> T:
            try:
                return read(self._there)
            except self._dialect.driver_error as error:
                raise self._dialect.unavailable(error, "read") from error

        return self._reader.submit(work)

    def _open(self) -> None:
        dialect = self._dialect
        if not self._create_schema and not dialect.exists():
            ddl = str(CreateTable(self._table).compile(self._engine)).strip()
            raise missing(self._table, dialect.name, ddl)
        try:
            with self._engine.connect() as connection:
                dialect.prepare(connection)
                ensure(connection, self._table, dialect.name, create=self._create_schema)
            self._write = self._cursor(dialect.writer)
            self._there = self._cursor(lambda cursor: dialect.reader(cursor, waits=True))
            self._here = self._cursor(lambda cursor: dialect.reader(cursor, waits=False))
        except DBAPIError as error:
            raise dialect.unavailable(error.orig, "open") from error
        except dialect.driver_error as error:
            raise dialect.unavailable(error, "open") from error

    def _cursor(self, set_up: Callable[[DBAPICursor], None]) -> DBAPICursor:
        connection = self._engine.raw_connection()
        cursor = connection.cursor()
        self._connections.append((connection, cursor))
        set_up(cursor)
        return cursor

    def _close(self) -> None:
        # The writer, which is the first, is closed last: that folds SQLite's log into its file.
        while self._connections:
            connection, cursor = self._connections.pop()
            with suppress(self._dialect.driver_error):  # the others are closed all the same
                cursor.close()  # its statement would keep the connection from closing
                connection.close()


def _rows(cursor: DBAPICursor, statement: Statement, values: Values) -> list[Row]:
    cursor.execute(statement.text, statement.bind(values))
    return cursor.fetchall()  # type: ignore[return-value] # DB-API: a sequence of sequences
