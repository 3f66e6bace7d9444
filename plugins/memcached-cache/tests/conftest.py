"""Real servers, and backends on them."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from interlock.backends import AggregateRecord, RecordKey
from interlock_memcached_cache.backend import MemcachedAggregateCacheBackend
from interlock_memcached_cache.config import MemcachedConfig
from memcached_rig import Clock, Server, answers, new_key, record_of


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"memcached answers: {', '.join(sorted(answers)) or 'not asked'}")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One that all tests share: none of them stops it, each has keys of its own."""
    server = Server()
    yield server
    server.kill()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*options: str, speaks: bool = True, path: Path | None = None) -> Server:
        started.append(Server(*options, speaks=speaks, path=path))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def nodes(start: Callable[..., Server]) -> list[Server]:
    return [start() for _ in range(3)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def make(clock: Clock) -> AsyncIterator[Callable[..., MemcachedAggregateCacheBackend]]:
    """Makes backends that are closed at the end; those that are given servers by object."""
    async with AsyncExitStack() as stack:

        def make(*servers: Server | str, **options: object) -> MemcachedAggregateCacheBackend:
            names = [server if isinstance(server, str) else server.name for server in servers]
            config = MemcachedConfig.model_validate({"servers": names, "timeout": 30, **options})
            backend = MemcachedAggregateCacheBackend(config, monotonic=clock)
            stack.push_async_callback(backend.close)
            return backend

        yield make


@pytest.fixture
async def backend(
    server: Server, make: Callable[..., MemcachedAggregateCacheBackend]
) -> MemcachedAggregateCacheBackend:
    backend = make(server)
    await backend.open()
    return backend


@pytest.fixture
def key() -> RecordKey:
    return new_key()


@pytest.fixture
def record(key: RecordKey) -> Callable[..., AggregateRecord]:
    return partial(record_of, key)
