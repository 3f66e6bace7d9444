"""`python tests/benchmarks/run.py [--quick] [--json FILE]`: ours against the hand-written floor.

Both run in turn in one process, so that a slow minute of the machine slows both; what counts is the
ratio of their medians. That both end in the same state is asserted.
"""

import argparse
import asyncio
import gc
import random
import sys
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
from measuring import Row, measure, same, tell
from stores import Ours, append_to, fill

_MEGABYTE = 1e6
_GOALS = {
    "W1 cold load, 10,000 events": 1.35,
    "W2 snapshot at 9,500, 500 events": 1.5,
    "W3 cached, Trust": 4.0,
    "W3 cached, FastForward": 2.5,
    "W4 hot command": 3.0,
    "W4 hot commands, 64 at once": 5.0,
    "W4 hot command, in memory": 30.0,
    "W5 random loads, snapshot 50, tail 50": 1.5,
}
"""Ours over the floor."""


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

    def trusting() -> None:
        for _ in range(loads):
            validate(kept[account_id])

    def checking() -> None:
        for _ in range(loads):
            floor.head(account_id)
            validate(kept[account_id])

    async def ours(freshness: Trust | FastForward) -> None:
        for _ in range(loads):
            await app.load(Account, account_id, freshness=freshness)

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

        def by_hand() -> None:
            for account_id in chosen:
                floor.load_snapshot(account_id)

        async def by_us() -> None:
            for account_id in chosen:
                await app.load(Account, account_id)

        return await measure(
            "W5 random loads, snapshot 50, tail 50", repetitions, by_hand, by_us, operations=loads
        )


async def hot_commands(folder: Path, repetitions: int) -> list[Row]:
    """W4: deposits into cached accounts, committed to the disk; and 64 of them at once.

    256 in a row, so that the garbage of each is collected within what is measured. The floor keeps
    its accounts in variables; of 64 it makes one commit.
    """
    ours, floor = Ours(f"sqlite:///{folder / 'interlock.db'}"), Floor(folder / "floor.db")
    accounts = [PlainAccount(id=uuid4()) for _ in range(64)]
    in_turn = accounts * 4

    def by_hand() -> None:
        for account in in_turn:
            floor.deposit(account, 1)

    def by_hand_at_once() -> None:
        for _ in range(4):
            floor.deposit_all(accounts, 1)

    async with ours.application(cache=True) as app:
        one, at_once = partial(_one_by_one, app, in_turn), partial(_at_once, app, accounts, 4)
        rows = [
            await measure("W4 hot command", repetitions, by_hand, one, operations=256),
            await measure(
                "W4 hot commands, 64 at once",
                repetitions,
                by_hand_at_once,
                at_once,
                operations=256,
            ),
        ]
        for account in accounts:
            same(await app.load(Account, account.id), account)
        return rows


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


async def _at_once(app: Application, accounts: Sequence[PlainAccount], times: int) -> None:
    for _ in range(times):
        deposits = [Deposit(aggregate_id=account.id, amount=1) for account in accounts]
        await asyncio.gather(*map(app.dispatch, deposits))


async def run(repetitions: int) -> list[Row]:
    """All workloads."""
    temporary = tempfile.TemporaryDirectory
    with temporary() as long, temporary() as hot, temporary() as many:
        rows = await long_streams(Path(long), repetitions)
        rows.append(await in_memory(repetitions))
        rows += await hot_commands(Path(hot), repetitions)
        rows.append(await commands_in_memory(repetitions))
        rows.append(await many_streams(Path(many), repetitions))
    return sorted(rows, key=lambda row: row.workload)


def main() -> int:
    """Run, print a table, write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--json", type=Path, help="write the rows to this file too")
    options = parser.parse_args()
    rows = asyncio.run(run(7 if options.quick else 25))
    tell("medians of loads in turn with the hand-written floor", rows, _GOALS, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
