import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial

import pytest

from interlock.backends import BackendUnavailableError, RecordKey
from interlock_redis_cache.backend import RedisAggregateCacheBackend
from interlock_redis_cache.servers import _Sentinel
from redis_rig import PATIENCE, Server, free_port, new_key, record_of
from redis_sets import Cluster, SentinelSet

Make = Callable[..., Awaitable[RedisAggregateCacheBackend]]
Start = Callable[..., Server]


async def eventually(call: Callable[[], Awaitable[object]]) -> None:
    """Until the call succeeds."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await call()
            except BackendUnavailableError:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster", "redis+sentinel"])
async def test_an_unreachable_server_is_said_at_once_and_for_each_call(
    make: Make, scheme: str
) -> None:
    service = "/bank" if scheme == "redis+sentinel" else ""
    cache = await make(f"{scheme}://127.0.0.1:{free_port()}{service}", is_open=False)
    with pytest.raises(BackendUnavailableError, match=r"127\.0\.0\.1"):
        await cache.open()
    with pytest.raises(BackendUnavailableError):
        await cache.read(new_key())


async def test_a_server_that_comes_late_is_used(start: Start, make: Make, key: RecordKey) -> None:
    server = start()
    server.kill()
    cache = await make(server.url, is_open=False)
    with pytest.raises(BackendUnavailableError):
        await cache.open()
    server.start()
    await cache.put(key, record_of(key, 1))
    assert await cache.read(key) is not None


async def test_a_restarted_server_fails_no_call_of_an_idle_pool(
    start: Start, make: Make, key: RecordKey
) -> None:
    server = start()
    cache = await make(server.url)
    await asyncio.gather(*(cache.read(new_key()) for _ in range(8)))
    server.kill()
    with pytest.raises(BackendUnavailableError):
        await cache.read(key)
    server.start()
    for _ in range(8):
        assert await cache.read(key) is None


async def test_a_hanging_server_costs_the_timeout_and_comes_back(
    start: Start, make: Make, key: RecordKey
) -> None:
    server = start()
    cache = await make(server.url, timeout=0.2)
    record = record_of(key, 1)
    await cache.put(key, record)
    server.hang()
    with pytest.raises(BackendUnavailableError, match=r"0\.2 s"):
        await cache.read(key)
    with pytest.raises(BackendUnavailableError):
        await cache.put(key, record)
    server.go_on()
    await eventually(lambda: cache.read(key))
    assert await cache.read(key) == record


@pytest.mark.parametrize("calls", ["read", "put", "read_many"])
async def test_the_reply_to_a_cancelled_call_is_given_to_no_other(
    make: Make, target: Server | Cluster, calls: str
) -> None:
    """The server answers nobody for a while, so each call is cancelled when it was sent."""
    nodes = [target] if isinstance(target, Server) else target.nodes
    cache = await make(target.url, max_connections=2)
    keys = [new_key() for _ in range(8)]
    puts = {key: record_of(key, number) for number, key in enumerate(keys, 2)}
    for key, record in puts.items():
        await cache.put(key, record)
    started: dict[str, Callable[[RecordKey], Coroutine[None, None, object]]] = {
        "read": cache.read,
        "put": lambda key: cache.put(key, record_of(key, 1)),
        "read_many": lambda _: cache.read_many(keys),
    }
    for node in nodes:
        node.hang()
    for key in keys:
        task = asyncio.create_task(started[calls](key))
        for _ in range(20):
            await asyncio.sleep(0)
        await asyncio.sleep(0.002)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    for node in nodes:
        node.go_on()
    for key, record in puts.items():
        assert await cache.read(key) == record
    assert await cache.read_many(keys) == puts
    found = await asyncio.gather(*(cache.read(key) for key in keys))
    assert dict(zip(keys, found, strict=True)) == puts


async def test_no_more_calls_run_at_once_than_there_may_be_connections(
    server: Server, make: Make
) -> None:
    cache = await make(server.url, max_connections=3)
    key = new_key()
    before = server.ask("CLIENT", "LIST").count("\n")
    await asyncio.gather(*(cache.read(key) for _ in range(100)))
    assert server.ask("CLIENT", "LIST").count("\n") - before <= 2  # and the one of `open`


@pytest.mark.parametrize(
    "answer", [b"ERROR\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 9, b""]
)
async def test_another_protocol_on_the_port_is_said(make: Make, answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1") as other:
        port = other.sockets[0].getsockname()[1]
        cache = await make(f"redis://127.0.0.1:{port}", is_open=False)
        with pytest.raises(BackendUnavailableError, match=f"127.0.0.1:{port}"):
            await cache.open()


async def test_a_replica_named_alone_is_explained(start: Start, make: Make, server: Server) -> None:
    replica = start("--replicaof", f"127.0.0.1 {server.port}")
    cache = await make(replica.url)
    key = new_key()
    with pytest.raises(BackendUnavailableError, match="name the primary"):
        await cache.put(key, record_of(key, 1))


async def test_a_full_server_refuses_and_still_removes(start: Start, make: Make) -> None:
    server = start()
    cache = await make(server.url)
    key = new_key()
    await cache.put(key, record_of(key, 1))
    server.ask("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(BackendUnavailableError, match="OutOfMemory"):
        await cache.put(key, record_of(key, 2))
    await cache.remove(key)
    assert await cache.read(key) is None


async def test_a_dead_node_costs_its_share_of_the_keys(make: Make) -> None:
    cluster = Cluster(seconds=2)
    try:
        cluster.nodes[0].ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
        cluster.nodes[1].ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
        cache = await make(cluster.url, timeout=2)
        puts = {key: record_of(key, 1) for key in (new_key() for _ in range(30))}
        for key, record in puts.items():
            await cache.put(key, record)
        living = {k: r for k, r in puts.items() if cluster.owner(k.text()) is not cluster.nodes[2]}
        cluster.nodes[2].kill()
        for key, record in living.items():
            await eventually(partial(cache.read, key))
            assert await cache.read(key) == record
        await eventually(lambda: cache.read_many(list(puts)))
        assert await cache.read_many(list(puts)) == living
        cluster.nodes[2].start()
        for key in puts.keys() - living.keys():
            await eventually(partial(cache.put, key, puts[key]))
        assert await cache.read_many(list(puts)) == puts
    finally:
        cluster.end()


async def test_calls_at_once_forget_no_sentinel(make: Make, sentinels: SentinelSet) -> None:
    first, *_ = sentinels.sentinels
    first.hang()
    cache = await make(sentinels.url, connect_timeout=1, is_open=False)
    await asyncio.gather(*(cache.read(new_key()) for _ in range(20)))
    first.go_on()
    servers = cache._client._servers
    assert isinstance(servers, _Sentinel)
    assert len(set(servers._sentinel.sentinels)) == 3


async def test_after_a_failover_the_new_primary_is_used(make: Make, sentinels: SentinelSet) -> None:
    cache = await make(sentinels.url)
    key = new_key()
    await cache.put(key, record_of(key, 1))
    told: list[str] = []
    await cache.watch(told.append, lambda: told.append("reset"))
    sentinels.sentinels[0].kill()
    sentinels.primary.kill()
    newer = record_of(key, 2)
    await eventually(lambda: cache.put(key, newer))
    assert await cache.read(key) == newer
    assert "role:master" in sentinels.replica.ask("INFO", "replication")
    assert sentinels.replica.ask("STRLEN", key.text()) != "0"
    other = await make(sentinels.url)
    async with asyncio.timeout(PATIENCE):
        while key.text() not in told:
            await other.remove(key)
            await asyncio.sleep(0.05)
    assert told[:2] == ["reset", "reset"]
