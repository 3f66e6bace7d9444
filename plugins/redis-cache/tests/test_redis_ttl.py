"""How long an entry lives."""

from collections.abc import Awaitable, Callable

from interlock.backends import (
    AggregateRecord,
    RecordKey,
)
from interlock_redis_cache.backend import RedisAggregateCacheBackend
from redis_rig import Server, new_key, record_of

Record = Callable[..., AggregateRecord]


Make = Callable[..., Awaitable[RedisAggregateCacheBackend]]


async def test_an_entry_lives_for_the_ttl_less_the_jitter(
    server: Server, make: Make, key: RecordKey, record: Record
) -> None:
    for chance, most, least in (
        (0.0, 100_000, 90_000),
        (0.5, 95_000, 85_000),
        (1.0, 90_000, 80_000),
    ):
        cache = await make(server.url, ttl="100s", jitter=0.1, chance=lambda chance=chance: chance)
        await cache.put(key, record(5))
        assert least < int(server.ask("PTTL", key.text())) <= most


async def test_an_entry_of_never_stays(
    server: Server, make: Make, key: RecordKey, record: Record
) -> None:
    cache = await make(server.url, ttl="never")
    await cache.put(key, record(5))
    assert server.ask("PTTL", key.text()) == "-1"


async def test_a_put_that_leaves_the_entry_leaves_its_ttl(
    server: Server, make: Make, key: RecordKey, record: Record
) -> None:
    await (await make(server.url, ttl="1h")).put(key, record(5))
    await (await make(server.url, ttl="never")).put(key, record(4))
    assert int(server.ask("PTTL", key.text())) > 0


async def test_a_ttl_below_a_millisecond_is_one_millisecond(make: Make, server: Server) -> None:
    key = new_key()
    cache = await make(server.url, ttl="0.1ms")
    await cache.put(key, record_of(key, 1))
