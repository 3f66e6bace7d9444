"""What reading a small aggregate from memcached and Redis costs, against the drivers' own calls."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pymemcache.client.base import Client  # type: ignore[import-untyped] # it has no types
from redis.asyncio import Redis

import memcached_rig
import redis_rig
from interlock.backends import RecordCacheBackend
from interlock_memcached_cache.backend import MemcachedAggregateCacheBackend
from interlock_memcached_cache.config import MemcachedConfig
from interlock_redis_cache.backend import RedisAggregateCacheBackend
from interlock_redis_cache.config import RedisConfig
from measuring import Row, measure
from memcached_rig import new_key, record_of

_READS = 200
_BYTES = 100


async def cache_reads(repetitions: int) -> list[Row]:
    """One reader at a time, 100 bytes; the servers are started here."""
    memcached = memcached_rig.Server()
    try:
        rows = [await _of_memcached(memcached, repetitions)]
    finally:
        memcached.kill()
    redis = redis_rig.Server()
    try:
        return [*rows, await _of_redis(redis, repetitions)]
    finally:
        redis.end()


async def _of_memcached(server: memcached_rig.Server, repetitions: int) -> Row:
    backend = MemcachedAggregateCacheBackend(MemcachedConfig(servers=[server.name]))
    client, loop = Client(("127.0.0.1", server.port), no_delay=True), asyncio.get_running_loop()
    client.set("plain", b"x" * _BYTES)
    with ThreadPoolExecutor(1) as thread:  # the driver blocks: an event loop calls it in one
        get = partial(loop.run_in_executor, thread, client.get, "plain")
        row = await _read("memcached: read of 100 bytes", backend, repetitions, get)
    client.close()
    return row


async def _of_redis(server: redis_rig.Server, repetitions: int) -> Row:
    backend = RedisAggregateCacheBackend(RedisConfig(url=server.url))
    client = Redis.from_url(server.url)
    await client.set("plain", b"x" * _BYTES)
    row = await _read(
        "Redis: read of 100 bytes", backend, repetitions, partial(client.get, "plain")
    )
    await client.aclose()
    return row


async def _read(
    workload: str,
    backend: RecordCacheBackend,
    repetitions: int,
    get: Callable[[], Awaitable[object]],
) -> Row:
    record = record_of(new_key(), 7, size=_BYTES)

    async def by_hand() -> None:
        for _ in range(_READS):
            found = await get()
        if found != record.payload:
            raise AssertionError(f"{workload}: by hand found {found!r}")

    async def by_us() -> None:
        for _ in range(_READS):
            found = await backend.read(record.key)
        if found != record:
            raise AssertionError(f"{workload}: found {found!r}")

    await backend.open()
    try:
        await backend.put(record.key, record)
        return await measure(workload, repetitions, by_hand, by_us, operations=_READS)
    finally:
        await backend.close()
