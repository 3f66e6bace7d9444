"""Databases for tests: a place of its own for each test, in a file or on a server."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

import pytest

SERVERS = {
    "postgresql": "postgresql+asyncpg://postgres@127.0.0.1:5432/test",
    "psycopg": "postgresql+psycopg://postgres@127.0.0.1:5432/test",
    "mariadb": "mysql+asyncmy://root@127.0.0.1:3306/test",
}
"""Each may be another by the variable `INTERLOCK_<NAME>_URL`."""

_MEMORY, _ENOUGH = Path("/dev/shm"), 2**30  # noqa: S108 # each has a folder of its own
_OF_USER = {
    True: "SELECT pid FROM pg_stat_activity WHERE usename = '{}'",
    False: "SELECT id FROM information_schema.processlist WHERE user = '{}'",
}
_KILL = {True: "SELECT pg_terminate_backend({}, 5000)", False: "KILL {}"}

EVERYWHERE = ("sqlite", *SERVERS)
_DRIVERS = {"postgresql": "asyncpg", "psycopg": "psycopg", "mariadb": "asyncmy"}


def url_of(kind: str) -> str:
    """The server's URL."""
    return os.environ.get(f"INTERLOCK_{kind.upper()}_URL", SERVERS[kind])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a test keeps its tables: a file, or a schema of its own on a server."""

    kind: str
    url: str
    prefix: str = ""

    @property
    def is_postgresql(self) -> bool:
        return self.kind in ("postgresql", "psycopg")

    @property
    def path(self) -> Path:
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def own_url(self) -> str:
        """The URL by which the server knows whose a connection is, see `sql_kill.kill_all`."""
        if self.kind != "mariadb":
            return self.url
        return self.url.rpartition("/")[0] + f"/{self.prefix.rstrip('.')}"

    def table(self, name: str) -> str:
        """The table's name as options and statements write it."""
        return self.prefix + name

    async def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:  # Any: a column's
        """Run a statement on a connection of its own; `AT.` stands for the prefix."""
        sql = sql.replace("AT.", self.prefix)
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
                return connection.execute(sql, values).fetchall()
        async with linked(self.url) as link:
            return await ask(link, sql, *values)


async def ask(link: Any, sql: str, *values: Any) -> list[tuple[Any, ...]]:  # Any: see `linked`
    """Run a statement on a connection of `linked`."""
    if hasattr(link, "fetch"):
        return [tuple(row) for row in await link.fetch(sql, *values)]
    async with link.cursor() as cursor:
        await cursor.execute(sql, values or None)
        return list(await cursor.fetchall())


@asynccontextmanager
async def linked(
    url: str, **more: str
) -> AsyncIterator[Any]:  # Any: asyncpg's or asyncmy's connection
    """A connection of the driver's own, in autocommit mode, with more options of it."""
    from sqlalchemy import make_url  # noqa: PLC0415 # a test of imports runs beside

    found = make_url(url)
    options: dict[str, Any] = {
        "host": found.host,
        "port": found.port,
        "user": found.username,
        "database": found.database,
        **more,
    }
    if found.get_backend_name() == "postgresql":
        import asyncpg  # type: ignore[import-untyped] # noqa: PLC0415 # may be missing

        link = await asyncpg.connect(**options, password=found.password, timeout=5)
        try:
            yield link
        finally:
            await link.close()
    else:
        import asyncmy  # noqa: PLC0415 # may be missing

        link = await asyncmy.connect(**options, password=found.password or "", autocommit=True)
        try:
            yield link
        finally:
            await link.ensure_closed()


@asynccontextmanager
async def guest(place: Place, rights: str, limits: str = "") -> AsyncIterator[str]:
    """The URL of a user who has these rights on the place's tables, for a while."""
    from sqlalchemy import make_url  # noqa: PLC0415 # as in `linked`

    name = place.prefix.rstrip(".")
    user = name if place.is_postgresql else f"{name}@'127.0.0.1'"
    if place.is_postgresql:
        await place.run(f"CREATE ROLE {user} LOGIN {limits}")
        await place.run(f"GRANT USAGE ON SCHEMA {name} TO {user}")
        await place.run(f"GRANT {rights} ON ALL TABLES IN SCHEMA {name} TO {user}")
    else:
        await place.run(f"CREATE USER {user} {limits}")
        await place.run(f"GRANT {rights} ON {name}.* TO {user}")
    url = make_url(place.url).set(username=name)
    try:
        yield (url if place.is_postgresql else url.set(database=name)).render_as_string()
    finally:
        async with linked(place.url) as link:
            for (number,) in await ask(link, _OF_USER[place.is_postgresql].format(name)):
                await ask(link, _KILL[place.is_postgresql].format(number))
        if place.is_postgresql:
            await place.run(f"DROP OWNED BY {user}")
        await place.run(f"DROP {'ROLE' if place.is_postgresql else 'USER'} {user}")


@cache
def why_missing(kind: str) -> str | None:
    """Why the server can't be used; None if it can."""

    async def probe() -> None:
        __import__(_DRIVERS[kind])
        async with asyncio.timeout(5), linked(url_of(kind)) as link:
            await ask(link, "SELECT 1")

    try:
        asyncio.run(probe())
    except Exception as error:  # noqa: BLE001 # it is told
        return repr(error)
    return None


def needed(kind: str) -> None:
    """Skip the test where the server isn't there, or fail it where it has to be."""
    why = why_missing(kind)
    if why is not None:
        name = "mariadb" if kind == "mariadb" else "postgresql"
        is_required = name in os.environ.get("INTERLOCK_REQUIRE", "").split(",")
        (pytest.fail if is_required else pytest.skip)(f"needs {name}: {why}")


def made(kind: str, folder: Path, *, in_memory: bool = True) -> Place:
    """A place, for a while: see `dropped`. Files are in the folder, or in memory if they may."""
    if kind == "sqlite":
        # There no commit waits for a disk; what a process has committed stands when it is killed.
        if in_memory and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH:
            folder = Path(mkdtemp(prefix="interlock-", dir=_MEMORY))
        return Place(kind, f"sqlite:///{folder / 'test.db'}")
    needed(kind)
    schema = f"t_{uuid4().hex}"
    noun = "DATABASE" if kind == "mariadb" else "SCHEMA"
    place = Place(kind, url_of(kind), f"{schema}.")
    asyncio.run(place.run(f"CREATE {noun} {schema}"))
    return place


def dropped(place: Place) -> None:
    """Remove what is in it."""
    if place.kind == "sqlite" and place.path.is_relative_to(_MEMORY):
        shutil.rmtree(place.path.parent)
    if place.prefix:
        schema = place.prefix.rstrip(".")
        tail = f"DATABASE {schema}" if place.kind == "mariadb" else f"SCHEMA {schema} CASCADE"
        asyncio.run(place.run(f"DROP {tail}"))


def everywhere(*kinds: str) -> Sequence[Any]:  # Any: pytest's parameters
    """The kinds of places as parameters; all unless some are named."""
    return [pytest.param(kind, id=kind) for kind in kinds or EVERYWHERE]
