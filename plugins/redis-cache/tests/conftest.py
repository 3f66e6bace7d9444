"""Real servers, and backends on them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial

import pytest

from interlock.backends import AggregateRecord, RecordKey
from interlock_redis_cache.backend import RedisAggregateCacheBackend
from interlock_redis_cache.config import RedisConfig
from redis_rig import REDIS, VALKEY, Server, answers, needed, new_key, record_of
from redis_sets import Cluster, SentinelSet


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"servers answer: {', '.join(sorted(answers)) or 'not asked'}")


@pytest.fixture(scope="session", params=[REDIS, VALKEY])
def binary(request: pytest.FixtureRequest) -> str:
    """The server that `server` and `cluster` are made of."""
    found: str = request.param
    needed(found)
    return found


@pytest.fixture(scope="session")
def server(binary: str) -> Iterator[Server]:
    """One that all tests share: none of them stops it, each has keys of its own."""
    server = Server("--enable-debug-command", "yes", binary=binary)
    yield server
    server.end()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*options: str, **more: object) -> Server:
        started.append(Server(*options, **more))  # type: ignore[arg-type] # its own
        return started[-1]

    yield start
    for server in started:
        server.end()


@pytest.fixture(scope="session")
def cluster(binary: str) -> Iterator[Cluster]:
    cluster = Cluster(binary)
    yield cluster
    cluster.end()


@pytest.fixture(params=["server", "cluster"])
def target(request: pytest.FixtureRequest, binary: str) -> Server | Cluster:
    assert binary  # asked for here, so that each of the two is made of each
    found: Server | Cluster = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def sentinels() -> Iterator[SentinelSet]:
    sentinels = SentinelSet(seconds=1)
    yield sentinels
    sentinels.end()


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Awaitable[RedisAggregateCacheBackend]]]:
    """Opens backends that are closed at the end."""
    async with AsyncExitStack() as stack:

        async def make(
            url: str,
            *,
            is_open: bool = True,
            chance: Callable[[], float] = lambda: 0.5,
            **options: object,
        ) -> RedisAggregateCacheBackend:
            config = RedisConfig.model_validate({"url": url, "timeout": 10, **options})
            backend = RedisAggregateCacheBackend(config, chance=chance)
            stack.push_async_callback(backend.close)
            if is_open:
                await backend.open()
            return backend

        yield make


@pytest.fixture
async def backend(
    server: Server, make: Callable[..., Awaitable[RedisAggregateCacheBackend]]
) -> RedisAggregateCacheBackend:
    return await make(server.url)


@pytest.fixture
def key() -> RecordKey:
    return new_key()


@pytest.fixture
def record(key: RecordKey) -> Callable[..., AggregateRecord]:
    return partial(record_of, key)
