"""SQLite, by Python's own driver."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from sqlalchemy import URL, Connection, Engine, NullPool, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import ClauseElement

from interlock.backends import BackendUnavailableError, ConfigurationError
from interlock_sqlalchemy.config import SQLAlchemyConfig

T = TypeVar("T")

_APPLICATION_ID = 0x49_6C_6F_63  # "Iloc", in the header of the files that are made here
_PRIVATE = 0o600
# With these a file isn't what other processes see of it, or isn't kept from them.
_UNSAFE = {"immutable": "1", "nolock": "1", "cache": "shared", "vfs": "unix-none"}
_PRAGMAS = {"OFF": 0, "NORMAL": 1, "FULL": 2, "EXTRA": 3}

_ADVICE = {
    sqlite3.SQLITE_BUSY: "another connection kept its lock; find it, or raise busy_timeout",
    sqlite3.SQLITE_LOCKED: "another connection kept its lock; find it",
    sqlite3.SQLITE_READONLY: "make the file and its directory writable for this user",
    sqlite3.SQLITE_FULL: "free space on its disk, or raise its limit (PRAGMA max_page_count)",
    sqlite3.SQLITE_CANTOPEN: "its directory must exist, and let this user open files",
    sqlite3.SQLITE_NOTADB: "the file is something else; name another one, or restore a backup",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a backup",
    sqlite3.SQLITE_IOERR: "look at its disk",
    sqlite3.SQLITE_INTERRUPT: "it took longer than timeout; find out why, or raise it",
}
# A commit that failed for one of these was not made, whatever comes next.
_NOT_COMMITTED = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
_ANY_LENGTH = 2**31 - 1  # what SQLite was built with bounds it
_DUPLICATE = {sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE}


class SQLite:
    """SQLite 3.35 or later by Python's own driver, in WAL mode."""

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
        for name, value in _UNSAFE.items():
            if url.query.get(name) == value:
                raise ConfigurationError(
                    f"the url has {name}={value}, with which processes don't see each other's "
                    "commits or break them; leave it out"
                )

    def engine(self) -> Engine:
        engine = create_engine(
            self._url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": self._config.lock_timeout.total_seconds()},
        )
        event.listen(engine, "do_connect", _forbid_creation)
        return engine

    def exists(self) -> bool:
        try:
            return self._path.exists()
        except OSError:
            return True

    def create(self) -> None:
        # With another `mode` in the URL the file isn't to be made.
        if self._url.query.get("mode", "rwc") == "rwc":
            with suppress(OSError):  # SQLite says why, when it opens it
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, _PRIVATE))

    def is_ours(self, connection: Connection) -> bool:
        def ask() -> bool:
            if _scalar(connection, "PRAGMA application_id") == _APPLICATION_ID:
                return True
            if _scalar(connection, "SELECT count(*) FROM sqlite_master"):
                return False
            connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION_ID}")
            return True

        return bool(self._retry_while_busy(ask))

    def identity(self) -> object:
        # The device and inode.
        return _identity(self.name)

    def log_identity(self) -> object:
        return _identity(f"{self.name}-wal")

    def checkpoint(self, cursor: DBAPICursor) -> None:
        # Whoever opens the other file would take the log for its own.
        cursor.execute("PRAGMA busy_timeout = 0")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.fetchall()

    def interrupt(self, cursor: DBAPICursor) -> None:
        with suppress(sqlite3.ProgrammingError):  # it is closed
            cursor.connection.interrupt()

    def is_refused(self, error: BaseException) -> bool:
        original = error.orig if isinstance(error, DBAPIError) else error
        return _code(original) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH)

    def prepare(self, connection: Connection) -> None:
        """Bring the file into WAL mode, unless it may only be read."""
        mode = self._retry_while_busy(lambda: _scalar(connection, "PRAGMA journal_mode = WAL"))
        if mode is None:
            return
        if mode != "wal":
            raise ConfigurationError(
                f"{self.name} can't be in WAL mode (it is in {mode!r}), which needs shared memory: "
                "move it from the network to a local disk"
            )

    def set_up_writer(self, cursor: DBAPICursor) -> None:
        wanted = self._config.synchronous
        cursor.execute(f"PRAGMA synchronous = {wanted}")
        cursor.execute("PRAGMA synchronous")
        if cursor.fetchall() != [(_PRAGMAS[wanted],)]:
            raise ConfigurationError(f"{self.name} doesn't take synchronous = {wanted}")

    def set_up_reader(self, cursor: DBAPICursor, *, waits: bool) -> None:
        cursor.execute("PRAGMA query_only = ON")
        if not waits:
            cursor.execute("PRAGMA busy_timeout = 0")

    def is_interrupted(self, error: Exception) -> bool:
        return _code(error) == sqlite3.SQLITE_INTERRUPT

    def is_busy(self, error: Exception) -> bool:
        return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

    def refuse_rows(self, cursor: DBAPICursor, *, above: int | None) -> None:
        length = _ANY_LENGTH if above is None else above
        cursor.connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, length)

    def is_too_large(self, error: Exception) -> bool:
        return _code(error) == sqlite3.SQLITE_TOOBIG

    def is_conflict(self, error: Exception) -> bool:
        return getattr(error, "sqlite_errorcode", 0) in _DUPLICATE

    def unavailable(
        self, error: BaseException | str | None, doing: str, *, committing: bool = False
    ) -> BackendUnavailableError:
        code = _code(error)
        advice = _ADVICE.get(code)
        message = f"can't {doing} {self.name}: {error}" + (f"; {advice}" if advice else "")
        return BackendUnavailableError(
            message, nothing_done=not committing or code in _NOT_COMMITTED
        )

    def upsert(self, table: Table) -> ClauseElement:
        insert = sqlite.insert(table)
        key = [column.name for column in table.primary_key.columns]
        changed = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in key}
        return insert.on_conflict_do_update(index_elements=key, set_=changed)

    def _retry_while_busy(self, call: Callable[[], T]) -> T | None:
        """Repeat a call until the file isn't locked; None where the file is read-only.

        Several connections that change a new file's header at once don't wait for each other.
        """
        deadline = time.monotonic() + self._config.lock_timeout.total_seconds()
        while True:
            try:
                return call()
            except DBAPIError as error:
                if _code(error.orig) == sqlite3.SQLITE_READONLY:
                    return None
                if _code(error.orig) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


def _forbid_creation(_: object, __: object, arguments: list[Any], options: dict[str, Any]) -> None:
    """Have a connection open the file, never make one: SQLite's own way makes an empty one."""
    name, query = arguments[0], dict[str, str]()
    if options.get("uri") and name.startswith("file:"):
        parts = urlsplit(name)
        name, query = unquote(parts.path), dict(parse_qsl(parts.query))
    if query.get("mode", "rwc") == "rwc":
        query["mode"] = "rw"
    arguments[0] = f"file:{quote(str(Path(name).absolute()))}?{urlencode(query)}"
    options["uri"] = True


def _identity(path: str) -> object:
    try:
        found = os.stat(path)  # noqa: PTH116 # before each read: a Path costs as much again
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _scalar(connection: Connection, sql: str) -> Any:  # Any: whatever the column holds
    return connection.exec_driver_sql(sql).scalar_one()


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


def _code(error: BaseException | str | None) -> int:
    # The low byte is the primary code (sqlite.org/rescode.html).
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
