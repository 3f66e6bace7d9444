"""`python tests/benchmarks/outages.py [--seconds S] [--pairs N]`: what a cache that is down costs.

PostgreSQL, with snapshots; sixteen tasks, each of which loads and appends in turn. Redis and
memcached are started here, and then killed, so that they refuse, or stopped, so that they don't
answer. Runs with that cache, whose breaker is open, and without a cache take turns; probes of the
cache go on meanwhile.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple
from uuid import UUID, uuid4

from account import Account, Deposit, history
from interlock._plugins.specs import BackendReference
from interlock.application import Application, ApplicationBuilder, backend
from interlock.application.aggregates import AlwaysCache, NeverCache, SnapshotAfterN
from memcached_rig import Server as Memcached
from memcached_rig import answers as memcached_answers
from redis_rig import Server as Redis
from redis_rig import answers as redis_answers
from sql_rig import Place, dropped, made
from stores import append_to

_TASKS = 16
_ACCOUNTS = 64
_EVENTS = 120
_SLOWEST = 0.9  # of the throughput without a cache
_LATEST = 1.1  # of its 99th percentile


class Run(NamedTuple):
    """Operations a second, and the time that one of a hundred takes longer than."""

    throughput: float
    p99: float


def application(place: Place, cache: BackendReference | None) -> Application:
    """On the database, with this cache or none."""
    events, snapshots = (place.table(f"interlock_{name}") for name in ("events", "snapshots"))
    return (
        ApplicationBuilder()
        .register_event_store(
            backend("sqlalchemy-events", url=place.url, table=events, create_schema=True)
        )
        .register_aggregate(
            Account,
            snapshot_strategy=SnapshotAfterN(50),
            snapshot_backend=backend(
                "sqlalchemy-snapshots", url=place.url, table=snapshots, create_schema=True
            ),
            cache_strategy=NeverCache if cache is None else AlwaysCache,
            cache_backend=cache,
        )
        .build()
    )


@contextmanager
def caches() -> Iterator[dict[str, tuple[BackendReference, Callable[[], None]]]]:
    """By what is wrong with it: a cache, and what makes it so."""
    servers = Redis(), Redis(), Memcached(), Memcached()
    refusing, silent, dead, mute = servers
    try:
        yield {
            "redis refuses": (backend("redis-cache", url=refusing.url), refusing.kill),
            "redis gives no answer": (backend("redis-cache", url=silent.url), silent.hang),
            "memcached refuses": (backend("memcached-cache", servers=[dead.name]), dead.kill),
            "memcached gives no answer": (
                backend("memcached-cache", servers=[mute.name]),
                mute.hang,
            ),
        }
    finally:
        for server in servers:
            server.kill()


async def fill(app: Application) -> list[UUID]:
    """Accounts with some events each."""
    ids, events = [uuid4() for _ in range(_ACCOUNTS)], history(_EVENTS)
    store = app._services[Account].context.stream.store
    for each in ids:
        await append_to(store, each, events, after=None)
        await app.dispatch(Deposit(aggregate_id=each, amount=1))
    return ids


async def run(app: Application, ids: list[UUID], seconds: float) -> Run:
    """Load and append for so long."""
    spent: list[float] = []
    until, turns = time.perf_counter() + seconds, count()

    async def work() -> None:
        while (began := time.perf_counter()) < until:
            turn = next(turns)
            each = ids[turn // 2 % len(ids)]
            if turn % 2:
                await app.load(Account, each)
            else:
                await app.dispatch(Deposit(aggregate_id=each, amount=1))
            spent.append(time.perf_counter() - began)

    await asyncio.gather(*(work() for _ in range(_TASKS)))
    return Run(len(spent) / seconds, quantiles(spent, n=100)[-1])


async def compare(
    place: Place,
    cache: BackendReference,
    break_it: Callable[[], None],
    *,
    pairs: int,
    seconds: float,
) -> list[tuple[Run, Run]]:
    """Pairs of runs with the cache, once it is down, and without one."""
    found = []
    async with application(place, cache) as down, application(place, None) as without:
        ids = await fill(down)
        break_it()
        while "cache.breaker_opened" not in down.counters():
            await down.load(Account, uuid4())
        for number in range(pairs):
            if number % 2:
                plain = await run(without, ids, seconds)
                broken = await run(down, ids, seconds)
            else:
                broken = await run(down, ids, seconds)
                plain = await run(without, ids, seconds)
            found.append((broken, plain))
    return found


def main(pairs: int, seconds: float) -> int:
    """Measure, print the table, and give the exit code: 1 if it costs more than it may."""
    logging.getLogger("interlock").setLevel(logging.ERROR)
    rows = []
    with tempfile.TemporaryDirectory() as folder, caches() as broken:
        place = made("postgresql", Path(folder))
        try:
            for name, (cache, break_it) in broken.items():
                compared = compare(place, cache, break_it, pairs=pairs, seconds=seconds)
                rows.append((name, asyncio.run(compared)))
        finally:
            dropped(place)
    print(f"{', '.join(sorted(redis_answers | memcached_answers))}; {pairs} pairs of {seconds:g} s")
    print(f"{'':26} {'without':>11} {'throughput':>11} {'p99':>7}")
    is_well = True
    for name, found in rows:
        rate = median(plain.throughput for _, plain in found)
        throughput = median(down.throughput / plain.throughput for down, plain in found)
        p99 = median(down.p99 / plain.p99 for down, plain in found)
        is_well = is_well and throughput >= _SLOWEST and p99 <= _LATEST
        print(f"{name:26} {rate:>9,.0f}/s {throughput:>10.2f}x {p99:>6.2f}x")
    print(f"{'wanted':26} {'':11} {f'>= {_SLOWEST:.2f}x':>11} {f'<= {_LATEST:.2f}x':>8}")
    return 0 if is_well else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    sys.exit(main(given.pairs, given.seconds))
