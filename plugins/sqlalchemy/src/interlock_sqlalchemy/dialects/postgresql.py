"""PostgreSQL, and what speaks its language."""

import re
from collections.abc import Sequence

from sqlalchemy import URL, Dialect, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.expression import ClauseElement

from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import Many
from interlock_sqlalchemy.drivers import (
    Asyncpg,
    Connection,
    Driver,
    Psycopg,
    connect_asyncpg,
    require_driver,
)
from interlock_sqlalchemy.error_kinds import ErrorKind, WrongAccessError
from interlock_sqlalchemy.names import display_url, short_name

# What this connection promises itself, and what the server is, in one round trip; the values that
# decide what is right come back. An acknowledged commit survives a crash. Plans are made
# once, for any values: every statement seeks by the key, and estimates for single values, which
# take the id and the version for independent, would fetch and sort the rest of a long stream for
# each chunk of it. Old relatives of the server don't know that setting.
_BEGIN = """\
SELECT set_config('client_encoding', 'UTF8', false),
 set_config('lock_timeout', '0', false),
 set_config('statement_timeout', '{statement_timeout}', false),
 set_config('idle_in_transaction_session_timeout', '{statement_timeout}', false),
 (SELECT set_config(name, 'force_generic_plan', false) FROM pg_settings
 WHERE name = 'plan_cache_mode'),
 set_config('default_transaction_isolation', 'read committed', false),
 CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
 THEN set_config('synchronous_commit', 'on', false)
 ELSE current_setting('synchronous_commit') END,
 pg_is_in_recovery(), current_setting('transaction_read_only')"""

_NO_SUCH_OPTION = "libpq's own, which has no code"

# postgresql.org/docs/current/errcodes-appendix.html
_ERROR_KINDS = {
    "0A000": ErrorKind.STALE,  # "cached plan must not change result type"
    "23505": ErrorKind.CONFLICT,
    "26000": ErrorKind.STALE,
    "40001": ErrorKind.ABORTED,
    "40P01": ErrorKind.ABORTED,
    "55P03": ErrorKind.ABORTED,
    "40003": ErrorKind.LOST,
    "57014": ErrorKind.GIVEN_UP,
    "57P01": ErrorKind.LOST,
    "57P02": ErrorKind.LOST,
    "57P03": ErrorKind.LOST,
    "25006": ErrorKind.NOT_PRIMARY,
    "28000": ErrorKind.WRONG_USER,
    "28P01": ErrorKind.WRONG_USER,
    "3D000": ErrorKind.NO_DATABASE,
    "42P05": ErrorKind.STALE,
    _NO_SUCH_OPTION: ErrorKind.WRONG_OPTION,
    "42501": ErrorKind.NO_RIGHT,
}
_CLASSES = {"08": ErrorKind.LOST, "53": ErrorKind.GIVEN_UP, "54": ErrorKind.TOO_LARGE}
# libpq has no code for a connection that was refused, only what the server said, in English unless
# its lc_messages is another.
_CODES_BY_MESSAGE = {
    r"authentication failed|role .* does not exist|no pg_hba\.conf entry": "28000",
    r"database .* does not exist": "3D000",
    r"too many (clients|connections)": "53300",
    r"invalid connection option|invalid sslmode value": _NO_SUCH_OPTION,
}
_SHARED = (
    "a pooler gives one session of the server to several connections; have it keep them apart "
    "(PgBouncer: pool_mode = session), or go to the server without it"
)
_ADVICE = {
    "26000": _SHARED,
    "42P05": _SHARED,
    "42P01": "the table is gone; create it again, or restore a backup",
    "53100": "free space on the server's disk",
    "53300": "lower pool_size, or raise the server's max_connections",
    "57014": "find out what holds the statement up, or raise statement_timeout",
}


