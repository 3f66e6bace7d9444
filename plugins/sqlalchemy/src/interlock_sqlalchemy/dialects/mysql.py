"""MySQL and MariaDB, and what speaks their language."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress

from sqlalchemy import URL, Dialect, Table
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.expression import ClauseElement

from interlock.backends import ConfigurationError
from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import Many
from interlock_sqlalchemy.drivers import Asyncmy, Connection, Driver, require_driver
from interlock_sqlalchemy.error_kinds import ErrorKind, WrongAccessError
from interlock_sqlalchemy.names import display_url, short_name

# Without strict mode a value that is too long is cut, and no error is raised; with ANSI_QUOTES a
# quoted text is a name. SQLAlchemy asks for it when it connects, so it is set before.
_SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
# What decides which rows a statement sees and stores, and whether it is committed when it returns:
# the server's administrator may like other defaults. It is set, and read back.
_PINNED = {
    "sql_mode": f"'{_SQL_MODE}'",
    "autocommit": "ON",
    "completion_type": "NO_CHAIN",
    "unique_checks": "ON",
    "sql_select_limit": "18446744073709551615",
    "sql_safe_updates": "OFF",
    "sql_auto_is_null": "OFF",
    "character_set_client": "utf8mb4",
    "character_set_connection": "utf8mb4",
    "character_set_results": "utf8mb4",
}
_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE"
_IS_ISOLATED = {  # by the names of MariaDB, and of MySQL
    **dict.fromkeys(("tx_isolation", "transaction_isolation"), "READ-COMMITTED"),
    **dict.fromkeys(("tx_read_only", "transaction_read_only"), "OFF"),
}
# Statements wait for what other nodes acknowledged; a node that lost the others gives no answer.
_GALERA_SETTINGS = {"wsrep_sync_wait": "7", "wsrep_dirty_reads": "OFF"}
# Whoever waited for a lock reads what stands then. Where it is on, as by default since MariaDB
# 11.6.2, the statement ends with error 1020 instead: of two appends at once none was a conflict.
_NO_SNAPSHOT = {"innodb_snapshot_isolation": "OFF"}
_SERVER_VARIABLES = (
    *("version", "max_allowed_packet", "read_only", "innodb_read_only", "wsrep_on"),
    *_NO_SNAPSHOT,
)
_REPLICATES = {
    True: "SHOW GLOBAL STATUS LIKE 'Slaves_running'",
    False: "SELECT 'replicates', COUNT(*) FROM performance_schema.replication_connection_status"
    " WHERE service_state <> 'OFF'",
}

# mariadb.com/docs/server/reference/error-codes, dev.mysql.com/doc/mysql-errors/en
_ERROR_KINDS = {
    **dict.fromkeys((1021, 1037, 1038, 1040, 1114, 1203, 1226, 1969, 3024), ErrorKind.GIVEN_UP),
    1020: ErrorKind.ABORTED,  # see _NO_SNAPSHOT
    1044: ErrorKind.NO_RIGHT,
    1045: ErrorKind.WRONG_USER,
    1047: ErrorKind.NOT_PRIMARY,  # a node of a cluster that lost the others
    1049: ErrorKind.NO_DATABASE,
    1053: ErrorKind.LOST,
    1062: ErrorKind.CONFLICT,
    1142: ErrorKind.NO_RIGHT,
    1152: ErrorKind.LOST,
    1153: ErrorKind.TOO_LARGE,
    1158: ErrorKind.LOST,
    1159: ErrorKind.LOST,
    1160: ErrorKind.LOST,
    1161: ErrorKind.LOST,
    1180: ErrorKind.LOST,  # on its way to the others: the node commits it when it finds them again
    1205: ErrorKind.ABORTED,
    1213: ErrorKind.ABORTED,
    1290: ErrorKind.NOT_PRIMARY,
    1317: ErrorKind.LOST,
    1406: ErrorKind.TOO_LARGE,
    1698: ErrorKind.WRONG_USER,
    1792: ErrorKind.NOT_PRIMARY,
    1836: ErrorKind.NOT_PRIMARY,
    1927: ErrorKind.LOST,
    4031: ErrorKind.LOST,
}
_ADVICE = {
    1021: "free space on the server's disk",
    1040: "lower pool_size, or raise the server's max_connections",
    1114: "free space on the server's disk",
    1146: "the table is gone; create it again, or restore a backup",
    1203: "lower pool_size, or raise the user's max_user_connections",
    1226: "lower pool_size, or raise the user's max_user_connections",
    1665: "set the server's binlog_format to ROW or MIXED",
    1969: "find out what holds the statement up, or raise statement_timeout",
    3024: "find out what holds the statement up, or raise statement_timeout",
}
_CLIENT_ERRORS = range(2000, 3000)


class MySQL:
    """The `ServerDialect` of MySQL and MariaDB, for asyncmy."""

    drivers = ("asyncmy",)
    many = Many.RANGES
    sharing_message = "a pooler gives one session of the server to several connections"

    def __init__(self, url: URL, config: SQLAlchemyConfig) -> None:
        self.url = url if "+" in url.drivername else url.set(drivername=f"{url.drivername}+asyncmy")
        self.driver: Driver = Asyncmy()
        require_driver("asyncmy", config, extra="mysql")
        self.paramstyle = "format"
        self.dialect: Dialect = self.url.get_dialect(_is_async=True)(
            paramstyle="format"  # type: ignore[call-arg] # every dialect's constructor takes it
        )
        self.connect_args: dict[str, object] = {
            "charset": "utf8mb4",
            # The driver commits behind it, which is not to begin the next transaction.
            "init_command": f"SET SESSION sql_mode = '{_SQL_MODE}', completion_type = NO_CHAIN",
            "connect_timeout": max(1, math.ceil(config.connect_timeout.total_seconds())),
        }
        self._seconds = config.statement_timeout.total_seconds()
        self._packet = 0
        self._allow_galera = config.allow_galera
        lock_timeout = str(max(1, math.ceil(self._seconds)))
        names = ("innodb_lock_wait_timeout", "lock_wait_timeout")
        self._lock_timeouts = dict.fromkeys(names, lock_timeout)
        self.name = display_url(url)

    async def begin(self, connection: Connection) -> str | None:
        found = await self._pin_settings(
            connection, _PINNED | self._lock_timeouts, _SERVER_VARIABLES
        )
        self._packet = int(found["max_allowed_packet"])
        is_mariadb = "mariadb" in found["version"].lower()
        timeout = (
            {"max_statement_time": str(self._seconds)}
            if is_mariadb
            else {"max_execution_time": str(max(1, round(self._seconds * 1000)))}
        )
        await self.driver.run(connection, _set(timeout))
        if found.get("innodb_snapshot_isolation") == "ON":
            await self._pin_settings(connection, _NO_SNAPSHOT)
        if found.get("wsrep_on") == "ON":
            if not self._allow_galera:
                return (
                    "it is a node of a Galera cluster, which may not show yet what another one "
                    "acknowledged; set allow_galera = true, and every statement waits for that, or "
                    "name a server that is in no cluster"
                )
            await self._pin_settings(connection, _GALERA_SETTINGS)
        if "ON" in (found.get("read_only"), found.get("innodb_read_only")):
            return "it is read-only; name the primary in the url"
        # Who may not ask has no answer.
        with suppress(Exception):
            ((_, count),) = await self.driver.fetch(connection, _REPLICATES[is_mariadb], ())
            if int(count):
                return "it is a replica; name the primary in the url"
        return None

    async def _pin_settings(
        self, connection: Connection, pinned: Mapping[str, str], also: Sequence[str] = ()
    ) -> dict[str, str]:
        """Set the session's variables and read them back, with those that `also` names."""
        await self.driver.run(connection, _set(pinned))
        await self.driver.run(connection, _ISOLATION)
        await self.driver.run(connection, "ROLLBACK")  # of what began before, under other settings
        wanted = {name: value.strip("'") for name, value in pinned.items()} | _IS_ISOLATED
        rows = await self.driver.fetch(connection, _show((*wanted, *also)), ())
        found = {str(name): str(value) for name, value in rows}
        wrong = [
            f"{name} = {found[name]}, wanted {value}"
            for name, value in wanted.items()
            if name in found and set(found[name].split(",")) != set(value.split(","))
        ]
        if wrong:
            raise WrongAccessError(f"{self.name} keeps for this session {'; '.join(wrong)}")
        return found

    async def shares_session(self, _: Connection, __: Connection) -> bool:
        # The poolers that are known keep a session that was set.
        return False

    def fits(self, connection: Connection, text: str, values: Sequence[object]) -> bool:
        # A packet above the limit would cost the connection.
        size = sum(len(value) for value in values if isinstance(value, (bytes, str)))
        if size * 2 + len(text) * 2 < self._packet:  # quoted, each byte is two at most
            return True
        quoted = connection.cursor().mogrify(text, values)
        return len(quoted.encode("utf-8", "surrogateescape")) + 1 < self._packet

    def version(self, text: str) -> str:
        return f"{'MariaDB' if 'mariadb' in text.lower() else 'MySQL'} {text}"

    def error_kind(self, error: BaseException) -> ErrorKind:
        if isinstance(error, TypeError):
            return ErrorKind.WRONG_OPTION
        code = _code(error)
        if code == 0 or code in _CLIENT_ERRORS:
            return ErrorKind.LOST
        return _ERROR_KINDS.get(code, ErrorKind.REFUSED)

    def advice(self, error: BaseException) -> str | None:
        return _ADVICE.get(_code(error))

    def upsert(self, table: Table) -> ClauseElement:
        insert = mysql.insert(table)
        key = [column.name for column in table.primary_key.columns]
        changed = {c.name: insert.inserted[c.name] for c in table.columns if c.name not in key}
        return insert.on_duplicate_key_update(changed)

    def wait_for_writes(self, table: Table, seconds: int) -> tuple[Sequence[str], Sequence[str]]:
        if self._allow_galera:
            raise ConfigurationError(
                f"{self.name}: a node of a Galera cluster can't tell what others write, so its "
                "namespaces can't be frozen; stop what writes"
            )
        name = self.dialect.identifier_preparer.format_table(table)
        variable, value = "lock_wait_timeout", self._lock_timeouts["lock_wait_timeout"]
        lock = f"LOCK TABLES {name} READ"
        return (
            (_set({variable: str(seconds)}), lock),
            ("UNLOCK TABLES", _set({variable: value})),
        )

    def key(self, name: str) -> object:
        return short_name(name).encode()

    def name_of(self, value: object) -> str:
        return value.decode() if isinstance(value, bytes) else str(value)


def _set(values: Mapping[str, str]) -> str:
    return f"SET SESSION {', '.join(f'{name} = {value}' for name, value in values.items())}"


def _show(names: Sequence[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return f"SHOW SESSION VARIABLES WHERE Variable_name IN ({listed})"


def _code(error: BaseException) -> int:
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) and not isinstance(error, OSError) else 0
