"""The connections to one URL, shared by the backends of one event loop."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Dialect, NullPool, Table, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.expression import ClauseElement

from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import Many
from interlock_sqlalchemy.drivers import Connection, Driver
from interlock_sqlalchemy.error_kinds import ErrorKind


class ServerDialect(Protocol):
    """Differences between the databases behind a network."""

    name: str
    """The database's name in messages, without a password."""

    sharing_message: str
    """The message about a pooler that shares sessions."""

    many: Many
    url: URL
    dialect: Dialect
    driver: Driver
    paramstyle: str
    connect_args: dict[str, object]

    async def begin(self, connection: Connection) -> str | None:
        """Set up a new connection; return why it can't serve an event store, None if it can.

        Raises `WrongAccessError` where it can't be any backend's.
        """
        ...

    async def shares_session(self, first: Connection, second: Connection) -> bool:
        """Whether the two connections are seen to share a session of the server.

        A pooler that does so mixes up what they set and prepared.
        """
        ...

    def fits(self, connection: Connection, text: str, values: Sequence[object]) -> bool:
        """Whether the server takes a statement of this size."""
        ...

    def version(self, text: str) -> str:
        """Name the product and version, from the server's own text."""
        ...

    def error_kind(self, error: BaseException) -> ErrorKind:
        """The meaning of a driver's error; one without a server's code is a lost connection."""
        ...

    def advice(self, error: BaseException) -> str | None:
        """Advice for the error, where it isn't plain."""
        ...

    def upsert(self, table: Table) -> ClauseElement:
        """Insert a row of the table's columns, or replace the row with its primary key."""
        ...

    def wait_for_writes(self, table: Table, seconds: int) -> tuple[Sequence[str], Sequence[str]]:
        """Statements that wait for the table's writes so long, and what is sent afterwards.

        Raises `ConfigurationError` where other nodes write, too.
        """
        ...

    def key(self, name: str) -> object:
        """Convert a name to the value of a key's column; equal values mean equal names."""
        ...

    def name_of(self, value: object) -> str:
        """Convert the value of a key's column back to its name, or to a long name's hash."""
        ...


@dataclass(frozen=True, slots=True)
class PooledConnection:
    """A driver's connection that one call uses."""

    connection: Connection
    generation: int
    unfit_reason: str | None
    """Why it can't be an event store's."""


_CLOSE_SECONDS = 1.0


class PoolEmptyError(Exception):
    """All connections stayed in use while a call waited for one."""


class Pool:
    """Connections in autocommit mode, checked when they are made and not with each call.

    When one breaks, all made before it are dropped as they come up. SQLAlchemy makes
    the connections; its own pool would cost a greenlet for each call.
    """

    def __init__(self, dialect: ServerDialect, config: SQLAlchemyConfig) -> None:
        # It needs greenlet, without which files are served as well.
        from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

        self.users = 0
        self.loop = asyncio.get_running_loop()
        self.size = config.pool_size
        self.round_trips = 0
        """How many statements were sent so far, and waited for."""
        self.dialect = dialect
        """Whose `begin` each connection has seen."""
        self._generation = 0
        self.wait_seconds = config.connect_timeout.total_seconds()
        """For how many seconds one waits for a connection."""
        self._is_closed = False
        self._returned_at = 0.0
        self._slots = asyncio.Semaphore(config.pool_size)
        self._idle: list[PooledConnection] = []
        self.engine = create_async_engine(
            dialect.url,
            isolation_level="AUTOCOMMIT",
            paramstyle=dialect.paramstyle,
            poolclass=NullPool,
            connect_args=dialect.connect_args,
        )
        event.listen(self.engine.sync_engine, "connect", self._begin)

    async def take(self) -> PooledConnection:
        """Take a connection. Raises `PoolEmptyError`, or the driver's error."""
        try:
            if self._slots.locked():
                async with asyncio.timeout(self.wait_seconds):
                    await self._slots.acquire()
            else:
                await self._slots.acquire()
        except TimeoutError as error:
            raise PoolEmptyError from error
        try:
            while self._idle:
                pooled = self._idle.pop()
                if self._is_good(pooled):
                    return pooled
                self.dialect.driver.abort(pooled.connection)
            return await self._connect()
        except BaseException:
            self._slots.release()
            raise

    @property
    def is_stuck(self) -> bool:
        """Whether no connection came back within `wait_seconds`."""
        return self.loop.time() - self._returned_at >= self.wait_seconds

    def give_back(self, pooled: PooledConnection) -> None:
        """Return the connection to the pool."""
        if self._is_closed:
            self.dialect.driver.abort(pooled.connection)
        else:
            self._idle.append(pooled)
        self._free()

    def drop(self, pooled: PooledConnection) -> None:
        """Abort the connection, which may be broken or have a reply under way."""
        self.dialect.driver.abort(pooled.connection)
        self._free()

    async def close(self) -> None:
        """Close all idle connections, and abort those that take longer than a second."""
        self._is_closed = True
        await asyncio.gather(*(self._close_politely(pooled) for pooled in self._idle))
        self._idle.clear()
        await self.engine.dispose()

    def abort(self) -> None:
        """Abort all idle connections, and the others when they are given back."""
        self._is_closed = True
        while self._idle:
            self.dialect.driver.abort(self._idle.pop().connection)

    async def _close_politely(self, pooled: PooledConnection) -> None:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.dialect.driver.close(pooled.connection)
        except BaseException as error:
            with suppress(Exception):  # it may be gone already
                self.dialect.driver.abort(pooled.connection)
            if not isinstance(error, Exception):
                raise

    def _free(self) -> None:
        self._returned_at = self.loop.time()
        self._slots.release()

    def _is_good(self, pooled: PooledConnection) -> bool:
        is_old = pooled.generation != self._generation
        return not is_old and not self.dialect.driver.is_closed(pooled.connection)

    async def _connect(self) -> PooledConnection:
        generation = self._generation
        # Not every driver's own timeout covers more than the reaching of the port.
        async with asyncio.timeout(self.wait_seconds):
            made = await self.engine.raw_connection()
        pooled = PooledConnection(made.driver_connection, generation, made.info["unfit_reason"])
        made.detach()  # ours alone from here on
        return pooled

    def mark_broken(self) -> None:
        """Note that a connection broke: older ones are dropped when they are taken."""
        self._generation += 1

    def _begin(self, connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        # The adapter's way to wait within SQLAlchemy's greenlet.
        entry.info["unfit_reason"] = connection.run_async(self.dialect.begin)


_Pools = WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, Pool]]
_pools: _Pools = WeakKeyDictionary()


def join(dialect: ServerDialect, config: SQLAlchemyConfig) -> Pool:
    """Join the running loop's pool for these options; `leave` leaves it."""
    pools = _pools.setdefault(asyncio.get_running_loop(), {})
    key = (
        *(dialect.url, config.statement_timeout, config.connect_timeout, config.pool_size),
        config.allow_galera,
        os.getpid(),  # a fork that goes on with the loop has connections of its own
    )
    if key not in pools:
        pools[key] = Pool(dialect, config)
    pool = pools[key]
    pool.users += 1
    return pool


def leave(pool: Pool) -> bool:
    """Leave the pool; True if that was its last user, who has to close it."""
    pool.users -= 1
    if pool.users:
        return False
    pools = _pools.get(asyncio.get_running_loop(), {})
    for key in [key for key, found in pools.items() if found is pool]:
        del pools[key]
    return True
