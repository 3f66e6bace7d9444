"""MySQL and MariaDB, and what speaks their language."""

import math
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import URL, Dialect, Table
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.expression import ClauseElement

from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import Many
from interlock_sqlalchemy.drivers import Asyncmy, Driver, Link, needed
from interlock_sqlalchemy.names import short_name, spoken
from interlock_sqlalchemy.troubles import Trouble

_SERVER = "SELECT VERSION(), @@max_allowed_packet, @@read_only, @@innodb_read_only"
# Without strict mode a value that is too long is cut, and no error is raised.
_BEGIN = """\
SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
 innodb_lock_wait_timeout = {lock_timeout}, {statement_timeout}"""
_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
_REPLICATES = {
    True: "SHOW GLOBAL STATUS LIKE 'Slaves_running'",
    False: "SELECT 'replicates', COUNT(*) FROM performance_schema.replication_connection_status"
    " WHERE service_state <> 'OFF'",
}

# mariadb.com/docs/server/reference/error-codes, dev.mysql.com/doc/mysql-errors/en
_TROUBLES = {
    1044: Trouble.NO_RIGHT,
    1045: Trouble.WRONG_USER,
    1049: Trouble.NO_DATABASE,
    1053: Trouble.LOST,
    1062: Trouble.CONFLICT,
    1142: Trouble.NO_RIGHT,
    1152: Trouble.LOST,
    1153: Trouble.TOO_LARGE,
    1158: Trouble.LOST,
    1159: Trouble.LOST,
    1160: Trouble.LOST,
    1161: Trouble.LOST,
    1205: Trouble.ABORTED,
    1213: Trouble.ABORTED,
    1290: Trouble.NOT_PRIMARY,
    1317: Trouble.LOST,
    1406: Trouble.TOO_LARGE,
    1698: Trouble.WRONG_USER,
    1792: Trouble.NOT_PRIMARY,
    1836: Trouble.NOT_PRIMARY,
    1927: Trouble.LOST,
    4031: Trouble.LOST,
}
_ADVICE = {
    1021: "free space on the server's disk",
    1040: "lower pool_size, or raise the server's max_connections",
    1114: "free space on the server's disk",
    1146: "the table is gone; create it again, or restore a backup",
    1203: "lower pool_size, or raise the user's max_user_connections",
    1226: "lower pool_size, or raise the user's max_user_connections",
    1969: "find out what holds the statement up, or raise statement_timeout",
    3024: "find out what holds the statement up, or raise statement_timeout",
}
_OF_THE_CLIENT = range(2000, 3000)


class MySQL:
    """See `ServerDialect`."""

    drivers = ("asyncmy",)
    many = Many.RANGES

    def __init__(self, url: URL, config: SQLAlchemyConfig) -> None:
        self.url = url if "+" in url.drivername else url.set(drivername=f"{url.drivername}+asyncmy")
        self.driver: Driver = Asyncmy()
        needed("asyncmy", config, extra="mysql")
        self.paramstyle = "format"
        self.dialect: Dialect = self.url.get_dialect(_is_async=True)(
            paramstyle="format"  # type: ignore[call-arg] # every dialect's constructor takes it
        )
        self.connect_args: dict[str, object] = {
            "charset": "utf8mb4",
            "connect_timeout": max(1, math.ceil(config.connect_timeout.total_seconds())),
        }
        self._seconds = config.statement_timeout.total_seconds()
        self._packet = 0
        self.name = spoken(url)

    async def begin(self, link: Link) -> str | None:
        """See `ServerDialect.begin`."""
        ((version, packet, *read_only),) = await self.driver.fetch(link, _SERVER, ())
        self._packet = int(packet)
        is_mariadb = "mariadb" in str(version).lower()
        timeout = (
            f"max_statement_time = {self._seconds}"
            if is_mariadb
            else f"max_execution_time = {max(1, round(self._seconds * 1000))}"
        )
        lock_timeout = max(1, math.ceil(self._seconds))
        await self.driver.run(
            link, _BEGIN.format(lock_timeout=lock_timeout, statement_timeout=timeout)
        )
        await self.driver.run(link, _ISOLATION)
        if any(str(value) not in ("0", "OFF", "None") for value in read_only):
            return "it is read-only"
        # Who may not ask has no answer.
        with suppress(Exception):
            ((_, count),) = await self.driver.fetch(link, _REPLICATES[is_mariadb], ())
            if int(count):
                return "it is a replica"
        return None

    def fits(self, link: Link, text: str, values: Sequence[object]) -> bool:
        """See `ServerDialect.fits`: a packet above the limit would cost the connection."""
        size = sum(len(value) for value in values if isinstance(value, (bytes, str)))
        if size * 2 + len(text) * 2 < self._packet:  # quoted, each byte is two at most
            return True
        quoted = link.cursor().mogrify(text, values)
        return len(quoted.encode("utf-8", "surrogateescape")) + 1 < self._packet

    def version(self, told: str) -> str:
        """See `ServerDialect.version`."""
        return f"{'MariaDB' if 'mariadb' in told.lower() else 'MySQL'} {told}"

    def trouble(self, error: BaseException) -> Trouble:
        """See `ServerDialect.trouble`."""
        if isinstance(error, TypeError):
            return Trouble.WRONG_OPTION
        code = _code(error)
        if code == 0 or code in _OF_THE_CLIENT:
            return Trouble.LOST
        return _TROUBLES.get(code, Trouble.REFUSED)

    def advice(self, error: BaseException) -> str | None:
        """See `ServerDialect.advice`."""
        return _ADVICE.get(_code(error))

    def upsert(self, table: Table) -> ClauseElement:
        """See `Database.upsert`."""
        insert = mysql.insert(table)
        key = [column.name for column in table.primary_key.columns]
        changed = {c.name: insert.inserted[c.name] for c in table.columns if c.name not in key}
        return insert.on_duplicate_key_update(changed)

    def key(self, name: str) -> object:
        """See `Database.key`."""
        return short_name(name).encode()

    def name_of(self, value: object) -> str:
        """See `Database.name_of`."""
        return value.decode() if isinstance(value, bytes) else str(value)


def _code(error: BaseException) -> int:
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) and not isinstance(error, OSError) else 0
