import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from interlock.backends import ChangeNotifier, RecordKey
from interlock_redis_cache.backend import RedisAggregateCacheBackend
from redis_rig import PATIENCE, Server, new_key, record_of
from redis_sets import Cluster

Make = Callable[..., Awaitable[RedisAggregateCacheBackend]]
Start = Callable[..., Server]

CHANNEL = "interlock:changes:0"
RESET = "reset"


class Told(list[str]):
    """What was told, in order."""

    async def until(self, holds: Callable[[list[str]], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds(self):  # noqa: ASYNC110 # what it waits for is any predicate
                await asyncio.sleep(0.005)


def _holds(key: RecordKey) -> Callable[[list[str]], object]:
    return lambda told: key.text() in told


def _counts(number: int) -> Callable[[list[str]], object]:
    return lambda told: len(told) == number


async def told_to(cache: RedisAggregateCacheBackend) -> Told:
    told = Told()
    await cache.watch(told.append, lambda: told.append(RESET))
    return told


async def test_what_others_put_and_remove_is_told_by_its_key(
    make: Make, target: Server | Cluster
) -> None:
    watching, other = await make(target.url), await make(target.url)
    assert isinstance(watching, ChangeNotifier)
    told = await told_to(watching)
    for key in (new_key(), new_key("a\nb é"), new_key("x" * 300), new_key("{tag}")):
        await other.put(key, record_of(key, 1))
        await told.until(_holds(key))
        await asyncio.sleep(0)
    kept = new_key()
    await other.remove(kept)
    await told.until(_holds(kept))
    assert RESET not in told


async def test_own_changes_are_not_told(server: Server, make: Make) -> None:
    watching, other = await make(server.url), await make(server.url)
    told = await told_to(watching)
    own, last = new_key(), new_key()
    record = record_of(own, 3)
    await watching.put(own, record)
    await watching.put(own, record_of(own, 4), supersedes=[record.stamp])
    await watching.remove(own)
    await other.put(last, record_of(last, 1))
    await told.until(_holds(last))
    assert told == [last.text()]


async def test_a_put_that_changes_no_state_is_not_told(server: Server, make: Make) -> None:
    watching, other = await make(server.url), await make(server.url)
    key, last = new_key(), new_key()
    event = record_of(key, 5).last_event_id
    await other.put(key, record_of(key, 5, event=event))
    told = await told_to(watching)
    await other.put(key, record_of(key, 5, event=event, seconds=60))
    await other.put(key, record_of(key, 5, event=event, seconds=30))
    await other.put(key, record_of(key, 4))
    await other.remove(key, record_of(key, 5).stamp)
    await other.put(last, record_of(last, 1))
    await told.until(_holds(last))
    assert told == [last.text()]
    await other.put(key, record_of(key, 5))
    await told.until(_holds(key))


async def test_an_entry_that_is_gone_is_told_when_it_is_removed(server: Server, make: Make) -> None:
    """A tier may still hold what the server has evicted."""
    watching, other = await make(server.url), await make(server.url)
    told = await told_to(watching)
    key = new_key()
    await other.remove(key, record_of(key, 5).stamp)
    await told.until(lambda told: told == [key.text()])


async def test_a_put_below_what_stands_tells_its_own_tier(server: Server, make: Make) -> None:
    watching, other = await make(server.url), await make(server.url)
    key = new_key()
    await other.put(key, record_of(key, 6))
    told = await told_to(watching)
    await watching.put(key, record_of(key, 5))
    assert told == [key.text()]


async def test_a_change_is_sent_before_anybody_can_read_it(server: Server, make: Make) -> None:
    """Whoever has read the new value and then asks the watcher's connection finds it told."""
    watching, other, reader = [await make(server.url) for _ in range(3)]
    told = await told_to(watching)
    key = new_key()
    for version in range(1, 200):
        putting = asyncio.ensure_future(other.put(key, record_of(key, version)))
        found = None
        while found is None or found.version < version:
            found = await reader.read(key)
        await watching.read(new_key())  # a round trip: what was sent before it has arrived
        await told.until(_counts(version))
        await putting


async def test_a_broken_channel_resets_at_once_and_again_when_it_is_back(
    server: Server, make: Make
) -> None:
    watching, other = await make(server.url), await make(server.url)
    told = await told_to(watching)
    assert told == []
    server.ask("CLIENT", "KILL", "TYPE", "pubsub")
    await told.until(lambda told: told == [RESET, RESET])
    key = new_key()
    await other.put(key, record_of(key, 1))
    await told.until(lambda told: told == [RESET, RESET, key.text()])


async def test_a_channel_that_can_not_be_had_yet_is_had_later(start: Start, make: Make) -> None:
    server = start()
    server.kill()
    watching = await make(server.url, is_open=False)
    told = await told_to(watching)
    assert told == []
    server.start()
    await told.until(lambda told: told == [RESET])
    key, other = new_key(), await make(server.url)
    await other.put(key, record_of(key, 1))
    await told.until(lambda told: told == [RESET, key.text()])


@asynccontextmanager
async def half_open(server: Server) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A way to the server that, once the event is cleared, swallows all without closing."""
    flows, tasks = asyncio.Event(), set[asyncio.Task[None]]()
    writers: list[asyncio.StreamWriter] = []
    flows.set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            await flows.wait()
            writer.write(data)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs = await asyncio.open_connection("127.0.0.1", server.port)
        writers.extend((writer, theirs[1]))
        tasks.add(asyncio.ensure_future(pump(reader, theirs[1])))
        tasks.add(asyncio.ensure_future(pump(theirs[0], writer)))

    proxy = await asyncio.start_server(accept, "127.0.0.1")
    try:
        yield f"redis://127.0.0.1:{proxy.sockets[0].getsockname()[1]}", flows
    finally:
        proxy.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.close()
        await asyncio.gather(*(w.wait_closed() for w in writers), return_exceptions=True)


async def test_a_half_open_connection_counts_as_broken(server: Server, make: Make) -> None:
    async with half_open(server) as (url, flows):
        watching = await make(url, heartbeat=0.05, timeout=0.3)
        told = await told_to(watching)
        flows.clear()
        await told.until(lambda told: told == [RESET])
        flows.set()
        await told.until(lambda told: told == [RESET, RESET])
        await watching.close()


async def test_an_idle_channel_stays_open(server: Server, make: Make) -> None:
    watching, other = await make(server.url, heartbeat=0.01), await make(server.url)
    told = await told_to(watching)
    pings = "cmdstat_ping:calls="

    def pinged() -> bool:
        stats = server.ask("INFO", "commandstats")
        return pings in stats and int(stats.split(pings)[1].split(",")[0]) >= 10

    server.ask("CONFIG", "RESETSTAT")
    async with asyncio.timeout(PATIENCE):
        while not pinged():  # noqa: ASYNC110 # the server is asked
            await asyncio.sleep(0.02)
    key = new_key()
    await other.put(key, record_of(key, 1))
    await told.until(_holds(key))
    assert told == [key.text()]


async def test_each_primary_of_a_cluster_is_listened_to(cluster: Cluster, make: Make) -> None:
    watching = await make(cluster.url)
    await told_to(watching)
    for node in cluster.nodes:
        assert node.ask("PUBSUB", "NUMSUB", CHANNEL).split() == [CHANNEL, "1"]


async def test_where_one_node_breaks_the_others_are_still_heard(
    cluster: Cluster, make: Make
) -> None:
    watching, other = await make(cluster.url), await make(cluster.url)
    told = await told_to(watching)
    cluster.nodes[0].ask("CLIENT", "KILL", "TYPE", "pubsub")
    await told.until(lambda told: told == [RESET, RESET])
    for node in cluster.nodes:
        key = next(k for k in iter(new_key, None) if cluster.owner(k.text()) is node)
        await other.put(key, record_of(key, 1))
        await told.until(_holds(key))


async def test_databases_have_channels_of_their_own(server: Server, make: Make) -> None:
    watching = await make(f"{server.url}/1")
    told = await told_to(watching)
    elsewhere, here = await make(f"{server.url}/2"), await make(f"{server.url}/1")
    key, last = new_key(), new_key()
    await elsewhere.put(key, record_of(key, 1))
    await here.put(last, record_of(last, 1))
    await told.until(lambda told: told == [last.text()])


async def test_closing_ends_the_subscription(start: Start, make: Make) -> None:
    server = start()
    watching = await make(server.url)
    told = await told_to(watching)

    def subscribers() -> str:
        return server.ask("PUBSUB", "NUMSUB", CHANNEL).split()[-1]

    assert subscribers() == "1"
    await watching.close()
    async with asyncio.timeout(PATIENCE):
        while subscribers() != "0":  # noqa: ASYNC110 # the server is asked
            await asyncio.sleep(0.02)
    assert told == []
