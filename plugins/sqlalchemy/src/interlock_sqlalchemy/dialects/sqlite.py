"""SQLite, by Python's own driver."""

import sqlite3
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL, Connection, Engine, NullPool, Table, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import ClauseElement

from interlock.backends import BackendUnavailableError, ConfigurationError
from interlock_sqlalchemy.config import SQLAlchemyConfig

_ADVICE = {
    sqlite3.SQLITE_BUSY: "another connection kept its lock; find it, or raise busy_timeout",
    sqlite3.SQLITE_LOCKED: "another connection kept its lock; find it",
    sqlite3.SQLITE_READONLY: "make the file and its directory writable for this user",
    sqlite3.SQLITE_FULL: "free space on its disk, or raise its limit (PRAGMA max_page_count)",
    sqlite3.SQLITE_CANTOPEN: "its directory must exist, and let this user open files",
    sqlite3.SQLITE_NOTADB: "the file is something else; name another one, or restore a backup",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a backup",
    sqlite3.SQLITE_IOERR: "look at its disk",
}
# A commit that failed for one of these was not made, whatever comes next.
_NOT_COMMITTED = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
_DUPLICATE = {sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE}


class SQLite:
    """SQLite 3.24 or later by Python's own driver, in WAL mode."""

    drivers = ("pysqlite",)
    version = f"SQLite {sqlite3.sqlite_version}"
    begin = "BEGIN IMMEDIATE"  # takes the write lock at once: to upgrade later may fail unwaited
    driver_error: type[Exception] = sqlite3.Error

    def __init__(self, url: URL, config: SQLAlchemyConfig) -> None:
        if url.host or url.port or url.username or url.password:
            raise ConfigurationError(
                "the url of a SQLite file names no server: sqlite:///relative.db, sqlite:////absolute.db"
            )
        self._url = url
        self._config = config
        self._path = _file(url)
        self.name = str(self._path)

    def engine(self) -> Engine:
        """See `SynchronousDialect.engine`."""
        return create_engine(
            self._url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": self._config.lock_timeout.total_seconds()},
        )

    def exists(self) -> bool:
        """See `SynchronousDialect.exists`."""
        return self._path.exists()

    def prepare(self, connection: Connection) -> None:
        """Bring the file into WAL mode, unless it may only be read."""
        deadline = time.monotonic() + self._config.lock_timeout.total_seconds()
        while True:
            try:
                mode = connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar_one()
            except DBAPIError as error:
                if _code(error.orig) == sqlite3.SQLITE_READONLY:
                    return
                # Several connections that do this to a new file at once don't wait for each other.
                if _code(error.orig) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                break
        if mode != "wal":
            raise ConfigurationError(
                f"{self.name} can't be in WAL mode (it is in {mode!r}), which needs shared memory: "
                "move it from the network to a local disk"
            )

    def writer(self, cursor: DBAPICursor) -> None:
        """See `SynchronousDialect.writer`."""
        cursor.execute(f"PRAGMA synchronous = {self._config.synchronous}")

    def reader(self, cursor: DBAPICursor, *, waits: bool) -> None:
        """See `SynchronousDialect.reader`."""
        cursor.execute("PRAGMA query_only = ON")
        if not waits:
            cursor.execute("PRAGMA busy_timeout = 0")

    def is_busy(self, error: Exception) -> bool:
        """See `SynchronousDialect.is_busy`."""
        return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

    def is_conflict(self, error: Exception) -> bool:
        """See `SynchronousDialect.is_conflict`."""
        return getattr(error, "sqlite_errorcode", 0) in _DUPLICATE

    def unavailable(
        self, error: BaseException | None, doing: str, *, committing: bool = False
    ) -> BackendUnavailableError:
        """See `SynchronousDialect.unavailable`."""
        code = _code(error)
        advice = _ADVICE.get(code)
        message = f"can't {doing} {self.name}: {error}" + (f"; {advice}" if advice else "")
        return BackendUnavailableError(
            message, nothing_done=not committing or code in _NOT_COMMITTED
        )

    def upsert(self, table: Table) -> ClauseElement:
        """See `Database.upsert`."""
        insert = sqlite.insert(table)
        key = [column.name for column in table.primary_key.columns]
        changed = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in key}
        return insert.on_conflict_do_update(index_elements=key, set_=changed)


def _file(url: URL) -> Path:
    name = url.database or ":memory:"
    if "uri" in url.query and name.startswith("file:"):
        name = unquote(urlsplit(name).path)
    if ":memory:" in name or not name or url.query.get("mode") == "memory":
        raise ConfigurationError(
            "a SQLite database in memory has one connection, and this backend needs several; "
            "name a file, or take a backend of memory: memory-events, memory-snapshots"
        )
    return Path(name).absolute()


def _code(error: BaseException | None) -> int:
    # The low byte is the primary code (sqlite.org/rescode.html).
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
