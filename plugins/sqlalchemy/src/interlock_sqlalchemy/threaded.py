"""A database behind a synchronous driver, and the threads that call it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Table
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.expression import ClauseElement

from interlock.backends import BackendUnavailableError, ConfigurationError
from interlock_sqlalchemy.background import call_seconds
from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import (
    PAGE_BYTES,
    Lookup,
    Many,
    Page,
    Row,
    Statement,
    Step,
    Values,
    max_row_bytes,
    next_limit,
    page_of,
)
from interlock_sqlalchemy.file_pages import FilePages
from interlock_sqlalchemy.file_session import FileSession, FileSessionDialect

T = TypeVar("T")
_PageRead = Callable[[DBAPICursor, Statement, Values, int], Page]

_THREAD_ROWS = 1_000
_FIRST_THREAD_ROWS = 100
"""How many rows a thread reads of which none was seen yet: they may be large."""


class SynchronousDialect(FileSessionDialect, Protocol):
    """Differences between the databases with a synchronous driver."""

    version: str

    def is_busy(self, error: Exception) -> bool:
        """Whether the same call may succeed if it waits."""
        ...

    def refuse_rows(self, cursor: DBAPICursor, *, above: int | None) -> None:
        """Make reads of rows with more bytes fail on the cursor's connection; None allows any."""
        ...

    def is_too_large(self, error: Exception) -> bool:
        """Whether a read failed because of `refuse_rows`."""
        ...

    def upsert(self, table: Table) -> ClauseElement:
        """Insert a row of the table's columns, or replace the row with its primary key."""
        ...


