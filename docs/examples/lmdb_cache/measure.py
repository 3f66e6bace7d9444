"""Reads of a cached state: on the event loop's thread, and through a thread; and puts.

    python docs/examples/lmdb_cache/measure.py

Both ways alternate in one run; medians, and their ratio.
"""
# ruff: noqa: SLF001, T201 # a script, which looks inside and prints

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from pathlib import Path
from uuid import UUID

from interlock.backends import RecordKey
from interlock_conformance.records import record_of

from interlock_lmdb_cache.backend import LmdbCacheBackend
from interlock_lmdb_cache.config import LmdbCacheConfig

_SIZES = (200, 2_000, 32_000, 256_000, 2_000_000)


async def timed(call: Callable[[], Awaitable[object]], calls: int) -> float:
    """Microseconds of one call."""
    started = time.perf_counter()
    for _ in range(calls):
        await call()
    return (time.perf_counter() - started) / calls * 1e6


async def measure(cache: LmdbCacheBackend, size: int, rounds: int) -> str:
    """A line of the table."""
    key = RecordKey("default", 0, "Account", UUID(int=size), "1")
    versions = count(1)

    async def put() -> None:
        await cache.put(key, record_of(key, next(versions), payload=b"x" * size))

    await put()
    entries = cache._entries
    assert entries is not None  # noqa: S101 for the type checker

    def read_in_thread() -> None:
        with entries.reading() as txn:
            cache._found(entries, txn, key)

    calls = max(2, 200_000 // (size + 1_000))
    inline, hopping, puts = [], [], []
    for _ in range(rounds):
        inline.append(await timed(partial(cache.read, key), calls))
        hopping.append(await timed(partial(asyncio.to_thread, read_in_thread), calls))
        puts.append(await timed(put, max(2, calls // 10)))
    here, there, written = map(statistics.median, (inline, hopping, puts))
    return f"{size:>10,} {here:>14.1f} {there:>14.1f} {there / here:>8.1f} {written:>10.1f}"


async def main(rounds: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        cache = LmdbCacheBackend(LmdbCacheConfig(directory=Path(scratch) / "cache"))
        await cache.open()
        print(await cache.server_version())
        print("     bytes  on the loop us   in a thread us   ratio     put us")
        for size in _SIZES:
            print(await measure(cache, size, rounds))
        await cache.close()


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 21))
