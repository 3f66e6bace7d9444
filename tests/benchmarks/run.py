"""`python tests/benchmarks/run.py [--quick] [--json FILE]`: ours against the hand-written floor.

Both run in turn in one process, so that a slow minute of the machine slows both; what counts is the
ratio of their medians. That both end in the same state is asserted.
"""

import argparse
import asyncio
import gc
import json
import random
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

from account import Account, history
from floor import Floor, PlainAccount
from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import FastForward, InMemoryEventStore, Trust
from stores import Ours, append_to, fill

_MICROSECONDS = 1e6
_MEGABYTE = 1e6


@dataclass(frozen=True)
class Row:
    """One line of the table; `ours` and `floor` in microseconds, W6 in megabytes."""

    workload: str
    unit: str
    floor: float
    ours: float

    @property
    def ratio(self) -> float:
        """Ours over the floor."""
        return self.ours / self.floor


def same(ours: Account, floor: PlainAccount) -> None:
    """Assert that both loads ended in the same state."""
    found = {name: getattr(ours, name) for name in PlainAccount.model_fields}
    wanted = {name: getattr(floor, name) for name in PlainAccount.model_fields}
    if found != wanted:
        raise AssertionError(f"ours is {found}, the floor {wanted}")


async def measure(
    workload: str,
    repetitions: int,
    floor: Callable[[], object],
    ours: Callable[[], Awaitable[object]],
    *,
    operations: int = 1,
) -> Row:
    """Medians of both, run in turn; `operations` is how many loads one call makes."""
    spent: tuple[list[float], list[float]] = ([], [])
    for repetition in range(repetitions + 1):
        gc.collect()
        start = time.perf_counter()
        floor()
        middle = time.perf_counter()
        await ours()
        end = time.perf_counter()
        if repetition:  # the first warms up
            spent[0].append(middle - start)
            spent[1].append(end - middle)
    scale = _MICROSECONDS / operations
    return Row(workload, "us", median(spent[0]) * scale, median(spent[1]) * scale)


async def long_streams(folder: Path, repetitions: int) -> list[Row]:
    """W1, W2 and W6: one account with 10,000 events, cold and from a snapshot at 9,500."""
    ours, floor = Ours(folder), Floor(folder / "floor.db")
    account_id, events = uuid4(), history(10_000)
    await fill(ours, floor, {account_id: list(events)}, snapshot_at=9_500)
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
            "W3 cached, Trust", repetitions, trusting, lambda: ours(Trust()), operations=loads
        ),
        await measure(
            "W3 cached, FastForward",
            repetitions,
            checking,
            lambda: ours(FastForward()),
            operations=loads,
        ),
    ]


async def many_streams(folder: Path, repetitions: int) -> Row:
    """W5: 1,000 accounts with a snapshot at 50 and 100 events, loaded in random order."""
    ours, floor = Ours(folder), Floor(folder / "floor.db")
    accounts = {uuid4(): history(100) for _ in range(1_000)}
    await fill(ours, floor, dict(accounts), snapshot_at=50)
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


async def run(repetitions: int) -> list[Row]:
    """All workloads."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        rows = await long_streams(Path(one), repetitions)
        rows.append(await in_memory(repetitions))
        rows.append(await many_streams(Path(other), repetitions))
    return sorted(rows, key=lambda row: row.workload)


def main() -> int:
    """Run, print a table, write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--json", type=Path, help="write the rows to this file too")
    options = parser.parse_args()
    rows = asyncio.run(run(7 if options.quick else 25))
    lines = [
        f"Python {sys.version.split()[0]}; medians of loads in turn with the hand-written floor",
        f"{'workload':42} {'floor':>12} {'ours':>12} {'ratio':>7}",
    ]
    for row in rows:
        floor, ours = f"{row.floor:,.2f} {row.unit}", f"{row.ours:,.2f} {row.unit}"
        lines.append(f"{row.workload:42} {floor:>12} {ours:>12} {row.ratio:>6.2f}x")
    print(*lines, sep="\n")
    if options.json:
        options.json.write_text(
            json.dumps([asdict(row) | {"ratio": row.ratio} for row in rows], indent=2)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
