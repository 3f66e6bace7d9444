import hashlib
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from interlock.backends import (
    AggregateRecord,
    RecordKey,
    RecordTooLargeError,
    RecordUnusableError,
    newer,
)
from interlock_conformance.forging import FORGERIES, forged
from interlock_redis_cache.backend import RedisAggregateCacheBackend
from interlock_redis_cache.connections import Reply
from interlock_redis_cache.entries import to_entry
from interlock_redis_cache.scripts import Script
from redis_rig import Server, new_key, record_of
from redis_sets import Cluster

Record = Callable[..., AggregateRecord]
Make = Callable[..., Awaitable[RedisAggregateCacheBackend]]

DAY = timedelta(days=1)
EVENTS = (UUID(int=1), UUID(int=2**128 - 1))
VERSIONS = (1, 256, 2**53, 2**53 + 1, 2**63 - 2)


async def test_what_stands_after_a_put_is_what_the_core_says(
    backend: RedisAggregateCacheBackend,
) -> None:
    """All pairs of versions, event ids and times, also those that a Lua number can't tell apart."""
    key = new_key()
    records = [
        record_of(key, version, event=event, seconds=seconds)
        for version in VERSIONS
        for event in EVENTS
        for seconds in (-(2**35), 1)
    ]
    for found, record in itertools.product(records, records):
        await backend.remove(key)
        await backend.put(key, found)
        await backend.put(key, record)
        assert await backend.read(key) == newer(found, record)


async def test_a_version_that_no_record_holds_is_refused(
    backend: RedisAggregateCacheBackend, key: RecordKey, record: Record
) -> None:
    standing = record(2**63 - 2)
    await backend.put(key, standing)
    for version in (2**63 - 1, 2**64):
        with pytest.raises(RecordUnusableError, match="version"):
            await backend.put(key, record(version))
    assert await backend.read(key) == standing


async def test_times_before_1970_compare_too(
    backend: RedisAggregateCacheBackend, key: RecordKey, record: Record
) -> None:
    late = record(5)
    early = late._replace(verified_at=datetime(1, 1, 1, tzinfo=UTC))
    await backend.put(key, early)
    await backend.put(key, late)
    await backend.put(key, early)
    assert await backend.read(key) == late


async def test_what_is_superseded_gives_way_to_an_older_version(
    backend: RedisAggregateCacheBackend, key: RecordKey, record: Record
) -> None:
    ahead, older = record(9), record(4)
    await backend.put(key, ahead)
    await backend.put(key, older, supersedes=[record(9).stamp, ahead.stamp._replace(version=8)])
    assert await backend.read(key) == ahead
    await backend.put(key, older, supersedes=[record(9).stamp, ahead.stamp])
    assert await backend.read(key) == older


@pytest.mark.parametrize("field", ["aggregate_type", "aggregate_id", "revision", "last_event_id"])
async def test_a_stamp_is_compared_as_a_whole(
    backend: RedisAggregateCacheBackend, key: RecordKey, record: Record, field: str
) -> None:
    standing = record(9)
    other = uuid4() if field.endswith("_id") else "other"
    await backend.put(key, standing)
    stamp = standing.stamp._replace(**{field: other})  # type: ignore[arg-type] # as the field is
    await backend.put(key, record(4), supersedes=[stamp])
    await backend.remove(key, stamp)
    assert await backend.read(key) == standing
    await backend.remove(key, standing.stamp)
    assert await backend.read(key) is None


def with_record(entry: bytes, record: AggregateRecord) -> bytes:
    """The entry with another record behind its head; the checksum is right."""
    body = entry[44:76] + record.to_bytes()
    return entry[:4] + hashlib.sha1(body, usedforsecurity=False).hexdigest().encode() + body


def _flip(entry: bytes, at: int) -> bytes:
    return entry[:at] + bytes([entry[at] ^ 0x40]) + entry[at + 1 :]


async def test_every_flipped_bit_is_seen_by_read_and_by_the_script(
    server: Server, backend: RedisAggregateCacheBackend, key: RecordKey, record: Record
) -> None:
    newest, older = record(9), record(4)
    entry = to_entry(newest)
    for at in [*range(0, 100, 3), len(entry) // 2, len(entry) - 1]:
        server.plant(key, _flip(entry, at))
        with pytest.raises(RecordUnusableError):
            await backend.read(key)
        assert await backend.read_many([key]) == {}
        await backend.put(key, older)
        assert await backend.read(key) == older, f"byte {at}"


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"theirs",
        lambda entry: entry[:60],
        lambda entry: entry[:80],
        lambda entry: entry[:-1],
        lambda entry: entry + b"x",
        lambda _: b"\x00" * 200,
    ],
    ids=["empty", "foreign", "half a head", "head alone", "cut", "with a tail", "zeros"],
)
async def test_another_value_is_unusable_replaced_and_removed(
    server: Server,
    backend: RedisAggregateCacheBackend,
    key: RecordKey,
    record: Record,
    change: Callable[[bytes], bytes],
) -> None:
    newest = record(9)
    bad = change(to_entry(newest))
    server.plant(key, bad)
    with pytest.raises(RecordUnusableError):
        await backend.read(key)
    older = record(4)
    await backend.put(key, older)
    assert await backend.read(key) == older
    server.plant(key, bad)
    await backend.remove(key)
    assert await backend.read(key) is None


