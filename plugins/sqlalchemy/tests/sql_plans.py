"""How a server would go about a statement: what it reads by the primary key, what it sorts."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from interlock_sqlalchemy.database import Database, Row
from interlock_sqlalchemy.drivers import Asyncmy, Asyncpg
from interlock_sqlalchemy.server import ServerDatabase
from sql_rig import Place, ask, made

Spoken = tuple[str, Sequence[object]]
Part = dict[str, Any]  # of a plan: whatever the server's JSON holds


def filled(kind: str, folder: Path, ddl: Callable[..., str], table: str, rows: str) -> Place:
    """A place with a table that has these rows, and statistics."""
    place = made(kind, folder)
    name = place.table(table)
    dialect = "postgresql" if place.is_postgresql else "mysql"
    analyze = "VACUUM (ANALYZE)" if place.is_postgresql else "ANALYZE TABLE"

    async def fill() -> None:
        for statement in (ddl(dialect, table=name), rows, f"{analyze} {name}"):
            await place.run(statement)

    asyncio.run(fill())
    return place


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> list[Spoken]:
    """The statements with values that the drivers are given, and these."""
    said: list[Spoken] = []

    def noting(method: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        def noted(
            driver: object, link: object, text: str, values: Sequence[object] = ()
        ) -> Awaitable[object]:
            if values:
                said.append((text, values))
            return method(driver, link, text, values)

        return noted

    for driver in (Asyncpg, Asyncmy):
        for name in ("fetch", "run"):
            monkeypatch.setattr(driver, name, noting(getattr(driver, name)))
    return said


async def faults(database: Database, said: Spoken) -> set[str]:
    """What of the statement's plan isn't a search by the primary key: "Seq Scan", "Sort".

    The plan is that of a connection which the database has set up.
    """
    assert isinstance(database, ServerDatabase)
    (text, values), pool = said, database._links.pool
    taken = await pool.take()
    try:
        if not text.count("$1"):
            return set(_faults_mariadb(await ask(taken.link, f"EXPLAIN {text}", *values)))
        await ask(taken.link, f"PREPARE said AS {text}")
        given = ", ".join(map(_literal, values))
        ((plan,),) = await ask(taken.link, f"EXPLAIN (FORMAT JSON) EXECUTE said({given})")
        await ask(taken.link, "DEALLOCATE said")
        return set(_faults_postgresql(plan[0]["Plan"]))
    finally:
        pool.give_back(taken)


def _literal(value: object) -> str:
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(_literal, value))}]"
    return repr(value)


def _faults_postgresql(part: Part) -> Iterator[str]:
    kind = part["Node Type"]
    if kind in ("Sort", "Incremental Sort"):
        yield "Sort"
    elif "Index" in kind:
        by_key = part["Index Name"].endswith("_pkey") and "aggregate_id" in part["Index Cond"]
        if not by_key:
            yield kind
    elif "Relation Name" in part and kind not in ("Bitmap Heap Scan", "ModifyTable"):
        yield kind
    for inner in part.get("Plans", ()):
        yield from _faults_postgresql(inner)


def _faults_mariadb(rows: Sequence[Row]) -> Iterator[str]:
    for _, kind, table, access, _, key, *_, extra in rows:
        if "filesort" in (extra or ""):
            yield "Sort"
        is_target = kind == "INSERT" or not (table or "").startswith("interlock_")
        if not is_target and (key != "PRIMARY" or access in ("ALL", "index")):
            yield access
