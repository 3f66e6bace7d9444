"""Which servers a start needs, and what it leaves behind if it fails."""

import asyncio
from collections.abc import Callable

import pytest

from interlock.backends import BackendUnavailableError, RecordKey
from interlock_memcached_cache.backend import MemcachedAggregateCacheBackend
from memcached_rig import Clock, Server, new_key, record_of

Backend = MemcachedAggregateCacheBackend


Make = Callable[..., Backend]


def key_of(backend: Backend, server: Server) -> RecordKey:
    """A key whose entry is on that server."""
    while True:
        key = new_key()
        if backend._ring.node(key.text()).name == server.name:
            return key


async def test_start_without_one_server_serves_the_others(nodes: list[Server], make: Make) -> None:
    nodes[1].kill()
    backend = make(*nodes, retry_interval="1s")
    with pytest.raises(BackendUnavailableError, match=nodes[1].name) as said:
        await backend.open()
    assert nodes[0].name not in str(said.value)
    key = key_of(backend, nodes[0])
    await backend.put(key, record_of(key, 5))
    assert await backend.read(key) is not None


async def test_server_that_was_down_at_the_start_is_used_when_it_is_there(
    start: Callable[..., Server], make: Make, clock: Clock
) -> None:
    server = start()
    server.kill()
    backend = make(server)
    with pytest.raises(BackendUnavailableError, match="see that it runs"):
        await backend.open()
    server.start()
    clock.now += 1
    key = new_key()
    await backend.put(key, record_of(key, 5))
    assert await backend.read(key) is not None


async def test_required_cache_holds_on_to_nothing_when_it_cant_be_opened(
    nodes: list[Server], make: Make
) -> None:
    nodes[1].kill()
    backend = make(*nodes, required=True)
    assert backend.required
    with pytest.raises(BackendUnavailableError, match=nodes[1].name):
        await backend.open()
    assert all(node._threads is None and not node._connections for node in backend._ring.nodes)


async def test_start_that_is_cancelled_holds_on_to_nothing(nodes: list[Server], make: Make) -> None:
    backend = make(*nodes)
    nodes[1].hang()
    opening = asyncio.create_task(backend.open())
    await asyncio.sleep(0)
    opening.cancel()
    nodes[1].go_on()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert all(node._threads is None and not node._connections for node in backend._ring.nodes)
