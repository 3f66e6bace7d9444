"""Commands and loads by 1, 8 and 64 callers at once, on a file, in memory and on servers.

Each caller has an account of its own, which is cached for commands. The floor keeps its accounts in
variables: on SQLite it makes one commit of what all callers ask, on a server it sends one statement
for each over a pool of as many connections as ours has.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from account import Account, Deposit, MoneyDeposited, history
from floor import Floor, PlainAccount
from floor_servers import FLOORS, ServerFloor
from interlock.application import Application
from measuring import Row, measure, same
from sql_rig import Place, linked
from stores import Ours, fill

CALLERS = (1, 8, 64)
_OPERATIONS = 256
"""In one slice, so that the garbage of each is collected within what is measured."""
_CONNECTIONS = 10  # as many as `pool_size` is
_EVENTS, _SNAPSHOT_AT = 100, 50


async def on_file(name: str, folder: Path, repetitions: int) -> list[Row]:
    """Commands on a SQLite file with FULL; `name` says where the folder is."""
    ours, floor = Ours(f"sqlite:///{folder / 'interlock.db'}"), Floor(folder / "floor.db")
    rows = []
    async with ours.application(cache=True) as app:
        for callers in CALLERS:
            accounts = [PlainAccount(id=uuid4()) for _ in range(callers)]
            rows.append(
                await measure(
                    f"{name}: command, {callers} at once",
                    repetitions,
                    partial(_by_hand, floor, accounts),
                    partial(_commands, app, [account.id for account in accounts]),
                    operations=_OPERATIONS,
                )
            )
            for account in accounts:
                same(await app.load(Account, account.id), account)
    return rows


def _by_hand(floor: Floor, accounts: Sequence[PlainAccount]) -> None:
    for _ in range(_OPERATIONS // len(accounts)):
        if len(accounts) == 1:
            floor.deposit(accounts[0], 1)
        else:
            floor.deposit_all(accounts, 1)


async def _commands(app: Application, ids: Sequence[UUID]) -> None:
    for _ in range(_OPERATIONS // len(ids)):
        deposits = [Deposit(aggregate_id=each, amount=1) for each in ids]
        if len(deposits) == 1:
            await app.dispatch(deposits[0])
        else:
            await asyncio.gather(*map(app.dispatch, deposits))


async def on_server(place: Place, repetitions: int) -> list[Row]:
    """Commands, and loads of accounts with a snapshot at 50 and 100 events."""
    ours = Ours(place.url, place.prefix)
    ids = [uuid4() for _ in range(max(CALLERS))]
    states = await fill(ours, {each: history(_EVENTS) for each in ids}, snapshot_at=_SNAPSHOT_AT)
    async with _pool(place) as (free, every):
        await every[0].create()
        for state in states:
            await every[0].fill(state.id, history(_EVENTS), state)
        rows = []
        async with ours.application(cache=True) as app:
            rows += [
                await _commands_on_server(place.kind, app, free, callers, repetitions)
                for callers in CALLERS
            ]
        async with ours.application(snapshots=True) as app:
            for callers in CALLERS:
                chosen = ids[:callers]
                rows.append(
                    await measure(
                        f"{place.kind}: load, snapshot 50, tail 50, {callers} at once",
                        repetitions,
                        partial(_each, chosen, partial(_load_by_hand, free)),
                        partial(_each, chosen, partial(app.load, Account)),
                        operations=_OPERATIONS,
                    )
                )
            for each in ids:
                same(await app.load(Account, each), await every[0].load(each))
    return rows


async def _commands_on_server(
    kind: str, app: Application, free: asyncio.Queue[ServerFloor], callers: int, repetitions: int
) -> Row:
    accounts = {each: PlainAccount(id=each) for each in (uuid4() for _ in range(callers))}

    async def deposit(account_id: UUID) -> None:
        account, floor = accounts[account_id], await free.get()
        try:
            await floor.append(account_id, account.version + 1, MoneyDeposited(amount=1))
        finally:
            free.put_nowait(floor)
        account.version += 1
        account.balance += 1

    row = await measure(
        f"{kind}: command, {callers} at once",
        repetitions,
        partial(_each, list(accounts), deposit),
        partial(_commands, app, list(accounts)),
        operations=_OPERATIONS,
    )
    for account in accounts.values():
        same(await app.load(Account, account.id), account)
    return row


async def _load_by_hand(free: asyncio.Queue[ServerFloor], account_id: UUID) -> PlainAccount:
    floor = await free.get()
    try:
        return await floor.load_snapshot(account_id)
    finally:
        free.put_nowait(floor)


async def _each(ids: Sequence[UUID], call: Callable[[UUID], Awaitable[object]]) -> None:
    for _ in range(_OPERATIONS // len(ids)):
        if len(ids) == 1:
            await call(ids[0])
        else:
            await asyncio.gather(*map(call, ids))


@asynccontextmanager
async def _pool(
    place: Place,
) -> AsyncIterator[tuple[asyncio.Queue[ServerFloor], Sequence[ServerFloor]]]:
    """The connections that are free, and all."""
    async with AsyncExitStack() as stack:
        free: asyncio.Queue[ServerFloor] = asyncio.LifoQueue()
        every = []
        for _ in range(_CONNECTIONS):
            link = await stack.enter_async_context(linked(place.url))
            every.append(FLOORS[place.kind](link, f"{place.prefix}pool_"))
            free.put_nowait(every[-1])
        yield free, every


async def on_files(repetitions: int) -> list[Row]:
    """On a disk, and on tmpfs where there is one."""
    rows = []
    for name, parent in (("SQLite on disk", None), ("SQLite on tmpfs", memory_folder())):
        if name == "SQLite on tmpfs" and parent is None:
            continue
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            rows += await on_file(name, Path(folder), repetitions)
    return rows


def memory_folder() -> str | None:
    """The folder of a tmpfs; None where there is none."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 # a folder of our own in it
