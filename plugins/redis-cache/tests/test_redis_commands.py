"""What is sent to a server."""

from collections.abc import Callable

from interlock.backends import (
    AggregateRecord,
    RecordKey,
)
from interlock_redis_cache.backend import RedisAggregateCacheBackend
from redis_rig import Server, new_key, record_of

Record = Callable[..., AggregateRecord]


async def test_a_server_that_forgot_its_scripts_is_sent_them_again(
    server: Server, backend: RedisAggregateCacheBackend, key: RecordKey, record: Record
) -> None:
    await backend.put(key, record(4))
    server.ask("SCRIPT", "FLUSH")
    newest = record(5)
    await backend.put(key, newest)
    assert await backend.read(key) == newest
    server.ask("SCRIPT", "FLUSH")
    await backend.remove(key)
    assert await backend.read(key) is None


async def test_many_are_read_by_one_command(
    server: Server, backend: RedisAggregateCacheBackend
) -> None:
    keys = [new_key() for _ in range(20)]
    puts = {key: record_of(key, 3) for key in keys[:10]}
    for key, put in puts.items():
        await backend.put(key, put)
    server.ask("CONFIG", "RESETSTAT")
    assert await backend.read_many([*keys, *keys]) == puts
    assert "cmdstat_mget:calls=1," in server.ask("INFO", "commandstats")
    assert await backend.read_many([]) == {}
