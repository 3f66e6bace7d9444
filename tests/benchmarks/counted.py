"""The operations whose instructions are counted; `instructions.py` runs this under callgrind.

Each is done twice, at two lengths, so that what both have in common falls out of the difference.
Before and after each of them stands `os.getppid`, at which callgrind writes what it has counted:
nothing else calls it. Python's garbage collector runs between them only, since when it runs depends
on everything that the process did before.
"""

import asyncio
import gc
import os
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from account import Account, Deposit, history
from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    InMemoryAggregateCacheBackend,
    Trust,
)
from stores import Ours, fill


class Operation(NamedTuple):
    """An operation, and the two lengths at which it is done; `run` takes a length."""

    name: str
    run: Callable[[int], Coroutine[object, None, None]]
    lengths: tuple[int, int]


LENGTHS = {
    "Trust hit": (100, 300),
    "FastForward hit": (100, 300),
    "FastForward hit, SQLite": (100, 300),
    "memory command": (50, 150),
    "64 memory commands at once, each": (1, 3),
    "cold event, SQLite": (400, 1_200),
    "tail event, SQLite": (200, 600),
    "load from a snapshot, SQLite": (20, 60),
    "SQLite command": (20, 60),
}
"""By operation: how many commands, loads or events; of 64 at once how many times."""
AT_ONCE = 64
_WARM_UPS = 2
_SNAPSHOT_AT = 100
_KEPT = UUID(int=1)
_HOT = [UUID(int=number) for number in range(1_001, 1_001 + AT_ONCE)]


async def _loads(app: Application, freshness: Trust | FastForward | None, count: int) -> None:
    for _ in range(count):
        await app.load(Account, _KEPT, freshness=freshness)


async def _commands(app: Application, count: int) -> None:
    for _ in range(count):
        await app.dispatch(Deposit(aggregate_id=_KEPT, amount=1))


async def _commands_at_once(app: Application, count: int) -> None:
    for _ in range(count):
        await asyncio.gather(*(app.dispatch(Deposit(aggregate_id=each, amount=1)) for each in _HOT))


async def _replay(app: Application, snapshot_at: int, length: int) -> None:
    account = await app.load(Account, _long(length, snapshot_at))
    if account.version != length + snapshot_at:
        raise AssertionError(f"wanted {length + snapshot_at} events, found {account!r}")


def _long(length: int, snapshot_at: int) -> UUID:
    return UUID(int=(length << 32) + snapshot_at)


async def operations(folder: Path, stack: AsyncExitStack) -> Sequence[Operation]:
    """All of them, on stores that are open until the stack is closed."""
    ours = Ours(f"sqlite:///{folder / 'interlock.db'}")
    cold, tail = LENGTHS["cold event, SQLite"], LENGTHS["tail event, SQLite"]
    await fill(ours, {_long(length, 0): history(length) for length in cold})
    behind = {_long(length, _SNAPSHOT_AT): history(_SNAPSHOT_AT + length) for length in tail}
    await fill(ours, {**behind, _KEPT: history(_SNAPSHOT_AT + 2)}, snapshot_at=_SNAPSHOT_AT)
    memory = (
        ApplicationBuilder()
        .register_aggregate(
            Account, cache_strategy=AlwaysCache, cache_backend=InMemoryAggregateCacheBackend
        )
        .build()
    )
    applications = (
        *(memory, ours.application()),
        *(ours.application(snapshots=True), ours.application(cache=True)),
    )
    in_memory, plain, snapshots, cached = [
        await stack.enter_async_context(each) for each in applications
    ]
    runs = (
        partial(_loads, in_memory, Trust()),
        partial(_loads, in_memory, FastForward()),
        partial(_loads, cached, FastForward()),
        partial(_commands, in_memory),
        partial(_commands_at_once, in_memory),
        partial(_replay, plain, 0),
        partial(_replay, snapshots, _SNAPSHOT_AT),
        partial(_loads, snapshots, None),
        partial(_commands, cached),
    )
    await _commands(in_memory, 1)
    return [
        Operation(name, run, lengths)
        for (name, lengths), run in zip(LENGTHS.items(), runs, strict=True)
    ]


def main() -> None:
    """Do each at both lengths, between two calls of `os.getppid`."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        for operation in runner.run(operations(Path(folder), stack)):
            for _ in range(_WARM_UPS):
                runner.run(operation.run(operation.lengths[0]))
            gc.disable()
            for length in operation.lengths:
                gc.collect()
                os.getppid()
                runner.run(operation.run(length))
                os.getppid()
            gc.enable()
        runner.run(stack.aclose())


if __name__ == "__main__":
    main()
