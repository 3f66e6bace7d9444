import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import pytest

from interlock.backends import BackendUnavailableError, RecordKey
from interlock_memcached_cache.backend import MemcachedAggregateCacheBackend
from interlock_memcached_cache.connection import Connection
from memcached_rig import Clock, Server, new_key, record_of

Backend = MemcachedAggregateCacheBackend
Make = Callable[..., Backend]


def key_of(backend: Backend, server: Server) -> RecordKey:
    """A key whose entry is on that server."""
    while True:
        key = new_key()
        if backend._ring.node(key.text()).name == server.name:
            return key


async def filled(backend: Backend, nodes: Sequence[Server]) -> list[RecordKey]:
    """An entry on each of the servers."""
    await backend.open()
    keys = [key_of(backend, node) for node in nodes]
    for key in keys:
        await backend.put(key, record_of(key, 5))
    return keys


async def test_each_server_has_a_share(nodes: list[Server], make: Make) -> None:
    ring = make(*nodes)._ring
    names = [ring.node(new_key().text()).name for _ in range(3_000)]
    assert all(800 < names.count(node.name) < 1_200 for node in nodes)


async def test_servers_in_another_order_have_the_same_keys(make: Make) -> None:
    ring, turned = make("a:1", "b:1", "c:1")._ring, make("c:1", "a:1", "b:1")._ring
    texts = [new_key().text() for _ in range(100)]
    assert [ring.node(text).name for text in texts] == [turned.node(text).name for text in texts]


async def test_server_that_is_added_moves_only_what_it_takes(make: Make) -> None:
    before, after = make("a:1", "b:1", "c:1")._ring, make("a:1", "b:1", "c:1", "d:1")._ring
    texts = [new_key().text() for _ in range(1_000)]
    moved = [text for text in texts if before.node(text).name != after.node(text).name]
    assert 150 < len(moved) < 350
    assert {after.node(text).name for text in moved} == {"d:1"}


async def test_killed_server_costs_its_share_and_nothing_else(
    nodes: list[Server], make: Make
) -> None:
    backend = make(*nodes)
    lost, *others = await filled(backend, nodes)
    nodes[0].kill()
    for _ in range(3):
        with pytest.raises(BackendUnavailableError, match=nodes[0].name):
            await backend.read(lost)
        with pytest.raises(BackendUnavailableError, match=nodes[0].name):
            await backend.put(lost, record_of(lost, 6))
        with pytest.raises(BackendUnavailableError, match=nodes[0].name):
            await backend.remove(lost)
        for key in others:
            assert await backend.read(key) is not None
            await backend.put(key, record_of(key, 6))
        assert (await backend.read_many([lost, *others])).keys() == set(others)


async def test_nobody_takes_over_what_a_dead_server_had(nodes: list[Server], make: Make) -> None:
    backend = make(*nodes)
    (lost, *_) = await filled(backend, nodes)
    nodes[0].kill()
    with pytest.raises(BackendUnavailableError):
        await backend.put(lost, record_of(lost, 6))
    for node in nodes[1:]:
        assert node.ask(f"get {lost.text()}\r\n".encode()) == b"END\r\n"


async def test_read_many_says_it_when_every_server_fails(nodes: list[Server], make: Make) -> None:
    backend = make(*nodes)
    keys = await filled(backend, nodes)
    for node in nodes:
        node.kill()
    with pytest.raises(BackendUnavailableError):
        await backend.read_many(keys)


