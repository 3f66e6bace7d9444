"""Interlock on SQLite against the hand-written floor: the workloads W1 to W3, W5 and W6.

Both load the same accounts, in turn in one process, so that a slow minute of the machine slows
both; what counts is the ratio of their medians.
"""

import gc
import random
import tempfile
import time
import tracemalloc
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from pydantic import BaseModel

from account import Account, Deposit, history
from floor import Floor, PlainAccount, state_of
from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    InMemoryAggregateCacheBackend,
    InMemoryEventStore,
    Trust,
)
from measuring import Row, measure, same
from stores import Ours, append_to, fill

_MEGABYTE = 1e6


async def long_streams(folder: Path, repetitions: int) -> list[Row]:
    """W1, W2 and W6: one account with 10,000 events, cold and from a snapshot at 9,500."""
    ours, floor = Ours(f"sqlite:///{folder / 'interlock.db'}"), Floor(folder / "floor.db")
    account_id, events = uuid4(), history(10_000)
    await fill_both(ours, floor, {account_id: events}, snapshot_at=9_500)
    rows = []
    async with ours.application() as app:
        same(await app.load(Account, account_id), floor.load(account_id))
        rows.append(
            await measure(
                "W1 cold load, 10,000 events",
                repetitions,
                lambda: floor.load(account_id),
                lambda: app.load(Account, account_id),
            )
        )
        rows.append(await memory_of(app, floor, account_id))
    async with ours.application(snapshots=True) as app:
        same(await app.load(Account, account_id), floor.load_snapshot(account_id))
        rows.append(
            await measure(
                "W2 snapshot at 9,500, 500 events",
                repetitions * 4,
                lambda: floor.load_snapshot(account_id),
                lambda: app.load(Account, account_id),
            )
        )
    async with ours.application(cache=True) as app:
        rows += await cached(app, floor, account_id, repetitions)
    return rows


async def fill_both(
    ours: Ours, floor: Floor, accounts: Mapping[UUID, Sequence[BaseModel]], *, snapshot_at: int
) -> None:
    """Store the same accounts in both, each with a snapshot at the version."""
    for state in await fill(ours, accounts, snapshot_at=snapshot_at):
        floor.snapshot(state)
    for account_id, events in accounts.items():
        floor.append(account_id, events)


async def in_memory(repetitions: int) -> Row:
    """W1 on the memory event store, against the floor on SQLite's own in-memory database."""
    store, floor = InMemoryEventStore(), Floor(Path(":memory:"))
    account_id, events = uuid4(), history(10_000)
    await append_to(store, account_id, events, after=None)
    floor.append(account_id, events)
    app = ApplicationBuilder().register_event_store(store).register_aggregate(Account).build()
    async with app:
        same(await app.load(Account, account_id), floor.load(account_id))
        return await measure(
            "W1 cold load, 10,000 events, in memory",
            repetitions,
            lambda: floor.load(account_id),
            lambda: app.load(Account, account_id),
            clock=time.process_time,
        )


async def memory_of(app: Application, floor: Floor, account_id: UUID) -> Row:
    """W6: the peak of what a cold load allocates."""
    peaks = []
    for load in (lambda: _done(floor.load(account_id)), lambda: app.load(Account, account_id)):
        gc.collect()
        tracemalloc.start()
        await load()
        peaks.append(tracemalloc.get_traced_memory()[1] / _MEGABYTE)
        tracemalloc.stop()
    return Row("W6 peak memory of W1", "MB", *peaks)


async def _done(state: PlainAccount) -> PlainAccount:
    return state


async def cached(app: Application, floor: Floor, account_id: UUID, repetitions: int) -> list[Row]:
    """W3: a cached state as it is, and with the check of the stream's head.

    The floor keeps the JSON in a dictionary and validates a new object; for the second it reads the
    head by one indexed statement besides.
    """
    kept = {account_id: floor.load(account_id).model_dump_json().encode()}
    validate = PlainAccount.__pydantic_validator__.validate_json
    loads = 500

    def trusting() -> PlainAccount:
        for _ in range(loads):
            state: PlainAccount = validate(kept[account_id])
        return state

    def checking() -> PlainAccount:
        for _ in range(loads):
            floor.head(account_id)
            state: PlainAccount = validate(kept[account_id])
        return state

    async def ours(freshness: Trust | FastForward) -> Account:
        for _ in range(loads):
            state = await app.load(Account, account_id, freshness=freshness)
        return state

    same(await app.load(Account, account_id), validate(kept[account_id]))
    return [
        await measure(
            "W3 cached, Trust",
            repetitions,
            trusting,
            lambda: ours(Trust()),
            operations=loads,
            clock=time.process_time,
        ),
        await measure(
            "W3 cached, FastForward",
            repetitions,
            checking,
            lambda: ours(FastForward()),
            operations=loads,
            clock=time.process_time,
        ),
    ]


async def many_streams(folder: Path, repetitions: int) -> Row:
    """W5: 1,000 accounts with a snapshot at 50 and 100 events, loaded in random order."""
    ours, floor = Ours(f"sqlite:///{folder / 'interlock.db'}"), Floor(folder / "floor.db")
    accounts = {uuid4(): history(100) for _ in range(1_000)}
    await fill_both(ours, floor, accounts, snapshot_at=50)
    ids, loads = list(accounts), 200
    generator = random.Random(5)  # noqa: S311 an order, not a secret
    async with ours.application(snapshots=True) as app:
        for account_id in ids[:20]:
            same(await app.load(Account, account_id), floor.load_snapshot(account_id))
        chosen = [generator.choice(ids) for _ in range(loads)]

        def by_hand() -> PlainAccount:
            for account_id in chosen:
                state = floor.load_snapshot(account_id)
            return state

        async def by_us() -> Account:
            for account_id in chosen:
                state = await app.load(Account, account_id)
            return state

        return await measure(
            "W5 random loads, snapshot 50, tail 50", repetitions, by_hand, by_us, operations=loads
        )


async def commands_in_memory(repetitions: int) -> Row:
    """W4 on stores in memory: how many states could be decoded while a command is handled."""
    app = (
        ApplicationBuilder()
        .register_event_store(InMemoryEventStore())
        .register_aggregate(
            Account, cache_strategy=AlwaysCache, cache_backend=InMemoryAggregateCacheBackend
        )
        .build()
    )
    accounts = [PlainAccount(id=uuid4()) for _ in range(256)]
    state = accounts[0].model_dump_json().encode()

    def decode() -> None:
        for _ in accounts:
            state_of(state)

    async with app:
        commands = partial(_one_by_one, app, accounts)
        name = "W4 hot command, in memory"
        return await measure(
            name, repetitions, decode, commands, operations=256, clock=time.process_time
        )


async def _one_by_one(app: Application, accounts: Sequence[PlainAccount]) -> None:
    for account in accounts:
        await app.dispatch(Deposit(aggregate_id=account.id, amount=1))


async def by_hand(repetitions: int) -> list[Row]:
    """All of them."""
    temporary = tempfile.TemporaryDirectory
    with temporary() as long, temporary() as many:
        rows = await long_streams(Path(long), repetitions)
        rows.append(await in_memory(repetitions))
        rows.append(await commands_in_memory(repetitions))
        rows.append(await many_streams(Path(many), repetitions))
    return rows
