"""Reads of a cached state: on the event loop's thread, and through a thread.

    python plugins/diskcache-cache/benchmarks/read.py

Both ways alternate in one run; medians, and their ratio.
"""
# ruff: noqa: INP001, SLF001, T201 # a script, which looks inside and prints

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from interlock.backends import AggregateRecord, RecordKey, Scope
from interlock_diskcache_cache.backend import DiskCacheAggregateCacheBackend, _read_entry
from interlock_diskcache_cache.config import DiskCacheConfig

_NOW = datetime.now(UTC)
_SCOPE = Scope("default", 0, "Account", "0123456789abcdef")
_SIZES = (200, 2_000, 32_000, 256_000, 2_000_000)


def record(key: RecordKey, size: int) -> AggregateRecord:
    """A record of that many bytes."""
    return AggregateRecord(
        namespace=key.namespace,
        epoch=key.epoch,
        aggregate_type=key.aggregate_type,
        aggregate_id=key.aggregate_id,
        revision=key.revision,
        version=1,
        last_event_id=uuid4(),
        last_event_at=_NOW,
        anchor_at=_NOW,
        verified_at=_NOW,
        taken_at=_NOW,
        codec="json",
        payload=b"x" * size,
    )


async def timed(call: Callable[[], Awaitable[object]], calls: int) -> float:
    """Microseconds of one call."""
    started = time.perf_counter()
    for _ in range(calls):
        await call()
    return (time.perf_counter() - started) / calls * 1e6


async def measure(backend: DiskCacheAggregateCacheBackend, size: int, rounds: int) -> str:
    """A line of the table."""
    key = _SCOPE.key(UUID(int=size))
    await backend.put(key, record(key, size))
    calls = max(2, 200_000 // (size + 1_000))
    hop = partial(backend._client._submit, partial(_read_entry, key=key), is_write=False)
    inline, hopping, puts = [], [], []
    for _ in range(rounds):
        inline.append(await timed(lambda: backend.read(key), calls))
        hopping.append(await timed(hop, calls))
        puts.append(await timed(lambda: backend.put(key, record(key, size)), calls))
    here, there, put = map(statistics.median, (inline, hopping, puts))
    return f"{size:>10,} {here:>14.1f} {there:>14.1f} {there / here:>8.1f} {put:>10.1f}"


async def main(rounds: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        config = DiskCacheConfig(directory=Path(scratch) / "cache")
        backend = DiskCacheAggregateCacheBackend(config)
        await backend.open()
        print(await backend.server_version())
        print("     bytes  on the loop us   in a thread us   ratio     put us")
        for size in _SIZES:
            print(await measure(backend, size, rounds))
        await backend.close()


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 21))
