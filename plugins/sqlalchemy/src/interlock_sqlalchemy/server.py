"""A database behind a network: statements on the driver's own connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.metadata import version
from itertools import accumulate
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Integer, Table, bindparam, case, func, select
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.sql.expression import ClauseElement

from interlock.backends import (
    BackendUnavailableError,
    ConfigurationError,
    InterlockError,
    RecordTooLargeError,
)
from interlock_sqlalchemy.background import BackgroundCalls
from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import (
    Lookup,
    Page,
    RefusedError,
    Row,
    Statement,
    Step,
    Values,
    max_row_bytes,
    whole_page,
)
from interlock_sqlalchemy.drivers import Connection
from interlock_sqlalchemy.error_kinds import ErrorKind, NotPrimaryError, WrongAccessError
from interlock_sqlalchemy.pool import ServerDialect
from interlock_sqlalchemy.pool_client import PoolClient
from interlock_sqlalchemy.schema import ensure_table

_as_tuple = itemgetter(slice(None))  # of what slices to one
_FIRST_ROWS = 512
"""Enough for the event that a snapshot was taken at and 500 behind it, in one round trip."""
_MOST_ROWS = 2_000
_ATTEMPTS = 7
_WRITES_END_SECONDS = 5
_ROLLED_BACK = (ErrorKind.ABORTED, ErrorKind.STALE)
_REPEAT_READ_AFTER = (*_ROLLED_BACK, ErrorKind.LOST, ErrorKind.NOT_PRIMARY)
_OUTAGE_KINDS = (*_ROLLED_BACK, ErrorKind.LOST, ErrorKind.GIVEN_UP)


class ServerDatabase:
    """A `Database` behind a network.

    Each read is one statement in autocommit mode, repeated once on a fresh connection if its
    connection breaks. A write whose outcome isn't known is repeated only where its caller allows.
    """

    insert_rows = 32
    first_rows = _FIRST_ROWS
    is_serial = False
    ends_writes = False

    def __init__(
        self, dialect: ServerDialect, table: Table, config: SQLAlchemyConfig, *, needs_primary: bool
    ) -> None:
        self.many = dialect.many
        self.where: object = dialect.url
        self._dialect = dialect
        self._driver = dialect.driver
        self._table = table
        self._create_schema = config.create_schema is True
        self._client = PoolClient(dialect, config, needs_primary=needs_primary)
        self._seconds = config.timeout.total_seconds()
        self._background = BackgroundCalls(self._seconds)

    @property
    def round_trips(self) -> int:
        """How many statements were sent over this URL's pool, each a round trip."""
        return self._client.pool.round_trips

    async def open(self) -> None:
        self._client.open()
        try:
            await self._check()
        except (NotPrimaryError, WrongAccessError) as error:
            await self.close()
            raise ConfigurationError(str(error)) from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        try:
            await self._background.close()
        except asyncio.CancelledError:
            self._client.abort()
            raise
        await self._client.close()

    async def version(self) -> str:
        ((text,),) = await self.fetch(self.compile(select(func.version())), {})
        driver = self._driver.name
        return f"{self._dialect.version(str(text))}, {driver} {version(driver)}"

    def compile(self, clause: ClauseElement, *, rows: int = 1) -> Statement:
        return Statement(clause, self._dialect.dialect, rows)

    def upsert(self, table: Table) -> ClauseElement:
        return self._dialect.upsert(table)

    def key(self, name: str) -> object:
        return self._dialect.key(name)

    def name_of(self, value: object) -> str:
        return self._dialect.name_of(value)

    async def fetch(self, statement: Statement, values: Values) -> list[Row]:
        async def read(connection: Connection) -> list[Row]:
            return await self._fetch(connection, statement, values)

        return await self._client.call(read, "read", repeat_after=_REPEAT_READ_AFTER)

    def contents(self, columns: Sequence[ColumnElement[Any]]) -> Sequence[ColumnElement[Any]]:
        # A driver gives rows when it has read them all, so the server leaves out what is too large.
        # Each with those before it, so that together they are no larger either.
        sizes = accumulate(map(func.octet_length, columns))
        most = bindparam("largest", type_=Integer)
        return [
            case((size <= most, column)).label(column.name)
            for column, size in zip(columns, sizes, strict=True)
        ]

    async def fetch_both(
        self,
        first: tuple[Statement, Values],
        then: Callable[[Sequence[Row]], tuple[Statement, Values]],
        limit: int,
    ) -> tuple[Sequence[Row], Page]:
        found = await self.fetch(*first)
        statement, values = then(found)
        return found, await self._page(statement, values, limit)

    async def pages(
        self,
        statement: Statement,
        values: Values,
        after: object,
        first: Page | None = None,
    ) -> AsyncIterator[list[Row]]:
        page = first
        if page is None:
            page = await self._page(statement, {**values, "after": after}, self.first_rows)
        while page.limit:
            after = page.rows[-1][0] if page.rows else after
            # While the caller is busy with this chunk, the server reads the next. One that nobody
            # wants any more may finish: to break it off would cost its connection.
            ahead = self._background.start(
                self._page(statement, {**values, "after": after}, page.limit)
            )
            await asyncio.sleep(0)  # the task sends it now, not when this chunk was worked off
            if page.rows:
                yield page.rows
            page = await self._background.result(ahead, f"can't read {self._dialect.name}")
        if page.rows:
            yield page.rows

    def fetch_at_once(
        self,
        statement: Statement,  # noqa: ARG002 # a server is always waited for
        values: Values,  # noqa: ARG002 # as above
    ) -> Sequence[Row]:
        return ()

    async def execute(self, steps: Sequence[Step | Lookup], *, repeatable: bool = False) -> int:
        has_begun = False

        async def write(connection: Connection) -> int:
            nonlocal has_begun
            has_begun = True
            # In autocommit mode a single statement is a transaction.
            first = steps[0]
            if len(steps) == 1 and isinstance(first, Step) and len(first.rows) == 1:
                return await self._run(connection, first)
            return await self._transact(connection, steps)

        # What the server has undone may always be done again, also an append: it is guarded.
        repeat_after = (*_ROLLED_BACK, ErrorKind.LOST) if repeatable else _ROLLED_BACK
        task = self._background.start(
            self._client.call(write, "write", repeat_after=repeat_after, attempts=_ATTEMPTS)
        )
        what = f"can't write {self._dialect.name}"
        return await self._background.result(task, what, had_begun=lambda: has_begun)

    async def wait_for_writes(self) -> None:
        before, after = self._dialect.wait_for_writes(self._table, _WRITES_END_SECONDS)

        async def wait(connection: Connection) -> None:
            try:
                for text in before:
                    await self._send(connection, text)
            finally:
                for text in after:
                    await self._send(connection, text)

        await self._client.call(wait, "wait for the writes of")

    async def _transact(self, connection: Connection, steps: Sequence[Step | Lookup]) -> int:
        await self._send(connection, "BEGIN")
        try:
            changed = sum([await self._run(connection, step) for step in steps])
            await self._send(connection, "COMMIT")
        except Exception as error:
            is_ours = isinstance(error, (RefusedError, RecordTooLargeError))
            if is_ours or self._dialect.error_kind(error) is not ErrorKind.LOST:
                await self._send(connection, "ROLLBACK")
            raise
        return changed

    async def _run(self, connection: Connection, step: Step | Lookup) -> int:
        if isinstance(step, Lookup):
            found = await self._fetch(connection, step.statement, step.values)
            return sum([await self._run(connection, following) for following in step.then(found)])
        statement, changed = step.statement, 0
        for values in step.rows:
            changed += await self._send(connection, statement.text, statement.bind(values))
        if step.guarded and changed != step.wanted:
            raise RefusedError(f"{changed} of {step.wanted} rows stored")
        return changed

    async def _page(self, statement: Statement, values: Values, limit: int) -> Page:
        bound = {**values, "limit": limit, "largest": max_row_bytes(limit)}
        rows = list(map(_as_tuple, await self.fetch(statement, bound)))
        return whole_page(rows, limit, _MOST_ROWS)

    async def _fetch(
        self, connection: Connection, statement: Statement, values: Values
    ) -> list[Row]:
        self._client.pool.round_trips += 1
        return await self._driver.fetch(connection, statement.text, statement.bind(values))

    async def _send(self, connection: Connection, text: str, values: Row = ()) -> int:
        if not self._client.pool.dialect.fits(connection, text, values):
            raise RecordTooLargeError(
                f"{self._dialect.name} takes no statement of this size; raise the server's "
                "max_allowed_packet"
            )
        self._client.pool.round_trips += 1
        return await self._driver.run(connection, text, values)

    async def _check(self) -> None:
        await self._client.call(_nothing, "open")
        where = self._dialect.name

        def check(connection: SyncConnection) -> None:
            ensure_table(
                connection,
                self._table,
                where,
                create=self._create_schema,
                is_outage=lambda error: self._client.error_kind(error) in _OUTAGE_KINDS,
            )

        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.pool.engine.connect() as connection,
            ):
                raw = await connection.get_raw_connection()
                await self._client.check_own_session(raw.driver_connection)
                await connection.run_sync(check)
        except TimeoutError as error:
            raise BackendUnavailableError(
                f"can't open {where}: no answer within {self._seconds:g} s"
            ) from error
        except InterlockError:
            raise
        except Exception as error:
            raise self._client.translate(error, "open") from error


async def _nothing(_: Connection) -> None:
    """Do nothing with a connection: to get one was the point."""
