"""How the backends in a file are tested: who else has the lock, and what fails of the disk."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from pydantic import TypeAdapter

from interlock.backends import Duration
from interlock_conformance.checks import Check
from interlock_conformance.outcomes import Result, make_check
from interlock_conformance.subject import Suite

_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


class FailingConnection:
    """A connection to a disk that fails: reads do, and commits once they were made."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:  # Any: sqlite3's
        """Run the statement, or fail as the disk does."""
        if statement.lstrip().startswith("SELECT") and not self._connection.in_transaction:
            raise sqlite3.OperationalError("disk I/O error")
        done = self._connection.execute(statement, values)
        if statement == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        return done


@asynccontextmanager
async def failing(store: Any) -> AsyncIterator[None]:  # Any: it has a `file`
    """The disk of the store fails."""
    sound = store.file.connection
    store.file.connection = FailingConnection(sound)
    yield
    store.file.connection = sound


def make_in_a_file(check: Check, module: ModuleType, base: type, name: str) -> Result:
    """Make the check of the module's backend."""
    with TemporaryDirectory(prefix="interlock-gallery-") as folder:
        path = str(Path(folder) / "backend.db")

        def make(suite: object, timeout: str | None = None) -> object:
            bound = _DURATION.validate_python("3s" if timeout is None else timeout)
            return getattr(module, name)(path, bound.total_seconds())

        @asynccontextmanager
        async def hold(suite: object, store: object) -> AsyncIterator[None]:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                yield

        members = {
            "backend": make,
            "hold": hold,
            "break_": lambda suite, store: failing(store),
            "capabilities": frozenset({"shared", "durable"}),
        }
        suite: type[Suite] = type("File", (base,), members)
        return make_check(check, suite())
