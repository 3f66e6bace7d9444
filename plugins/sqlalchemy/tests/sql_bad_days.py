"""What the shared suite does to a store: its lock is another's, its disk fails."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

from sql_locks import locked
from sql_rig import Place

_CURSORS = ("write_cursor", "read_cursor", "loop_cursor")


class BadDays:
    """The hooks of a test class that has a place and a table."""

    place: Place
    table: str

    @asynccontextmanager
    async def hold(self, _: object) -> AsyncIterator[None]:
        if self.place.kind != "sqlite":
            async with locked(self.place, self.table):
                yield
            return
        with closing(sqlite3.connect(self.place.path, isolation_level=None)) as other:
            other.execute("begin immediate")
            yield

    @asynccontextmanager
    async def break_(self, store: Any) -> AsyncIterator[None]:  # Any: its database is private
        if self.place.kind != "sqlite":
            await self.place.run(f"alter table AT.{self.table} rename to {self._moved()}")
            yield
            await self.place.run(f"alter table {self._moved('AT.')} rename to {self._home()}")
            return
        connections = store._database._session.connections
        cursors = [getattr(connections, name) for name in _CURSORS]
        for name, cursor in zip(_CURSORS, cursors, strict=True):
            setattr(connections, name, FailingCursor(cursor))
        yield
        for name, cursor in zip(_CURSORS, cursors, strict=True):
            setattr(connections, name, cursor)

    def _moved(self, prefix: str = "") -> str:
        # PostgreSQL takes a name without a schema, MariaDB moves to another database without one.
        return f"{prefix if self.place.is_postgresql else 'AT.'}{self.table}_moved"

    def _home(self) -> str:
        return f"{'' if self.place.is_postgresql else 'AT.'}{self.table}"


class FailingCursor:
    """A cursor on a disk that fails: its reads do, and its commits once they were made."""

    def __init__(self, cursor: Any) -> None:  # Any: DB-API's
        self._cursor = cursor

    def __getattr__(self, name: str) -> Any:  # Any: as above
        return getattr(self._cursor, name)

    def execute(self, statement: str, *values: Any) -> Any:  # Any: as above
        if statement.lstrip().upper().startswith("SELECT"):
            raise _failure()
        done = self._cursor.execute(statement, *values)
        if statement == "COMMIT":
            raise _failure()
        return done


def _failure() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    error.sqlite_errorname = "SQLITE_IOERR"
    return error
