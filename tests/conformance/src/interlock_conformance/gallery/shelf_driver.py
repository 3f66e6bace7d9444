"""A file of tables, with the standard library's SQLite: what the shelf backends share."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from interlock.backends import BackendUnavailableError, ConfigurationError, translated

Values = Mapping[str, object]


class Shelf:
    """One file, opened and used by one thread."""

    def __init__(self, url: str, schema: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "shelf":
            raise ConfigurationError("the url isn't a shelf's, as in shelf:///path/to/file")
        self._path = parts.path
        self._schema = schema
        self._connection: sqlite3.Connection | None = None
        self.round_trips = 0

    def open(self) -> None:
        """Connect; create the tables."""
        with translated(sqlite3.Error, where="the shelf can't be used"):
            self._connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
            # Processes may be killed; that the power fails isn't tested.
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.executescript(self._schema)

    def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def fetch(self, statement: str, values: Values | Sequence[object]) -> list[tuple[object, ...]]:
        """All rows of a query."""
        return self._run(statement, values).fetchall()

    def change(self, statement: str, values: Values) -> int:
        """How many rows a statement changed."""
        return self._run(statement, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Changes in the block are made as a whole or not at all."""
        self._run("BEGIN IMMEDIATE", {})
        try:
            yield
        except BaseException:
            self._run("ROLLBACK", {})
            raise
        self._run("COMMIT", {})

    def _run(self, statement: str, values: Values | Sequence[object]) -> sqlite3.Cursor:
        if self._connection is None:
            raise BackendUnavailableError("the shelf is closed")
        self.round_trips += 1
        with translated(sqlite3.Error, where="the shelf can't be used"):
            return self._connection.execute(statement, values)
