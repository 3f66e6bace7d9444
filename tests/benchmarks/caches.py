"""`python tests/benchmarks/caches.py [--rounds N]`: what a load costs from each cache.

One account of 1,000 events in a SQLite file, `Trust`, an idle machine's worth of one caller at a
time; servers are started here. All caches take turns in one process. The last column is the load
over the same one without a cache.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from uuid import uuid4

from account import Account, history
from interlock._plugins.specs import BackendReference
from interlock.application import Application, ApplicationBuilder, CacheBackendSource, backend
from interlock.application.aggregates import (
    AlwaysCache,
    InMemoryAggregateCacheBackend,
    NeverCache,
    SnapshotWhenReplayed,
    TieredAggregateCacheBackend,
)
from interlock_redis_cache.backend import RedisAggregateCacheBackend
from interlock_redis_cache.config import RedisConfig
from memcached_rig import Server as Memcached
from memcached_rig import answers as memcached_answers
from redis_rig import Server as Redis
from redis_rig import answers as redis_answers
from stores import append_to

_EVENTS = 1_000
Cache = CacheBackendSource | None


def application(url: str, cache: Cache, *, snapshots: bool = False) -> Application:
    """On the SQLite file, with this cache or none."""
    return (
        ApplicationBuilder()
        .register_event_store(backend("sqlalchemy-events", url=url, create_schema=True))
        .register_aggregate(
            Account,
            snapshot_strategy=SnapshotWhenReplayed(100),
            snapshot_backend=_snapshots(url) if snapshots else None,
            cache_strategy=NeverCache if cache is None else AlwaysCache,
            cache_backend=cache,
        )
        .build()
    )


def _snapshots(url: str) -> BackendReference:
    return backend("sqlalchemy-snapshots", url=url, create_schema=True)


async def main(rounds: int) -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bank.db'}"
        memcached, redis = Memcached(), Redis()
        try:
            await _measure(rounds, url, _caches(Path(folder), memcached, redis))
        finally:
            memcached.kill()
            redis.end()


def _caches(folder: Path, memcached: Memcached, redis: Redis) -> Mapping[str, Cache]:
    shared = RedisAggregateCacheBackend(RedisConfig(url=redis.url))
    local = InMemoryAggregateCacheBackend()
    return {
        "none": None,
        "none, snapshots in SQLite": None,
        "memory-cache": backend("memory-cache"),
        "tiered, local hit": TieredAggregateCacheBackend(local, shared),
        "diskcache-cache": backend("diskcache-cache", directory=str(folder / "cache")),
        "redis-cache": backend("redis-cache", url=redis.url),
        "memcached-cache": backend("memcached-cache", servers=[memcached.name]),
    }


async def _measure(rounds: int, url: str, caches: Mapping[str, Cache]) -> None:
    account_id, events = uuid4(), history(_EVENTS)
    async with AsyncExitStack() as stack:
        apps = {
            name: await stack.enter_async_context(
                application(url, cache, snapshots="snapshots" in name)
            )
            for name, cache in caches.items()
        }
        await append_to(
            apps["none"]._services[Account].context.stream.store,
            account_id,
            events,
            after=None,
        )
        spent: dict[str, list[float]] = {name: [] for name in apps}
        for turn in range(rounds + 2):  # the first loads fill
            for name, app in apps.items():
                began = time.perf_counter()
                account = await app.load(Account, account_id)
                if turn > 1:
                    spent[name].append(time.perf_counter() - began)
                if account.version != _EVENTS:
                    raise AssertionError(f"{name}: {account!r}")
    medians = {name: median(times) * 1e6 for name, times in spent.items()}
    print(", ".join(sorted(redis_answers | memcached_answers)))
    print(f"{'cache':28} {'load':>10} {'against none':>13}")
    for name, taken in medians.items():
        print(f"{name:28} {taken:>7,.0f} us {taken / medians['none']:>12.3f}x")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    asyncio.run(main(parser.parse_args().rounds))
