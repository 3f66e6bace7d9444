import time
from collections.abc import Callable
from uuid import uuid4

import pytest

from interlock.backends import RecordKey, RecordUnusableError
from interlock_memcached_cache.backend import MemcachedAggregateCacheBackend
from interlock_memcached_cache.config import MemcachedConfig
from interlock_memcached_cache.connection import Connection
from memcached_rig import Server, new_key, record_of

Backend = MemcachedAggregateCacheBackend
DAY = 24 * 60 * 60


def flipped(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def foreign(key: RecordKey) -> list[bytes]:
    value = record_of(key, 5).to_bytes()
    return [
        b"",
        b"a session of another application",
        b"\x80\x04cos\nsystem\n(S'exit 1'\ntR.",
        value[:-1],
        value[: len(value) // 2],
        value + b"x",
        flipped(value, -1),
        flipped(value, 4),  # the format's version
        flipped(value, len(value) // 2),
        record_of(key._replace(aggregate_id=uuid4()), 5).to_bytes(),
        record_of(key._replace(aggregate_type="Other"), 5).to_bytes(),
        record_of(key._replace(revision="r2"), 5).to_bytes(),
    ]


@pytest.mark.parametrize("number", range(len(foreign(new_key()))))
async def test_what_is_no_record_of_the_key_is_unusable_and_replaced(
    backend: Backend, server: Server, key: RecordKey, number: int
) -> None:
    server.plant(key, foreign(key)[number])
    with pytest.raises(RecordUnusableError):
        await backend.read(key)
    assert await backend.read_many([key]) == {}
    put = record_of(key, 1)
    await backend.put(key, put)
    assert await backend.read(key) == put


async def test_removal_by_stamp_leaves_what_is_no_record(
    backend: Backend, server: Server, key: RecordKey
) -> None:
    server.plant(key, b"somebody's")
    await backend.remove(key, record_of(key, 5).stamp)
    with pytest.raises(RecordUnusableError):
        await backend.read(key)
    await backend.remove(key)
    assert await backend.read(key) is None


@pytest.mark.parametrize(
    "namespace", ["a b", "a\r\nflush_all\r\n", "\0\x7f", "größe", "n" * 300, "\r\n" * 200]
)
async def test_hostile_namespaces_make_harmless_keys(backend: Backend, namespace: str) -> None:
    bystander, key = new_key(), new_key(namespace)
    records = {bystander: record_of(bystander, 1), key: record_of(key, 5)}
    for each, record in records.items():
        await backend.put(each, record)
    assert await backend.read(key) == records[key]
    assert await backend.read(key._replace(namespace=namespace + "x")) is None
    assert await backend.read_many([key, bystander]) == records


async def test_read_many_gives_what_there_is(backend: Backend) -> None:
    keys = [new_key() for _ in range(2_000)]
    records = {key: record_of(key, 5) for key in keys[::20]}
    for key, record in records.items():
        await backend.put(key, record)
    assert await backend.read_many([*keys, *keys]) == records
    assert await backend.read_many([]) == {}


async def test_read_many_makes_one_round_trip_to_each_server(
    nodes: list[Server], make: Callable[..., Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = make(*nodes)
    await backend.open()
    records = {key: record_of(key, 5) for key in (new_key() for _ in range(60))}
    for key, record in records.items():
        await backend.put(key, record)
    asked: list[object] = []
    fetch = Connection._fetch_cmd

    def spy(self: Connection, *args: object, **options: object) -> object:
        asked.append(self.server)
        return fetch(self, *args, **options)

    monkeypatch.setattr(Connection, "_fetch_cmd", spy)
    assert await backend.read_many(list(records)) == records
    assert sorted(map(str, asked)) == sorted(str(("127.0.0.1", node.port)) for node in nodes)


@pytest.mark.parametrize(
    ("ttl", "seconds_ahead", "is_there"),
    [
        ("1h", -400 * DAY, True),  # the server counts: our clock doesn't matter
        ("30d", -400 * DAY, True),
        ("31d", 0, True),
        ("31d", -40 * DAY, False),  # beyond 30 days the server takes a Unix time
        ("31d", 5, True),
        ("36500d", 0, True),
        ("never", 0, True),
        ("never", -400 * DAY, True),
    ],
)
async def test_entries_live_as_long_as_they_are_given(
    server: Server,
    make: Callable[..., Backend],
    key: RecordKey,
    *,
    ttl: str,
    seconds_ahead: int,
    is_there: bool,
) -> None:
    backend = make(server, ttl=ttl)
    backend.clock = lambda: time.time() + seconds_ahead
    await backend.open()
    await backend.put(key, record_of(key, 5))
    assert (await backend.read(key) is not None) == is_there


@pytest.mark.parametrize(
    ("ttl", "seconds"), [("1s", b"1"), ("90m", b"5400"), ("1500ms", b"1"), ("never", b"-1")]
)
async def test_the_server_knows_the_time_to_live(
    server: Server, make: Callable[..., Backend], key: RecordKey, ttl: str, seconds: bytes
) -> None:
    backend = make(server, ttl=ttl)
    await backend.open()
    await backend.put(key, record_of(key, 5))
    told = server.ask(b"mg " + key.text().encode() + b" t\r\n")
    assert told in (b"HD t" + seconds + b"\r\n", b"HD t%d\r\n" % (int(seconds) - 1), b"EN\r\n")


def test_entries_live_an_hour_unless_told_otherwise() -> None:
    config = MemcachedConfig(servers=("127.0.0.1:1",))
    assert MemcachedAggregateCacheBackend(config)._expire() == 3600
