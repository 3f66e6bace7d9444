"""The server kills connections: those that a place's stores have, and one that waits."""

import asyncio
from contextlib import suppress
from typing import Any

from sql_rig import Place, ask, linked

_WAITING = {
    True: "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    " AND query LIKE '%OURS%' AND pid <> pg_backend_pid()",
    False: "SELECT id FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'"
    " AND info LIKE '%OURS%' AND id <> CONNECTION_ID()",
}
_OF_PLACE = {
    True: "SELECT pid FROM pg_stat_activity WHERE query LIKE '%OURS%' AND pid <> pg_backend_pid()",
    False: "SELECT id FROM information_schema.processlist WHERE db = 'OURS'",
}


async def waiting(place: Place, link: Any) -> int:  # Any: see `linked`
    """The server's number for the connection that waits for a lock on the place's table."""
    while not (rows := await _found(_WAITING, place, link)):  # noqa: ASYNC110 # a server's
        await asyncio.sleep(0)
    return rows[0]


async def kill(place: Place, link: Any, number: int) -> None:  # Any: see `linked`
    """End a connection; one that is gone already is no matter."""
    if place.is_postgresql:
        await ask(link, f"SELECT pg_terminate_backend({number})")
    else:
        with suppress(Exception):  # MariaDB complains of that
            await ask(link, f"KILL {number}")


async def kill_all(place: Place) -> int:
    """End the connections that used the place's tables; their number.

    The stores have to have the place's `own_url`.
    """
    async with linked(place.url) as link:
        numbers = await _found(_OF_PLACE, place, link)
        for number in numbers:
            await kill(place, link, number)
    return len(numbers)


async def _found(sql: dict[bool, str], place: Place, link: Any) -> list[int]:  # Any: see `linked`
    ours = sql[place.is_postgresql].replace("OURS", place.prefix.rstrip("."))
    return [int(number) for (number,) in await ask(link, ours)]
