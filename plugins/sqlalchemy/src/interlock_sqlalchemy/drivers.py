"""Runs statements on each driver's own connections.

SQLAlchemy makes the connections and keeps them; its own way of running a statement costs several
times what the driver's does.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Protocol
from urllib.parse import urlencode

from interlock.backends import ConfigurationError
from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import Row

Connection = Any  # a driver's connection; the drivers share no type


class Driver(Protocol):
    """Runs statements on a connection of one driver."""

    name: str

    async def fetch(self, connection: Connection, text: str, values: Sequence[object]) -> list[Row]:
        """Fetch all rows: tuples, or objects that index and slice as tuples do."""
        ...

    async def run(self, connection: Connection, text: str, values: Sequence[object] = ()) -> int:
        """Run a statement; return how many rows it changed."""
        ...

    def is_closed(self, connection: Connection) -> bool:
        """Whether the connection is known to be gone, without asking the server."""
        ...

    async def close(self, connection: Connection) -> None:
        """Close the connection."""
        ...

    def abort(self, connection: Connection) -> None:
        """Abort the connection without waiting."""
        ...


class Asyncpg:
    """asyncpg: prepares each text once per connection, then one round trip in binary."""

    name = "asyncpg"

    async def fetch(self, connection: Connection, text: str, values: Sequence[object]) -> list[Row]:
        records: list[Row] = await connection.fetch(text, *values)
        return records

    async def run(self, connection: Connection, text: str, values: Sequence[object] = ()) -> int:
        status: str = await connection.execute(text, *values)  # "INSERT 0 1", "DELETE 3", "COMMIT"
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    def is_closed(self, connection: Connection) -> bool:
        return bool(connection.is_closed())

    async def close(self, connection: Connection) -> None:
        await connection.close(timeout=1)

    def abort(self, connection: Connection) -> None:
        connection.terminate()
        # Of a call that was given up it asks the server to cancel it, by a connection of its own,
        # and would wait for that for ever. The server's statement_timeout ends the statement.
        for request in list(getattr(connection, "_cancellations", ())):
            request.cancel()


async def connect_asyncpg(**options: Any) -> Connection:  # Any: as asyncpg.connect takes them
    """Connect by asyncpg; TLS options have libpq's names, which it reads in a DSN alone."""
    import asyncpg  # type: ignore[import-untyped] # noqa: PLC0415 # may be missing

    names = [name for name in options if name.startswith("ssl") and name != "ssl"]
    tls = urlencode({name: options.pop(name) for name in names})
    return await asyncpg.connect(f"postgresql://?{tls}" if tls else None, **options)


class Psycopg:
    """psycopg 3: told to prepare at once, and to answer in binary."""

    name = "psycopg"

    async def fetch(self, connection: Connection, text: str, values: Sequence[object]) -> list[Row]:
        cursor = await connection.execute(text, values or None, prepare=True, binary=True)
        rows: list[Row] = await cursor.fetchall()
        return rows

    async def run(self, connection: Connection, text: str, values: Sequence[object] = ()) -> int:
        cursor = await connection.execute(text, values or None, prepare=bool(values))
        return int(cursor.rowcount)

    def is_closed(self, connection: Connection) -> bool:
        return bool(connection.closed or connection.broken)

    async def close(self, connection: Connection) -> None:
        await connection.close()

    def abort(self, connection: Connection) -> None:
        connection.pgconn.finish()


class Asyncmy:
    """asyncmy: the protocol in C, values quoted into the text."""

    name = "asyncmy"

    async def fetch(self, connection: Connection, text: str, values: Sequence[object]) -> list[Row]:
        async with connection.cursor() as cursor:
            await cursor.execute(text, values or None)
            return list(await cursor.fetchall())

    async def run(self, connection: Connection, text: str, values: Sequence[object] = ()) -> int:
        async with connection.cursor() as cursor:
            return int(await cursor.execute(text, values or None))

    def is_closed(self, connection: Connection) -> bool:
        return not connection.connected

    async def close(self, connection: Connection) -> None:
        await connection.ensure_closed()

    def abort(self, connection: Connection) -> None:
        connection.close()


def require_driver(driver: str, config: SQLAlchemyConfig, *, extra: str) -> None:
    """Raise `ConfigurationError` unless the driver, and what SQLAlchemy needs beside, is there."""
    for module in (driver, "greenlet"):
        if find_spec(module) is None:
            raise ConfigurationError(
                f"{module} isn't installed, and the url needs it: "
                f'pip install "{config.distribution}[{extra}]"'
            )
