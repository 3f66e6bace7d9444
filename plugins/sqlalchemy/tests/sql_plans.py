"""How a server would go about a statement: what it reads by the primary key, what it sorts."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from interlock_sqlalchemy.database import Database, Row
from interlock_sqlalchemy.drivers import Asyncmy, Asyncpg
from interlock_sqlalchemy.server import ServerDatabase
from sql_rig import Place, ask, made

Sent = tuple[str, Sequence[object]]
Part = dict[str, Any]  # of a plan: whatever the server's JSON holds


# A stream of 2,000 events and 2,000 of 20; of as many aggregates, two revisions with five versions.
_ROWS = {
    ("interlock_events", "postgresql"): """\
SELECT 'default', 'Account', decode(md5(s::text), 'hex'), v, decode(md5(s || '/' || v), 'hex'),
 'MoneyDeposited', 1, 0, '', convert_to(repeat('x', 100), 'UTF8')
FROM generate_series(0, 2000) s, generate_series(1, CASE s WHEN 0 THEN 2000 ELSE 20 END) v""",
    ("interlock_events", "mysql"): """\
SELECT 'default', 'Account', unhex(md5(s.seq)), v.seq, unhex(md5(concat(s.seq, '/', v.seq))),
 'MoneyDeposited', 1, 0, '', repeat('x', 100)
FROM seq_0_to_2000 s JOIN seq_1_to_2000 v ON s.seq = 0 OR v.seq <= 20""",
    ("interlock_snapshots", "postgresql"): """\
SELECT 'default', 'Account', decode(md5(s::text), 'hex'), r, v, decode(md5(v::text), 'hex'),
 0, 0, 0, v, 'json', '', convert_to(repeat('x', 100), 'UTF8'), ''
FROM generate_series(1, 2000) s, unnest(ARRAY['r1', 'r2']) r, generate_series(1, 5) v""",
    ("interlock_snapshots", "mysql"): """\
SELECT 'default', 'Account', unhex(md5(s.seq)), concat('r', r.seq), v.seq, unhex(md5(v.seq)),
 0, 0, 0, v.seq, 'json', '', repeat('x', 100), ''
FROM seq_1_to_2000 s, seq_1_to_2 r, seq_1_to_5 v""",
}


def identity(of: object) -> UUID:
    """The id of the stream of that number, or of an event "stream/version"."""
    return UUID(bytes=hashlib.md5(str(of).encode()).digest())  # noqa: S324 # as the rows have it


def filled(kind: str, folder: Path, **tables: Callable[..., str]) -> Place:
    """A place with these tables, by their functions `ddl`, with many rows and with statistics."""
    place = made(kind, folder)
    dialect = "postgresql" if place.is_postgresql else "mysql"

    async def fill() -> None:
        for table, ddl in tables.items():
            name = place.table(table)
            await place.run(ddl(dialect, table=name))
            await place.run(f"INSERT INTO {name} {_ROWS[table, dialect]}")
            analyze = "VACUUM (ANALYZE)" if place.is_postgresql else "ANALYZE TABLE"
            await place.run(f"{analyze} {name}")

    asyncio.run(fill())
    return place


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """The statements with values that the drivers are given, and these."""
    said: list[Sent] = []

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


async def faults(database: Database, said: Sent) -> set[str]:
    """What of the statement's plan isn't a search by the primary key: "Seq Scan", "Sort".

    The plan is that of a connection which the database has set up.
    """
    assert isinstance(database, ServerDatabase)
    (text, values), pool = said, database._client.pool
    taken = await pool.take()
    try:
        if not text.count("$1"):
            return set(_faults_mariadb(await ask(taken.connection, f"EXPLAIN {text}", *values)))
        await ask(taken.connection, f"PREPARE said AS {text}")
        given = ", ".join(map(_literal, values))
        ((plan,),) = await ask(taken.connection, f"EXPLAIN (FORMAT JSON) EXECUTE said({given})")
        await ask(taken.connection, "DEALLOCATE said")
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
