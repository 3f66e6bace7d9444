"""One session with a file, from open to close: two threads and their connections."""

import asyncio
from collections import deque
from collections.abc import Sequence
from threading import Event, Lock
from typing import Protocol

from sqlalchemy import Connection, Engine, Table

from interlock.backends import BackendUnavailableError, ConfigurationError
from interlock_sqlalchemy.commits import Commits, CommittingDialect, Write
from interlock_sqlalchemy.database import Lookup, Step
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
        self._commits = Commits(dialect)
        self._is_handing_over = False
        self._pending: deque[Write] = deque()  # in the order in which they were given
        self._watch: asyncio.TimerHandle | None = None
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
        self._hand_over()
        if self._watch is not None:
            self._watch.cancel()

        def last() -> None:
            has_read.wait()
            if hasattr(self, "connections"):  # it was opened
                for connections in (*self._former, self.connections):
                    connections.close()

        self.reader.stop(has_read.set)
        await asyncio.shield(self.writer.stop(last))

    def write(self, steps: Sequence[Step | Lookup], seconds: float) -> "asyncio.Future[int]":
        """Commit the steps within so many seconds; all that is given in a turn of the loop at once.

        Whoever cancels the future doesn't stop it.
        """
        if not self._is_handing_over:
            self.writer.check_is_open()
            self._is_handing_over = True
            self.loop.call_soon(self._hand_over)
        write = Write(steps, self.loop.create_future(), self.loop.time() + seconds)
        self._commits.enqueue(write)
        self._pending.append(write)
        if self._watch is None:
            self._watch = self.loop.call_at(write.deadline, self._give_up_late)
        return write.answer

    def _hand_over(self) -> None:
        if self._is_handing_over:
            self._is_handing_over = False
            done = self.writer.submit(lambda: self._commits.commit(self.current))
            done.add_done_callback(self._ended)

    def _ended(self, done: "asyncio.Future[Sequence[Write]]") -> None:
        for write in done.result():
            self._pending.remove(write)  # it is the first
            write.tell()

    def _give_up_late(self) -> None:
        """Interrupt what takes too long; what waits behind it isn't begun."""
        self._watch, now = None, self.loop.time()
        for write in self._pending:
            if write.deadline > now:
                self._watch = self.loop.call_at(write.deadline, self._give_up_late)
                break
            write.is_late = True
        if self._pending and self._pending[0].is_late:
            self._dialect.interrupt(self.connections.write_cursor)

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