async def test_server_that_failed_is_left_alone_for_a_while(
    nodes: list[Server], make: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    backend = make(*nodes, retry_interval="5s")
    (lost, *_) = await filled(backend, nodes)
    nodes[0].kill()
    for _ in range(2):
        with pytest.raises(BackendUnavailableError):
            await backend.read(lost)
        clock.now += 5
    with pytest.raises(BackendUnavailableError):
        await backend.read(lost)
    nodes[0].start()
    clock.now += 4
    with pytest.raises(BackendUnavailableError):
        await backend.read(lost)
    clock.now += 1
    with caplog.at_level(logging.INFO, "interlock_memcached_cache"):
        assert await backend.read(lost) is None
    failed, back = caplog.messages  # told once each
    assert failed.startswith(f"memcached at {nodes[0].name} can't be reached")
    assert back == f"memcached at {nodes[0].name} answers again"
    put = record_of(lost, 6)
    await backend.put(lost, put)
    assert await backend.read(lost) == put


async def test_what_is_wrong_with_an_answer_is_not_the_servers_failure(
    nodes: list[Server], make: Make
) -> None:
    backend = make(*nodes)
    key, *_ = await filled(backend, nodes)
    node = backend._ring.node(key.text())

    def misread(connection: Connection) -> bytes:
        value: bytes = connection.get(key.text())
        raise TypeError(value[:4])

    with pytest.raises(TypeError, match="ILRC"):
        await node.run(misread)
    assert await backend.read(key) is not None


async def test_one_call_finds_out_whether_a_server_is_back(
    start: Callable[..., Server], make: Make, clock: Clock
) -> None:
    server = start()
    backend = make(server, retry_interval="5s")
    (key,) = await filled(backend, [server])
    server.kill()
    with pytest.raises(BackendUnavailableError):
        await backend.read(key)
    server.start()
    server.hang()
    clock.now += 5
    probe = asyncio.create_task(backend.read(key))
    await asyncio.sleep(0)
    with pytest.raises(BackendUnavailableError):
        await backend.read(key)
    assert not probe.done()
    server.go_on()
    assert await probe is None
    assert await backend.read(key) is None


async def test_restart_between_two_calls_is_no_failure(
    start: Callable[..., Server], make: Make
) -> None:
    server = start()
    backend = make(server, pool_size=3)
    (key,) = await filled(backend, [server])
    await asyncio.gather(*(backend.read(key) for _ in range(9)))
    server.kill()
    server.start()
    for _ in range(9):
        assert await backend.read(key) is None
    server.kill()
    server.start()
    put = record_of(key, 1)
    await backend.put(key, put)
    assert await backend.read(key) == put


async def test_server_that_hangs_holds_up_nobody_else_s_keys(
    nodes: list[Server], make: Make
) -> None:
    backend = make(*nodes, pool_size=1)
    hanging, *others = await filled(backend, nodes)
    nodes[0].hang()
    waiting = [asyncio.create_task(backend.read(hanging)) for _ in range(20)]
    await asyncio.sleep(0)
    for key in others * 3:
        assert await backend.read(key) is not None
    assert not any(task.done() for task in waiting)
    nodes[0].go_on()
    assert None not in await asyncio.gather(*waiting)


async def test_server_that_hangs_is_said_to_give_no_answer(
    start: Callable[..., Server], make: Make
) -> None:
    server = start()
    backend = make(server, timeout="100ms")
    server.hang()
    try:
        async with asyncio.timeout(10):
            with pytest.raises(BackendUnavailableError, match="no answer in time"):
                await backend.open()
    finally:
        server.go_on()


@pytest.mark.parametrize("first", range(4))
async def test_cancelled_calls_leave_no_reply_behind(
    start: Callable[..., Server], make: Make, first: int
) -> None:
    server = start()
    backend = make(server, pool_size=1)
    keys = [new_key() for _ in range(4)]
    records = [record_of(key, version) for version, key in enumerate(keys, 1)]
    await backend.open()
    for key, record in zip(keys, records, strict=True):
        await backend.put(key, record)
    server.hang()
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: backend.read(keys[0]),
        lambda: backend.put(keys[1], record_of(keys[1], 9)),
        lambda: backend.read_many(keys),
        lambda: backend.remove(keys[3], records[3].stamp),
    ]
    # The thread is within the first one's; the others wait for it and never begin.
    begun = [asyncio.create_task(_ended(call())) for call in calls[first:] + calls[:first]]
    await asyncio.sleep(0)
    for task in begun:
        task.cancel()
    assert await asyncio.gather(*begun) == ["cancelled"] * 4
    server.go_on()
    assert await backend.read(keys[2]) == records[2]
    assert await backend.read(keys[0]) == records[0]
    assert (await backend.read_many(keys)).keys() >= {keys[0], keys[1], keys[2]}


async def _ended(call: Awaitable[object]) -> str:
    try:
        await call
    except asyncio.CancelledError:
        return "cancelled"
    return "done"


async def test_cache_that_is_closed_says_so(backend: Backend, key: RecordKey) -> None:
    await backend.close()
    with pytest.raises(BackendUnavailableError, match="isn't open"):
        await backend.read(key)
    await backend.open()
    assert await backend.read(key) is None


async def test_versions_are_the_servers_own(nodes: list[Server], make: Make) -> None:
    backend = make(*nodes)
    await backend.open()
    version = (await backend.server_version()).removeprefix("memcached ")
    assert f"VERSION {version}\r\n".encode() == nodes[0].ask(b"version\r\n")
