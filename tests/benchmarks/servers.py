"""Interlock on PostgreSQL and MariaDB against the drivers, asyncpg and asyncmy.

What a careful hand writes with the driver alone, on the same server. Events and snapshots are on
one URL.
"""

import asyncio
import tempfile
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import make_url

from account import Account, MoneyDeposited, history
from callers import on_server
from floor_servers import FLOORS, ServerFloor
from measuring import Row, measure, same
from sql_rig import Place, dropped, linked, made, url_of
from stores import Ours, append_to, fill, opened

_APPENDS = 20


async def loads(kind: str, ours: Ours, floor: ServerFloor, repetitions: int) -> list[Row]:
    """Cold, and from a snapshot at 9,500."""
    account_id, events = uuid4(), history(10_000)
    (state,) = await fill(ours, {account_id: events}, snapshot_at=9_500)
    await floor.create()
    await floor.fill(account_id, events, state)
    async with ours.application() as app:
        same(await app.load(Account, account_id), await floor.load(account_id))
        cold = await measure(
            f"{kind}: cold load, 10,000 events",
            repetitions,
            lambda: floor.load(account_id),
            lambda: app.load(Account, account_id),
        )
    async with ours.application(snapshots=True) as app:
        same(await app.load(Account, account_id), await floor.load_snapshot(account_id))
        from_snapshot = await measure(
            f"{kind}: snapshot at 9,500, 500 events",
            repetitions * 4,
            lambda: floor.load_snapshot(account_id),
            lambda: app.load(Account, account_id),
        )
    return [cold, from_snapshot]


async def appends(kind: str, ours: Ours, floor: ServerFloor, repetitions: int) -> Row:
    """One event at a time, each a transaction of its own."""
    account_id = uuid4()
    version = 0
    async with opened(ours.events()) as store:
        head: tuple[int, UUID] | None = None

        async def by_hand() -> None:
            nonlocal version
            for _ in range(_APPENDS):
                version += 1
                await floor.append(account_id, version, MoneyDeposited(amount=version))

        async def by_us() -> None:
            nonlocal head
            for number in range(_APPENDS):
                event = MoneyDeposited(amount=number)
                head = await append_to(store, account_id, [event], after=head)

        return await measure(
            f"{kind}: append of one event", repetitions, by_hand, by_us, operations=_APPENDS
        )


async def on(place: Place, repetitions: int) -> list[Row]:
    """All workloads on one server."""
    ours = Ours(place.url, place.prefix)
    async with linked(place.url) as link:
        floor = FLOORS[place.kind](link, place.prefix)
        rows = await loads(place.kind, ours, floor, repetitions)
        return [*rows, await appends(place.kind, ours, floor, repetitions)]


async def on_kind(kind: str, repetitions: int) -> list[Row]:
    """All workloads on one server, in a schema of its own that is dropped behind it.

    Raises `OSError` if no server answers.
    """
    url = make_url(url_of(kind))
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.close()
    with tempfile.TemporaryDirectory() as folder:
        place = await asyncio.to_thread(made, kind, Path(folder))
        try:
            return [*await on(place, repetitions), *await on_server(place, repetitions)]
        finally:
            await asyncio.to_thread(dropped, place)
