"""One session with a file, from open to close: two threads and their connections."""

import asyncio
from threading import Event, Lock
from typing import Protocol

from sqlalchemy import Connection, Engine, Table

from interlock.backends import BackendUnavailableError, ConfigurationError
from interlock_sqlalchemy.commits import Commits, CommittingDialect
from interlock_sqlalchemy.file_connections import FileConnections, FileDialect
from interlock_sqlalchemy.schema import ddl_of, ensure_table, missing_table_error
from interlock_sqlalchemy.worker import Worker


class FileSessionDialect(CommittingDialect, FileDialect, Protocol):
    """The parts of the database that a session needs."""

    def exists(self) -> bool:
        """Whether there is a file, or this user may not see it."""
        ...

    def create(self) -> None:
        """Make the file, for this user alone, unless it is there."""
        ...

    def is_ours(self, connection: Connection) -> bool:
        """Whether the file holds nothing yet, or was made by `create`."""
        ...

    def is_refused(self, error: BaseException) -> bool:
        """Whether the error lasts until somebody changes permissions."""
        ...

    def prepare(self, connection: Connection) -> None:
        """Do what the whole database needs before it is used."""
        ...


class FileSession:
    """Serves the loop that runs when it is made; each `open` makes another."""

    connections: FileConnections

    def __init__(self, dialect: FileSessionDialect, engine: Engine, table: Table) -> None:
        self.loop = asyncio.get_running_loop()
        self.writer = Worker(f"interlock writer of {dialect.name}")
        self.reader = Worker(f"interlock reader of {dialect.name}")
        self.commits = Commits(dialect)
        self._dialect = dialect
        self._engine = engine
        self._table = table
        self._renewing = Lock()
        self._former: list[FileConnections] = []

    async def open(self, *, create: bool | None) -> None:
        """Connect, and `create` the table or not; None creates it in a file of our own."""
        self.connections = await self.writer.submit(lambda: self._open_first(create=create))

    async def close(self) -> None:
        """Close the connections when both threads have done what was submitted.

        Who stops waiting leaves that to the threads.
        """
        has_read = Event()

        def last() -> None:
            has_read.wait()
            if hasattr(self, "connections"):  # it was opened
                for connections in (*self._former, self.connections):
                    connections.close()

        self.reader.stop(has_read.set)
        await asyncio.shield(self.writer.stop(last))

    def current(self) -> FileConnections:
        """Get the connections to the file at the path; for the threads. Renewed if replaced."""
        with self._renewing:
            self.connections.check_log()
            if not self.connections.is_current():
                self.connections.checkpoint_if_replaced()
                connections = self._reopen()
                self._former.append(self.connections)  # another thread may be using them
                self.connections = connections
            return self.connections

    def _open_first(self, *, create: bool | None) -> FileConnections:
        name = self._dialect.name
        if not self._dialect.exists():
            if create is False:
                raise missing_table_error(
                    self._table, name, ddl_of(self._table, self._engine.dialect)
                )
            self._dialect.create()

        def prepare(connection: Connection) -> None:
            is_ours = create is not False and self._dialect.is_ours(connection)
            self._dialect.prepare(connection)
            self._ensure(connection, create=is_ours if create is None else create)

        return FileConnections(self._dialect, self._engine, prepare)

    def _ensure(self, connection: Connection, *, create: bool) -> None:
        ensure_table(
            connection,
            self._table,
            self._dialect.name,
            create=create,
            is_outage=lambda error: not self._dialect.is_refused(error),
        )

    def _reopen(self) -> FileConnections:
        """Open the file that replaced the last one; create none."""
        if self._dialect.identity() is None:
            raise self._dialect.unavailable("the file is gone; put it back", "use")

        def prepare(connection: Connection) -> None:
            self._dialect.prepare(connection)
            self._ensure(connection, create=False)

        try:
            return FileConnections(self._dialect, self._engine, prepare)
        except ConfigurationError as error:
            raise BackendUnavailableError(str(error), nothing_done=True) from error