class PostgreSQL:
    """The `ServerDialect` of PostgreSQL, for asyncpg or psycopg."""

    drivers = ("asyncpg", "psycopg")
    many = Many.ARRAYS
    sharing_message = _SHARED

    def __init__(self, url: URL, config: SQLAlchemyConfig) -> None:
        self.url = url if "+" in url.drivername else url.set(drivername="postgresql+asyncpg")
        driver = self.url.drivername.partition("+")[2]
        self.driver: Driver = Asyncpg() if driver == "asyncpg" else Psycopg()
        require_driver(driver, config, extra=driver)
        self.paramstyle = "numeric_dollar" if driver == "asyncpg" else "format"
        self.dialect: Dialect = self.url.get_dialect(_is_async=True)(
            paramstyle=self.paramstyle  # type: ignore[call-arg] # every dialect's constructor takes it
        )
        self.connect_args = _connect_args(driver, config.connect_timeout.total_seconds())
        milliseconds = max(1, round(config.statement_timeout.total_seconds() * 1000))
        self._begin = _BEGIN.format(statement_timeout=milliseconds)
        self.name = display_url(url)

    async def shares_session(self, first: Connection, second: Connection) -> bool:
        # Seen by the server's processes, of which each session has one.
        seen = {await self._process(first), await self._process(first)}
        if len(seen) > 1 or await self._process(second) in seen:
            return True
        await self.driver.run(second, "BEGIN")  # a pooler gives it a session that is free
        of_second = await self._process(second)
        if of_second not in seen:
            seen |= {await self._process(first), await self._process(first)}
        await self.driver.run(second, "ROLLBACK")
        seen.add(await self._process(first))
        return len(seen) > 1 or of_second in seen

    async def _process(self, connection: Connection) -> object:
        ((process,),) = await self.driver.fetch(connection, "SELECT pg_backend_pid()", ())
        return process

    def fits(self, _: Connection, __: str, ___: Sequence[object]) -> bool:
        # The server says it when it doesn't.
        return True

    async def begin(self, connection: Connection) -> str | None:
        ((*_, isolation, synchronous, is_standby, is_read_only),) = await self.driver.fetch(
            connection, self._begin, ()
        )
        if isolation != "read committed" or synchronous in ("off", "local"):
            raise WrongAccessError(
                f"{self.name} keeps default_transaction_isolation = {isolation} and "
                f"synchronous_commit = {synchronous} for this session; wanted read committed and on"
            )
        if is_standby:
            return "it is a standby; name the primary in the url"
        return "it is read-only; name the primary in the url" if is_read_only == "on" else None

    def version(self, text: str) -> str:
        return text.partition(" on ")[0]

    def error_kind(self, error: BaseException) -> ErrorKind:
        if isinstance(error, TypeError):
            return ErrorKind.WRONG_OPTION
        code = _code(error)
        if code is None:
            return ErrorKind.LOST
        return _ERROR_KINDS.get(code) or _CLASSES.get(code[:2], ErrorKind.REFUSED)

    def advice(self, error: BaseException) -> str | None:
        return _ADVICE.get(_code(error) or "")

    def upsert(self, table: Table) -> ClauseElement:
        insert = postgresql.insert(table)
        key = [column.name for column in table.primary_key.columns]
        changed = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in key}
        return insert.on_conflict_do_update(index_elements=key, set_=changed)

    def wait_for_writes(self, table: Table, seconds: int) -> tuple[Sequence[str], Sequence[str]]:
        name = self.dialect.identifier_preparer.format_table(table)
        # It conflicts with what every insert and deletion holds until its transaction has ended.
        lock = f"LOCK TABLE {name} IN SHARE MODE"
        return ("BEGIN", f"SET LOCAL lock_timeout = '{seconds}s'", lock), ("ROLLBACK",)

    def key(self, name: str) -> object:
        return short_name(name)

    def name_of(self, value: object) -> str:
        return str(value)


def _code(error: BaseException) -> str | None:
    code = getattr(error, "sqlstate", None)
    if "statement pooling mode" in str(error):  # PgBouncer has no code of its own for it
        return "42P05"
    if isinstance(code, str):
        return code
    return next(
        (code for text, code in _CODES_BY_MESSAGE.items() if re.search(text, str(error))), None
    )


def _connect_args(driver: str, seconds: float) -> dict[str, object]:
    if driver == "asyncpg":
        return {"timeout": seconds, "async_creator_fn": connect_asyncpg}
    from interlock_sqlalchemy.psycopg_connection import (  # noqa: PLC0415 it imports the driver
        PsycopgConnection,
    )

    # libpq takes whole seconds, from 2.
    return {
        "connect_timeout": max(2, round(seconds)),
        "async_creator_fn": PsycopgConnection.connect,
    }
