"""The connections to a database file, and whether the file was replaced."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

from interlock.backends import BackendUnavailableError


class FileDialect(Protocol):
    """Differences between the databases that are files."""

    name: str
    """The database's name in messages, without a password."""

    driver_error: type[Exception]

    def engine(self) -> Engine:
        """Make an engine in autocommit mode, without a pool; it never creates the file."""
        ...

    def identity(self) -> object:
        """Identify the file at the path, so that a replaced one differs; None without a file."""
        ...

    def log_identity(self) -> object:
        """Identify the file's log of recent commits likewise; None without a log."""
        ...

    def set_up_writer(self, cursor: DBAPICursor) -> None:
        """Set up the connection that writes."""
        ...

    def set_up_reader(self, cursor: DBAPICursor, *, waits: bool) -> None:
        """Set up a connection that reads; one that doesn't wait for locks fails at once."""
        ...

    def checkpoint(self, cursor: DBAPICursor) -> None:
        """Write the log back into the connection's file, which was replaced at its path."""
        ...

    def interrupt(self, cursor: DBAPICursor) -> None:
        """Interrupt the statement that another thread runs on this connection, if any."""
        ...

    def unavailable(
        self, error: BaseException | str | None, doing: str, *, committing: bool = False
    ) -> BackendUnavailableError:
        """Make the error to raise for a driver's error, in a commit or before it."""
        ...


class FileConnections:
    """Three connections to one file: for the writer thread, the reader thread and the loop.

    They serve the file that stood there when they were made, and no other: whoever uses them asks
    `is_current` before. Raises `BackendUnavailableError`, and what `prepare` raises.
    """

    def __init__(
        self, dialect: FileDialect, engine: Engine, prepare: Callable[[Connection], None]
    ) -> None:
        self._dialect = dialect
        self._engine = engine
        self._opened: list[tuple[Any, DBAPICursor]] = []  # Any: a driver's connection; its cursor
        self._is_lost = False
        self._identity = dialect.identity()
        try:
            with engine.connect() as connection:
                prepare(connection)
            self.write_cursor = self._cursor(dialect.set_up_writer)
            self.read_cursor = self._cursor(
                lambda cursor: dialect.set_up_reader(cursor, waits=True)
            )
            self.loop_cursor = self._cursor(
                lambda cursor: dialect.set_up_reader(cursor, waits=False)
            )
            self._log = dialect.log_identity()
        except DBAPIError as error:
            self.close()
            raise dialect.unavailable(error.orig, "open") from error
        except dialect.driver_error as error:
            self.close()
            raise dialect.unavailable(error, "open") from error
        except BaseException:
            self.close()
            raise

    def is_current(self) -> bool:
        """Whether the path still has their file, with its log."""
        return self._dialect.identity() == self._identity and not self._is_lost

    def check_log(self) -> None:
        """Raise if the log was removed: others then miss the last commits."""
        if self._is_lost:
            raise self._lost(committing=False)

    def check_commit(self) -> None:
        """Raise unless the file at the path has the last commit."""
        if self._dialect.identity() != self._identity:
            raise self._dialect.unavailable(
                "the file was replaced while it was in use", "write", committing=True
            )
        if self._log is not None and self._dialect.log_identity() != self._log:
            self._is_lost = True
            raise self._lost(committing=True)

    def _lost(self, *, committing: bool) -> BackendUnavailableError:
        return self._dialect.unavailable(
            "its log was removed while it was in use; stop all that use the file, so that the last "
            "one to close it saves what it knows",
            "use",
            committing=committing,
        )

    def checkpoint_if_replaced(self) -> None:
        """Write the log back into their file if that was replaced or removed."""
        if self._opened and self._dialect.identity() != self._identity:
            with suppress(self._dialect.driver_error):  # others may be at it
                self._dialect.checkpoint(self._opened[0][1])

    def close(self) -> None:
        """Close the connections; SQLite keeps the log of a file that replaced theirs."""
        self.checkpoint_if_replaced()
        # The writer, which is the first, is closed last: that folds SQLite's log into its file.
        while self._opened:
            connection, cursor = self._opened.pop()
            with suppress(self._dialect.driver_error):  # the others are closed all the same
                cursor.close()  # its statement would keep the connection from closing
                connection.close()

    def _cursor(self, set_up: Callable[[DBAPICursor], None]) -> DBAPICursor:
        pooled = self._engine.raw_connection()
        connection = pooled.driver_connection
        pooled.detach()  # ours alone from here on
        cursor: DBAPICursor = connection.cursor()  # type: ignore[union-attr] # there is one
        self._opened.append((connection, cursor))
        set_up(cursor)
        return cursor