@pytest.mark.parametrize("version", [4, 9, 2**62])
async def test_a_head_of_another_record_is_unusable_and_replaced(
    server: Server,
    backend: RedisAggregateCacheBackend,
    key: RecordKey,
    record: Record,
    version: int,
) -> None:
    put = record(4)
    head = to_entry(put._replace(version=version, verified_at=put.verified_at + DAY))
    for behind in (put, record(1), record(9)):
        server.plant(key, with_record(head, behind))
        with pytest.raises(RecordUnusableError, match="head"):
            await backend.read(key)
        assert await backend.read_many([key]) == {}
        await backend.put(key, put)
        assert await backend.read(key) == put


async def test_an_entry_of_another_key_is_unusable_and_replaced(
    server: Server, backend: RedisAggregateCacheBackend, key: RecordKey, record: Record
) -> None:
    put = record(4)
    for other in ("aggregate_id", "aggregate_type", "revision"):
        value = uuid4() if other == "aggregate_id" else "other"
        foreign = key._replace(**{other: value})  # type: ignore[arg-type] # as the field is
        server.plant(key, to_entry(record_of(foreign, 9)))
        with pytest.raises(RecordUnusableError, match="record of"):
            await backend.read(key)
        assert await backend.read_many([key]) == {}
        await backend.put(key, put)
        assert await backend.read_many([key]) == {key: put}


async def test_what_is_found_behind_a_head_is_left_alone_if_it_is_newer_by_then(
    server: Server,
    backend: RedisAggregateCacheBackend,
    key: RecordKey,
    record: Record,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the look behind the head and the second put another process puts."""
    newest = record(9)
    run = backend._client.run

    async def run_and_put(script: Script, text: str, *arguments: bytes | str | int) -> Reply:
        monkeypatch.undo()  # once
        reply = await run(script, text, *arguments)
        server.plant(key, to_entry(newest))
        return reply

    server.plant(key, with_record(to_entry(record(9)), record(5)))
    monkeypatch.setattr(backend._client, "run", run_and_put)
    await backend.put(key, record(4))
    assert await backend.read(key) == newest


async def test_a_record_of_another_envelope_is_replaced_whatever_its_version(
    server: Server, backend: RedisAggregateCacheBackend, key: RecordKey, record: Record
) -> None:
    class Older(AggregateRecord):
        def to_bytes(self) -> bytes:
            return b"ILRC\x00" + super().to_bytes()[5:]

    newest = record(9)
    server.plant(key, to_entry(Older(*newest)))
    with pytest.raises(RecordUnusableError, match="format 0"):
        await backend.read(key)
    await backend.put(key, record(4))
    assert (await backend.read(key) or newest).version == 4


@pytest.mark.parametrize(
    "planted", [("LPUSH", "a"), ("SADD", "a"), ("HSET", "a", "b"), ("ZADD", "1", "a")]
)
async def test_another_type_under_our_key_is_unusable_replaced_and_removed(
    server: Server,
    backend: RedisAggregateCacheBackend,
    key: RecordKey,
    record: Record,
    planted: tuple[str, ...],
) -> None:
    command, *arguments = planted
    put = record(4)
    server.ask(command, key.text(), *arguments)
    with pytest.raises(RecordUnusableError):
        await backend.read(key)
    assert await backend.read_many([key]) == {}
    await backend.remove(key, put.stamp)
    assert server.ask("EXISTS", key.text()) == "1"
    await backend.remove(key)
    assert await backend.read(key) is None
    server.ask(command, key.text(), *arguments)
    await backend.put(key, put)
    assert await backend.read(key) == put


async def test_whatever_stands_under_a_key_costs_no_other(
    target: Server | Cluster, make: Make, key: RecordKey
) -> None:
    backend = await make(target.url)
    good = {key: record_of(key, 5) for key in (new_key() for _ in range(20))}
    for each, put in good.items():
        await backend.put(each, put)
    node = target if isinstance(target, Server) else target.owner(key.text())
    entry = to_entry(record_of(key, 9))
    values = [b"", b"theirs", entry[:60], entry + b"x", with_record(entry, record_of(key, 1))]
    values += [to_entry(forged(record_of(key, 9), each)) for each in FORGERIES.values()][::5]
    for value in [*values, b"x" * 20_000_000, entry[:-1] + bytes(20_000_000), None]:
        if value is None:
            node.ask("DEL", key.text())
            node.ask("LPUSH", key.text(), "a")
        else:
            node.plant(key, value)
        assert await backend.read_many([*good, key]) == good
        for each, put in good.items():
            assert await backend.read(each) == put
        with pytest.raises(RecordUnusableError):
            await backend.read(key)
        put = record_of(key, 1)
        await backend.put(key, put)
        assert await backend.read_many([*good, key]) == {**good, key: put}


async def test_a_record_above_the_limit_is_refused_and_what_stood_there_is_removed(
    server: Server, make: Make, key: RecordKey, record: Record
) -> None:
    cache = await make(server.url, max_value_size=1_000)
    await cache.put(key, record(4))
    with pytest.raises(RecordTooLargeError, match="1000"):
        await cache.put(key, record(5, size=1_000))
    assert await cache.read(key) is None