class ThreadedDatabase:
    """Writes in one thread, reads on the loop's own while they are quick, else in another thread.

    Writes that wait at the same time are committed together.
    The threads are two so that no read waits for a lock or a commit. Each has its connection, and
    so has the loop's thread. Reads run in autocommit mode and fetch all they asked for: no
    transaction stays open, whatever becomes of whoever reads.

    Before each use it is seen whether the file is still the one that was opened, and after each
    commit again: one that was replaced is opened anew, by one of the threads.
    """

    insert_rows = 1
    round_trips = 0
    many = Many.ONE_BY_ONE
    is_serial = True
    ends_writes = True

    def __init__(self, dialect: SynchronousDialect, table: Table, config: SQLAlchemyConfig) -> None:
        self._dialect = dialect
        self._table = table
        self._create_schema = config.create_schema
        self._inline_rows = config.inline_rows
        self._seconds = call_seconds(config.timeout.total_seconds())
        self.first_rows = config.inline_rows or _FIRST_THREAD_ROWS
        self.where: object = dialect.name
        self._engine = dialect.engine()
        self._session: FileSession | None = None

    async def open(self) -> None:
        if self._session is not None and not self._session.loop.is_closed():
            raise ConfigurationError(
                f"{self._dialect.name} is open already; give each application a backend of its own"
            )
        self._session = FileSession(self._dialect, self._engine, self._table)
        try:
            await self._session.open(create=self._create_schema)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def version(self) -> str:
        return self._dialect.version

    def compile(self, clause: ClauseElement, *, rows: int = 1) -> Statement:
        return Statement(clause, self._engine.dialect, rows)

    def key(self, name: str) -> object:
        return name

    def name_of(self, value: object) -> str:
        return str(value)

    def upsert(self, table: Table) -> ClauseElement:
        return self._dialect.upsert(table)

    async def fetch(self, statement: Statement, values: Values) -> Sequence[Row]:
        read = partial(_rows, statement=statement, values=values)
        rows = self._read_on_loop(read) if self._inline_rows else None
        return await self._read_in_thread(read) if rows is None else rows

    def fetch_at_once(self, statement: Statement, values: Values) -> Sequence[Row]:
        connections = self._current_session().connections
        if not self._inline_rows or not connections.is_current():
            return ()
        try:
            return _rows(connections.loop_cursor, statement, values)
        except self._dialect.driver_error:
            return ()

    def contents(self, columns: Sequence[ColumnElement[Any]]) -> Sequence[ColumnElement[Any]]:
        # A read ends before what is too large.
        return columns

    async def fetch_both(
        self,
        first: tuple[Statement, Values],
        then: Callable[[Sequence[Row]], tuple[Statement, Values]],
        limit: int,
    ) -> tuple[Sequence[Row], Page]:
        def read(page: _PageRead, cursor: DBAPICursor) -> tuple[list[Row], Page]:
            found = _rows(cursor, *first)
            return found, page(cursor, *then(found), limit)

        both = self._read_on_loop(partial(read, self._small_page)) if self._inline_rows else None
        return await self._read_in_thread(partial(read, self._any_page)) if both is None else both

    def pages(
        self,
        statement: Statement,
        values: Values,
        after: object,
        first: Page | None = None,
    ) -> AsyncIterator[list[Row]]:
        on_loop = partial(self._page_on_loop, statement, values) if self._inline_rows else None
        in_thread = partial(self._pages_in_thread, statement, values)
        return FilePages(on_loop, in_thread, after, self.first_rows, first)

    async def wait_for_writes(self) -> None:
        """Nothing to wait for: a file's writes are made one after the other."""

    async def execute(
        self,
        steps: Sequence[Step | Lookup],
        *,
        repeatable: bool = False,  # noqa: ARG002 # a file's writers queue up: none deadlocks
    ) -> int:
        return await self._current_session().write(steps, self._seconds)

    async def _pages_in_thread(
        self, statement: Statement, values: Values, after: object, limit: int
    ) -> AsyncIterator[list[Row]]:
        ahead = self._page_in_thread(statement, {**values, "after": after}, limit)
        try:
            while True:
                page = await ahead
                if not page.limit:
                    if page.rows:
                        yield page.rows
                    return
                # While the caller is busy with this chunk, the thread reads the next.
                after = page.rows[-1][0]
                ahead = self._page_in_thread(statement, {**values, "after": after}, page.limit)
                yield page.rows
        finally:
            ahead.cancel()

    def _page_on_loop(
        self, statement: Statement, values: Values, after: object, limit: int
    ) -> Page | None:
        wanted = {**values, "after": after}
        return self._read_on_loop(lambda cursor: self._small_page(cursor, statement, wanted, limit))

    def _page_in_thread(
        self, statement: Statement, values: Values, limit: int
    ) -> "asyncio.Future[Page]":
        return self._read_in_thread(lambda cursor: self._any_page(cursor, statement, values, limit))

    def _small_page(
        self,
        cursor: DBAPICursor,
        statement: Statement,
        values: Values,
        limit: int,
        most: int | None = None,
    ) -> Page:
        """Raises the driver's error if a row is too large for a page of so many."""
        self._dialect.refuse_rows(cursor, above=max_row_bytes(limit))
        try:
            rows = _rows(cursor, statement, {**values, "limit": limit})
        finally:
            self._dialect.refuse_rows(cursor, above=None)
        return page_of(rows, limit, most or self._inline_rows)

    def _any_page(
        self, cursor: DBAPICursor, statement: Statement, values: Values, limit: int
    ) -> Page:
        try:
            return self._small_page(cursor, statement, values, limit, _THREAD_ROWS)
        except self._dialect.driver_error as error:
            if not self._dialect.is_too_large(error):
                raise
        rows: list[Row] = []
        left = PAGE_BYTES
        # The cursor of its own is closed halfway, and no transaction stays open.
        with closing(cursor.connection.cursor()) as each:
            each.execute(statement.text, statement.bind({**values, "limit": limit}))
            for row in each:
                left -= sum(map(sys.getsizeof, row))
                if rows and left < 0:
                    return Page(rows, next_limit(rows, _THREAD_ROWS))
                rows.append(row)
        return page_of(rows, limit, _THREAD_ROWS)

    def _read_on_loop(self, read: Callable[[DBAPICursor], T]) -> T | None:
        """Read on the loop's thread; None where that would have to wait."""
        connections = self._current_session().connections
        if not connections.is_current():
            return None
        try:
            return read(connections.loop_cursor)
        except self._dialect.driver_error as error:
            if self._dialect.is_busy(error) or self._dialect.is_too_large(error):
                return None
            raise self._dialect.unavailable(error, "read") from error

    def _read_in_thread(self, read: Callable[[DBAPICursor], T]) -> "asyncio.Future[T]":
        session = self._current_session()

        def work() -> T:
            while True:
                cursor = session.current().read_cursor
                try:
                    return read(cursor)
                except self._dialect.driver_error as error:
                    if not self._dialect.is_interrupted(error) or answer.cancelled():
                        raise self._dialect.unavailable(error, "read") from error

        def give_up(answer: "asyncio.Future[T]") -> None:
            # It may hit the job behind this one, which then reads again.
            if answer.cancelled() and session.reader.runs is answer:
                self._dialect.interrupt(session.connections.read_cursor)

        answer = session.reader.submit(work)
        answer.add_done_callback(give_up)
        return answer

    def _current_session(self) -> FileSession:
        if self._session is None:
            raise BackendUnavailableError(f"{self._dialect.name} isn't open", nothing_done=True)
        if self._session.loop is not asyncio.get_running_loop():
            raise ConfigurationError(
                f"{self._dialect.name} was opened by another event loop; build another backend "
                "for this one"
            )
        return self._session


def _rows(cursor: DBAPICursor, statement: Statement, values: Values) -> list[Row]:
    cursor.execute(statement.text, statement.bind(values))
    return cursor.fetchall()  # type: ignore[return-value] # DB-API: a sequence of sequences
