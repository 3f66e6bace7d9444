"""How the cost of a load grows, one axis at a time, on SQLite; all lines take turns."""

import asyncio
import gc
import inspect
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import UUID, uuid4

from pydantic import BaseModel

from account import Account, AccountOpened, history
from floor import Floor, PlainAccount, state_of
from interlock.application import Application
from interlock.application.aggregates import FastForward, Trust
from measuring import same
from stores import Ours, append_to, fill, opened

HISTORY = (100, 1_000, 10_000, 100_000, 1_000_000)
TAIL = (0, 10, 100, 1_000, 10_000)
STATE = (100, 1_000, 10_000, 100_000, 1 << 20)
AGGREGATES = (1, 10, 100, 1_000, 10_000, 100_000)
_QUICK = 3
"""So many of each are measured by `--quick`."""
_BEHIND = 10  # events behind a snapshot
_EVENTS = 5  # of each of many aggregates
_AT_ONCE = 500
_LOADS = 50
_SLICE_SECONDS, _MOST = 0.002, 200
"""Quick loads are repeated within one measurement, for so long or so often."""


class Point(NamedTuple):
    """What one load costs on a line of an axis; `micros` are a median's microseconds."""

    axis: str
    line: str
    x: int
    micros: float


Load = Callable[[], object]


async def growth(repetitions: int, *, is_quick: bool) -> list[Point]:
    """All axes."""
    points = []
    axes = ((_history, HISTORY), (_tail, TAIL), (_state, STATE), (_aggregates, AGGREGATES))
    for axis, values in axes:
        for value in values[:_QUICK] if is_quick else values:
            with tempfile.TemporaryDirectory() as folder:
                async with AsyncExitStack() as stack:
                    points += await axis(Path(folder), stack, value, repetitions)
    return points


class _Shop:
    """Accounts of ours and of the floor, with the same events."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.ours = Ours(f"sqlite:///{folder / 'interlock.db'}")
        self.floor = Floor(folder / "floor.db")
        self._stack = stack

    async def fill(self, events: Sequence[BaseModel], snapshot_at: int | None = None) -> UUID:
        """A new account."""
        account_id = uuid4()
        for state in await fill(self.ours, {account_id: events}, snapshot_at=snapshot_at):
            self.floor.snapshot(state)
        self.floor.append(account_id, events)
        return account_id

    async def application(self, **stores: bool) -> Application:
        """An application that is open until the axis' next value."""
        return await self._stack.enter_async_context(self.ours.application(**stores))


async def _history(
    folder: Path, stack: AsyncExitStack, length: int, repetitions: int
) -> list[Point]:
    shop = _Shop(folder, stack)
    account_id = await shop.fill(history(length), snapshot_at=length - _BEHIND)
    plain, snapshots = await shop.application(), await shop.application(snapshots=True)
    cached = await shop.application(cache=True)
    lines: dict[str, Load] = {
        "replay by hand": partial(shop.floor.load, account_id),
        "replay": partial(plain.load, Account, account_id),
        "snapshot and 10 events": partial(snapshots.load, Account, account_id),
        "cached, FastForward": partial(cached.load, Account, account_id, freshness=FastForward()),
        "cached, Trust": partial(cached.load, Account, account_id, freshness=Trust()),
    }
    return await _timed(
        "history", length, lines, max(3, min(repetitions, repetitions * 10_000 // length))
    )


async def _tail(folder: Path, stack: AsyncExitStack, tail: int, repetitions: int) -> list[Point]:
    shop = _Shop(folder, stack)
    account_id = await shop.fill(history(1_000 + tail), snapshot_at=1_000)
    snapshots = await shop.application(snapshots=True)
    lines: dict[str, Load] = {
        "by hand": partial(shop.floor.load_snapshot, account_id),
        "snapshot and tail": partial(snapshots.load, Account, account_id),
    }
    return await _timed("tail", tail, lines, repetitions)


async def _state(folder: Path, stack: AsyncExitStack, size: int, repetitions: int) -> list[Point]:
    shop = _Shop(folder, stack)
    events = [AccountOpened(owner="x" * size), *history(_BEHIND)[1:]]
    account_id = await shop.fill(events, snapshot_at=_BEHIND)
    kept = shop.floor.load(account_id).model_dump_json()
    snapshots, cached = await shop.application(snapshots=True), await shop.application(cache=True)
    lines: dict[str, Load] = {
        "one validate_json": partial(state_of, kept),
        "snapshot": partial(snapshots.load, Account, account_id),
        "cached, Trust": partial(cached.load, Account, account_id, freshness=Trust()),
    }
    return await _timed("state", size, lines, repetitions)


async def _aggregates(
    folder: Path, stack: AsyncExitStack, count: int, repetitions: int
) -> list[Point]:
    shop, events = _Shop(folder, stack), history(_EVENTS)
    ids = [uuid4() for _ in range(count)]
    async with opened(shop.ours.events()) as store:
        for start in range(0, count, _AT_ONCE):  # one commit for so many
            some = ids[start : start + _AT_ONCE]
            await asyncio.gather(*(append_to(store, each, events, after=None) for each in some))
    shop.floor.append_all(ids, events)
    plain = await shop.application()
    generator = random.Random(5)  # noqa: S311 an order, not a secret
    chosen = [generator.choice(ids) for _ in range(_LOADS)]

    def by_hand() -> PlainAccount:
        for each in chosen:
            state = shop.floor.load(each)
        return state

    async def by_us() -> Account:
        for each in chosen:
            state = await plain.load(Account, each)
        return state

    lines: dict[str, Load] = {"5 events by hand": by_hand, "5 events": by_us}
    points = await _timed("aggregates", count, lines, repetitions)
    return [point._replace(micros=point.micros / _LOADS) for point in points]


async def _timed(axis: str, x: int, lines: Mapping[str, Load], repetitions: int) -> list[Point]:
    """The medians of loads in turn, each of which has to end in the first line's state."""
    spent: dict[str, list[float]] = {line: [] for line in lines}
    floor, _ = await _repeated(next(iter(lines.values())), 1)
    often = {}
    for line, load in lines.items():  # warms up
        _, seconds = await _repeated(load, 1)
        often[line] = max(1, min(_MOST, int(_SLICE_SECONDS / seconds)))
    for _ in range(repetitions):
        for line, load in lines.items():
            gc.collect()
            state, seconds = await _repeated(load, often[line])
            spent[line].append(seconds)
            if isinstance(state, Account) and isinstance(floor, PlainAccount):
                same(state, floor)
            elif state != floor:
                raise AssertionError(f"{line}: wanted {floor!r}, found {state!r}")
    return [Point(axis, line, x, median(each) * 1e6) for line, each in spent.items()]


async def _repeated(load: Load, times: int) -> tuple[object, float]:
    """The last load's state, and the seconds of one."""
    began = time.perf_counter()
    for _ in range(times):
        state = load()
        if inspect.isawaitable(state):
            state = await state
    return state, (time.perf_counter() - began) / times
