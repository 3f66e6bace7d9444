"""Locks that somebody else holds, and who waits for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sql_rig import Place, ask, linked

_WAITING = {
    True: "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%OURS%'"
    " AND pid <> pg_backend_pid()",
    False: "SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'"
    " AND info LIKE '%OURS%' AND id <> CONNECTION_ID()",
}


@asynccontextmanager
async def locked(place: Place, table: str) -> AsyncIterator[None]:
    """Nobody reads or writes the table, for a while."""
    name = place.table(table)
    async with linked(place.url) as other:
        if place.is_postgresql:
            await ask(other, "BEGIN")
            await ask(other, f"LOCK TABLE {name}")
        else:
            await ask(other, f"LOCK TABLES {name} WRITE")
        yield
        await ask(other, "ROLLBACK" if place.is_postgresql else "UNLOCK TABLES")


async def waiting(place: Place, count: int = 1) -> None:
    """Return when so many statements on the place's tables wait for a lock."""
    # InnoDB's status may have bytes of keys in it, which are no UTF-8.
    options = {} if place.is_postgresql else {"charset": "latin1"}
    async with linked(place.url, **options) as link:
        while await _waits(place, link) < count:  # noqa: ASYNC110 # a server's
            await asyncio.sleep(0)


async def _waits(place: Place, link: Any) -> int:  # Any: see `linked`
    schema = place.prefix.rstrip(".")
    found = len(await ask(link, _WAITING[place.is_postgresql].replace("OURS", schema)))
    if place.is_postgresql:
        return found
    # The table of InnoDB's transactions isn't brought up to date for who asks all the time.
    ((*_, status),) = await ask(link, "SHOW ENGINE INNODB STATUS")
    transactions = status.split("---TRANSACTION ")[1:]
    return found + sum("LOCK WAIT" in one and schema in one for one in transactions)


@asynccontextmanager
async def transaction(place: Place) -> AsyncIterator[Any]:  # Any: see `linked`
    """A connection in a transaction of its own, undone at the end unless it was committed."""
    async with linked(place.url) as link:
        if place.is_postgresql:
            await ask(link, "SET deadlock_timeout = '1h'")  # others find it
        else:
            await ask(link, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            # As sessions of the plugins: it would wait for each row that it looks at otherwise.
            await ask(link, "SET SESSION innodb_snapshot_isolation = OFF")
        await ask(link, "BEGIN")
        yield link
        await ask(link, "ROLLBACK")
