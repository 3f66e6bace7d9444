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
from interlock_sqlalchemy.drivers import Driver, Link
from interlock_sqlalchemy.troubles import Trouble


class ServerDialect(Protocol):
    """What differs between the databases behind a network."""

    name: str
    """What messages call the database: no password."""

    sharing: str
    """What to say of a pooler that shares sessions."""

    many: Many
    url: URL
    dialect: Dialect
    driver: Driver
    paramstyle: str
    connect_args: dict[str, object]

    async def begin(self, link: Link) -> str | None:
        """Set a new connection up; why it can't be an event store's, if so.

        Raises `WrongAccessError` where it can't be any backend's.
        """
        ...

    async def shares(self, first: Link, second: Link) -> bool:
        """Whether the two connections are seen to share a session of the server.

        A pooler that does so mixes up what they set and prepared.
        """
        ...

    def fits(self, link: Link, text: str, values: Sequence[object]) -> bool:
        """Whether the server takes a statement of this size."""
        ...

    def version(self, told: str) -> str:
        """Which product it is, from what the server told of its version."""
        ...

    def trouble(self, error: BaseException) -> Trouble:
        """What a driver's error means; one without a server's code is a lost connection."""
        ...

    def advice(self, error: BaseException) -> str | None:
        """What to do about it, where it isn't plain."""
        ...

    def upsert(self, table: Table) -> ClauseElement:
        """Insert a row of the table's columns, or replace the row with its primary key."""
        ...

    def key(self, name: str) -> object:
        """Convert a name to the value of a key's column; equal values mean equal names."""
        ...

    def name_of(self, value: object) -> str:
        """Convert the value of a key's column back to its name, or to a long name's hash."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """A driver's connection, in nobody else's hands."""

    link: Link
    generation: int
    unfit: str | None
    """Why it can't be an event store's."""


_FAREWELL_SECONDS = 1.0


class PoolEmptyError(Exception):
    """All connections stayed in use for as long as one may be waited for."""


class Pool:
    """Connections in autocommit mode, checked when they are made and not with each call.

    One that broke tells of all: those made before it are dropped as they come up. SQLAlchemy makes
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
        self.patience = config.connect_timeout.total_seconds()
        """For how many seconds one waits for a connection."""
        self._is_closed = False
        self._returned_at = 0.0
        self._slots = asyncio.Semaphore(config.pool_size)
        self._idle: list[Taken] = []
        self.engine = create_async_engine(
            dialect.url,
            isolation_level="AUTOCOMMIT",
            paramstyle=dialect.paramstyle,
            poolclass=NullPool,
            connect_args=dialect.connect_args,
        )
        event.listen(self.engine.sync_engine, "connect", self._begin)

    async def take(self) -> Taken:
        """A connection. Raises `PoolEmptyError`, or the driver's error."""
        try:
            if self._slots.locked():
                async with asyncio.timeout(self.patience):
                    await self._slots.acquire()
            else:
                await self._slots.acquire()
        except TimeoutError as error:
            raise PoolEmptyError from error
        try:
            while self._idle:
                taken = self._idle.pop()
                if self._is_good(taken):
                    return taken
                self.dialect.driver.abort(taken.link)
            return await self._made()
        except BaseException:
            self._slots.release()
            raise

    @property
    def is_stuck(self) -> bool:
        """Whether nobody has given a connection back for as long as one waits for one."""
        return self.loop.time() - self._returned_at >= self.patience

    def give_back(self, taken: Taken) -> None:
        """Keep the connection for the next."""
        if self._is_closed:
            self.dialect.driver.abort(taken.link)
        else:
            self._idle.append(taken)
        self._free()

    def drop(self, taken: Taken) -> None:
        """Break the connection off: something is on its way still, or nothing ever again."""
        self.dialect.driver.abort(taken.link)
        self._free()

    async def close(self) -> None:
        """Take leave of the server; who stops waiting, or has waited for a second, breaks off."""
        self._is_closed = True
        await asyncio.gather(*(self._leave(taken) for taken in self._idle))
        self._idle.clear()
        await self.engine.dispose()

    def abort(self) -> None:
        """Break all connections off that nobody uses, and the others when they are given back."""
        self._is_closed = True
        while self._idle:
            self.dialect.driver.abort(self._idle.pop().link)

    async def _leave(self, taken: Taken) -> None:
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self.dialect.driver.close(taken.link)
        except BaseException as error:
            with suppress(Exception):  # it may be gone already
                self.dialect.driver.abort(taken.link)
            if not isinstance(error, Exception):
                raise

    def _free(self) -> None:
        self._returned_at = self.loop.time()
        self._slots.release()

    def _is_good(self, taken: Taken) -> bool:
        is_old = taken.generation != self._generation
        return not is_old and not self.dialect.driver.is_closed(taken.link)

    async def _made(self) -> Taken:
        generation = self._generation
        # Not every driver's own timeout covers more than the reaching of the port.
        async with asyncio.timeout(self.patience):
            made = await self.engine.raw_connection()
        taken = Taken(made.driver_connection, generation, made.info["unfit"])
        made.detach()  # ours alone from here on
        return taken

    def broken(self) -> None:
        """A connection broke: those made so far are suspect."""
        self._generation += 1

    def _begin(self, connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        # The adapter's way to wait within SQLAlchemy's greenlet.
        entry.info["unfit"] = connection.run_async(self.dialect.begin)


_Pools = WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, Pool]]
_pools: _Pools = WeakKeyDictionary()


def join(dialect: ServerDialect, config: SQLAlchemyConfig) -> Pool:
    """The pool of these options on the running loop; to be left by `leave`."""
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
    """Whether its last user has left the pool, which is to be closed then."""
    pool.users -= 1
    if pool.users:
        return False
    pools = _pools.get(asyncio.get_running_loop(), {})
    for key in [key for key, found in pools.items() if found is pool]:
        del pools[key]
    return True
