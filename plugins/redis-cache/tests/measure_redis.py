"""How an entry is best kept, and what this backend adds to the driver's own call.

Run: `python plugins/redis-cache/tests/measure_redis.py`; medians of calls made in turn.
"""

# ruff: noqa: T201 # it prints

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping

from redis.asyncio import Redis

from interlock_redis_cache.backend import RedisAggregateCacheBackend
from interlock_redis_cache.config import RedisConfig
from interlock_redis_cache.entries import to_entry
from redis_rig import Server, answers, new_key, record_of

ROUNDS = 3_000


async def measure(calls: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            started = time.perf_counter()
            await call()
            taken[name].append(time.perf_counter() - started)
    for name, times in taken.items():
        print(f"  {name:44} {statistics.median(times) * 1e6:7.0f} us")


async def calls(
    driver: Redis, cache: RedisAggregateCacheBackend, size: int
) -> Mapping[str, Callable[[], Awaitable[object]]]:
    key = new_key()
    record, older = (record_of(key, version, size=size) for version in (5, 4))
    entry, text = to_entry(record), key.text()
    await cache.put(key, record)
    await driver.hset(
        "hash",
        mapping={"version": 5, "stamp": entry[52:68], "verified": 1, "record": entry[76:]},
    )
    return {
        "driver: GET of one string": lambda: driver.get(text),
        "driver: HGET of a hash's record": lambda: driver.hget("hash", "record"),
        "driver: HMGET of all fields": lambda: driver.hmget(
            "hash", ["version", "stamp", "verified", "record"]
        ),
        "backend: read": lambda: cache.read(key),
        "driver: SET": lambda: driver.set("string", entry, px=3_600_000),
        "backend: put, replaces": lambda: cache.put(key, record),
        "backend: put, leaves a newer one": lambda: cache.put(key, older),
    }


async def main(server: Server) -> None:
    driver = Redis(port=server.port)
    cache = RedisAggregateCacheBackend(RedisConfig(url=server.url))
    await cache.open()
    print(*answers)
    for size in (500, 50_000):
        print(f"a state of {size} bytes")
        await measure(await calls(driver, cache, size))
    await cache.close()
    await driver.aclose()


if __name__ == "__main__":
    own = Server()
    try:
        asyncio.run(main(own))
    finally:
        own.end()
