"""`python tests/benchmarks/advice.py [--runs R] [--events E] [--kind KIND]`: does advice come true?

A type under three settings: without snapshots, with snapshots as often as is advised, and 20 times
as seldom. In each run `interlock advise` predicts what a load costs under each, once from a store
without snapshots and once from one that has them; then loads under the three settings take turns.
The exit code is 1 unless in 8 of 10 runs each ratio of two settings is within 1.5x of the predicted
one. Seconds are those without waits for a core, which others have: see `seconds_of`.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import combinations
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel

from interlock.application import Application, ApplicationBuilder, backend
from interlock.application.aggregates import NeverSnapshot, SnapshotAfterN
from interlock.cli.costs import Costs, seconds_of
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command
from sql_rig import Place, dropped, made

_WITHIN = 1.5
_WANTED = 0.8  # of the runs
_STREAMS = 8
_TIMES = 9
_SELDOM = 20
_PLACE = "ADVICE_PLACE"


class Paid(BaseModel):
    """Money came in."""

    amount: int


class Pay(Command[None]):
    """Pays in so many parts of 1."""

    parts: int


class Order(Aggregate):
    """Knows what was paid, and the last payments."""

    total: int = 0
    last: list[int] = []

    @handles_command
    def pay(self, command: Pay) -> None:
        for number in range(command.parts):
            self.emit(Paid(amount=number))

    @applies_event
    def paid(self, event: Paid) -> None:
        self.total += event.amount
        self.last = [*self.last[-9:], event.amount]


class Store(NamedTuple):
    """Where the streams of a setting stand; without `n` there are no snapshots."""

    url: str
    tables: str
    n: int | None

    def builder(self) -> ApplicationBuilder:
        """An application on it, without a cache."""
        events, snapshots = (
            backend(f"sqlalchemy-{kind}", url=self.url, table=f"{self.tables}{kind}", **_CREATE)
            for kind in ("events", "snapshots")
        )
        return (
            ApplicationBuilder()
            .register_event_store(events)
            .register_aggregate(
                Order,
                snapshot_strategy=NeverSnapshot() if self.n is None else SnapshotAfterN(self.n),
                snapshot_backend=snapshots,
            )
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """What lets the command find it."""
        return {_PLACE: json.dumps(self), "PYTHONPATH": os.pathsep.join(sys.path)}


_CREATE = {"create_schema": True}


def application() -> ApplicationBuilder:
    """The application of the command."""
    return Store(*json.loads(os.environ[_PLACE])).builder()


def main() -> int:
    """The exit code: 0 if advice came true."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--events", type=int, default=4_000, help="in each stream")
    parser.add_argument("--kind", default="sqlite", choices=("sqlite", "postgresql", "mariadb"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = made(options.kind, Path(folder))
        try:
            return asyncio.run(_judged(place, options.runs, options.events))
        finally:
            dropped(place)


async def _judged(place: Place, runs: int, events: int) -> int:
    never = Store(place.url, place.table("never_"), None)
    await _fill(never, events)
    n = min(_costs(never)[1], events // 4)
    often = Store(place.url, place.table("often_"), n)
    seldom = Store(place.url, place.table("seldom_"), min(n * _SELDOM, events // 2))
    stores = never, often, seldom
    for store in stores[1:]:
        await _fill(store, events)
    print(f"{_STREAMS} streams of {events:,} events on {place.kind}")
    print(f"settings: no snapshots, after-n {often.n:,}, after-n {seldom.n:,}")
    print("a load in us, predicted (from no snapshots; from some) and measured; worst ratio off")
    came_true = 0
    for run in range(1, runs + 1):
        predicted = [_predicted(source, stores, events) for source in (never, often)]
        measured = await _measured(stores)
        worst = max(_off(each, measured) for each in predicted)
        came_true += worst <= _WITHIN
        columns = "  ".join(_told(each) for each in (*predicted, measured))
        print(f"{run:2}  {columns}  {worst:.2f}", flush=True)
    print(f"within {_WITHIN}x in {came_true} of {runs} runs")
    return 0 if came_true >= _WANTED * runs else 1


async def _fill(store: Store, events: int) -> None:
    """Streams whose tails behind the last snapshot are spread over all lengths there are.

    A snapshot is taken where a commit reaches a multiple of n.
    """
    n = store.n or _STREAMS
    tails = [n * (2 * number + 1) // (2 * _STREAMS) for number in range(_STREAMS)]
    # The application is closed between, so that the snapshots stand when the tails are loaded.
    for parts in ([(events - n) // n * n] * _STREAMS, tails):
        async with store.builder().build() as app:
            for number, each in enumerate(parts):
                await app.dispatch(Pay(aggregate_id=UUID(int=number), parts=each))


def _costs(store: Store) -> tuple[Costs, int]:
    """The costs that the command measures, and its n."""
    done = subprocess.run(
        [sys.executable, "-m", "interlock", "advise", "--app", "advice:application", "--json"],
        env={**os.environ, **store.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    (advice,) = json.loads(done.stdout)
    costs = Costs(**advice["costs"])
    return costs, advice["n"] or costs.n


def _predicted(source: Store, stores: Sequence[Store], events: int) -> list[float]:
    """Seconds of a mean load under each setting, by the costs that are advised from `source`."""
    costs, _ = _costs(source)
    return [costs.load(events) if store.n is None else costs.mean_load(store.n) for store in stores]


async def _measured(stores: Sequence[Store]) -> list[float]:
    """Seconds of a mean load under each setting; loads of all three take turns."""
    spent: dict[tuple[int, int], list[float]] = {}
    async with AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(store.builder().build()) for store in stores]
        for _ in range(_TIMES):
            for place, app in enumerate(apps):
                for number in range(_STREAMS):
                    spent.setdefault((place, number), []).append(await _seconds(app, number))
    return [
        mean(median(spent[place, number]) for number in range(_STREAMS))
        for place in range(len(stores))
    ]


async def _seconds(app: Application, number: int) -> float:
    return await seconds_of(lambda: app.load(Order, UUID(int=number)))


def _off(predicted: Sequence[float], measured: Sequence[float]) -> float:
    """By which factor the predicted ratio of two settings differs most from the measured one."""
    return max(_factors(predicted, measured))


def _factors(predicted: Sequence[float], measured: Sequence[float]) -> Iterator[float]:
    for one, other in combinations(range(len(measured)), 2):
        factor = (predicted[one] / predicted[other]) / (measured[one] / measured[other])
        yield max(factor, 1 / factor)


def _told(seconds: Sequence[float]) -> str:
    return "".join(f"{each * 1e6:8,.0f}" for each in seconds)


if __name__ == "__main__":
    sys.exit(main())
