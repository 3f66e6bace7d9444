from collections.abc import Callable
from uuid import uuid4

import pytest
from pymemcache.exceptions import MemcacheServerError  # type: ignore[import-untyped] # no types

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    RecordKey,
    RecordTooLargeError,
)
from interlock_memcached_cache import entries
from interlock_memcached_cache.backend import MemcachedAggregateCacheBackend
from interlock_memcached_cache.config import MemcachedConfig
from interlock_memcached_cache.connection import Connection
from memcached_rig import Server, new_key, record_of

Backend = MemcachedAggregateCacheBackend
Record = Callable[..., AggregateRecord]
Meanwhile = Callable[[str, Callable[[Connection], None]], None]
MEBIBYTE = 2**20


@pytest.fixture
def meanwhile(server: Server, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Has another process do something just before the backend's next command of that name."""

    def meanwhile(command: str, act: Callable[[Connection], None]) -> None:
        original = getattr(Connection, command)
        config = MemcachedConfig(servers=(server.name,))

        def after_the_other(self: Connection, *args: object, **options: object) -> object:
            monkeypatch.setattr(Connection, command, original)
            other = Connection(server.name, config, None)
            act(other)
            other.close()
            return original(self, *args, **options)

        monkeypatch.setattr(Connection, command, after_the_other)

    return meanwhile


def putting(key: RecordKey, record: AggregateRecord) -> Callable[[Connection], None]:
    return lambda other: entries.put(other, key, record, (), 0)


async def test_what_was_put_is_read_as_it_was(
    backend: Backend, key: RecordKey, record: Record
) -> None:
    put = record(5)._replace(payload=bytes(range(256)) * 2048 + b"\r\nEND\r\n")
    await backend.put(key, put)
    assert await backend.read(key) == put


async def test_what_was_never_put_is_not_there(backend: Backend, key: RecordKey) -> None:
    assert await backend.read(key) is None


async def test_older_version_never_replaces_newer(
    backend: Backend, key: RecordKey, record: Record
) -> None:
    newer = record(5)
    await backend.put(key, newer)
    await backend.put(key, record(4))
    assert await backend.read(key) == newer


async def test_same_version_of_another_event_replaces(
    backend: Backend, key: RecordKey, record: Record
) -> None:
    await backend.put(key, record(5))
    other = record(5)
    await backend.put(key, other)
    assert await backend.read(key) == other


async def test_verification_is_renewed_and_never_set_back(
    backend: Backend, key: RecordKey, record: Record
) -> None:
    first = record(5)
    later = first._replace(verified_at=record(1, seconds=60).verified_at)
    await backend.put(key, first)
    await backend.put(key, later)
    assert await backend.read(key) == later
    await backend.put(key, first)
    assert await backend.read(key) == later


async def test_superseded_newer_entry_is_replaced(
    backend: Backend, key: RecordKey, record: Record
) -> None:
    false, true = record(9), record(5)
    await backend.put(key, false)
    await backend.put(key, true, supersedes=[false.stamp])
    assert await backend.read(key) == true


async def test_superseded_is_only_the_exact_stamp(
    backend: Backend, key: RecordKey, record: Record
) -> None:
    found = record(9)
    await backend.put(key, found)
    stamp = found.stamp._replace(last_event_id=uuid4())
    await backend.put(key, record(5), supersedes=[stamp])
    assert await backend.read(key) == found


async def test_slow_writer_meets_the_newer_record_between_its_gets_and_its_cas(
    backend: Backend, key: RecordKey, record: Record, meanwhile: Meanwhile
) -> None:
    newer = record(9)
    await backend.put(key, record(1))
    meanwhile("cas", putting(key, newer))
    await backend.put(key, record(5))
    assert await backend.read(key) == newer


async def test_slow_writer_meets_the_newer_record_between_its_gets_and_its_add(
    backend: Backend, key: RecordKey, record: Record, meanwhile: Meanwhile
) -> None:
    newer = record(9)
    meanwhile("add", putting(key, newer))
    await backend.put(key, record(5))
    assert await backend.read(key) == newer


async def test_fast_writer_of_an_older_record_doesn_t_keep_the_newer_one_out(
    backend: Backend, key: RecordKey, record: Record, meanwhile: Meanwhile
) -> None:
    newer = record(9)
    await backend.put(key, record(1))
    meanwhile("cas", putting(key, record(5)))
    await backend.put(key, newer)
    assert await backend.read(key) == newer


async def test_put_whose_predecessor_is_removed_meanwhile_is_there(
    backend: Backend, key: RecordKey, record: Record, meanwhile: Meanwhile
) -> None:
    await backend.put(key, record(1))
    meanwhile("cas", lambda other: entries.remove(other, key, None))
    put = record(5)
    await backend.put(key, put)
    assert await backend.read(key) == put


async def test_put_that_loses_every_race_says_so(
    backend: Backend, key: RecordKey, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    await backend.put(key, record(1))
    monkeypatch.setattr(Connection, "cas", lambda *_, **__: False)
    with pytest.raises(BackendUnavailableError, match="100 others"):
        await backend.put(key, record(2))


async def test_removal_that_loses_every_race_says_so(
    backend: Backend, key: RecordKey, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = record(1)
    await backend.put(key, found)
    monkeypatch.setattr(Connection, "cas", lambda *_, **__: False)
    with pytest.raises(BackendUnavailableError, match="100 others"):
        await backend.remove(key, found.stamp)


async def test_remove_without_stamp_removes_what_is_there(
    backend: Backend, key: RecordKey, record: Record
) -> None:
    await backend.put(key, record(5))
    await backend.remove(key)
    assert await backend.read(key) is None


async def test_remove_compares_the_stamp(backend: Backend, key: RecordKey, record: Record) -> None:
    found = record(5)
    await backend.put(key, found)
    await backend.remove(key, record(5).stamp)
    assert await backend.read(key) == found
    await backend.remove(key, found.stamp)
    assert await backend.read(key) is None


async def test_removed_entry_leaves_room_for_an_older_one(
    backend: Backend, key: RecordKey, record: Record
) -> None:
    false, true = record(9), record(5)
    await backend.put(key, false)
    await backend.remove(key, false.stamp)
    await backend.put(key, true)
    assert await backend.read(key) == true


async def test_remove_leaves_what_was_put_between_its_gets_and_its_removal(
    backend: Backend, key: RecordKey, record: Record, meanwhile: Meanwhile
) -> None:
    false, newer = record(5), record(9)
    await backend.put(key, false)
    meanwhile("cas", putting(key, newer))
    await backend.remove(key, false.stamp)
    assert await backend.read(key) == newer


async def test_remove_removes_what_was_only_renewed_meanwhile(
    backend: Backend, key: RecordKey, record: Record, meanwhile: Meanwhile
) -> None:
    false = record(5)
    await backend.put(key, false)
    renewed = false._replace(verified_at=record(1, seconds=60).verified_at)
    meanwhile("cas", putting(key, renewed))
    await backend.remove(key, false.stamp)
    assert await backend.read(key) is None


@pytest.mark.parametrize("is_there", [True, False])
async def test_record_over_the_item_limit_leaves_nothing(
    backend: Backend, key: RecordKey, record: Record, *, is_there: bool
) -> None:
    if is_there:
        await backend.put(key, record(5))
    with pytest.raises(RecordTooLargeError, match=r"over the item limit"):
        await backend.put(key, record(6, size=2 * MEBIBYTE))
    assert await backend.read(key) is None
    again = record(7)
    await backend.put(key, again)
    assert await backend.read(key) == again


async def test_record_over_the_item_limit_leaves_nothing_that_was_put_meanwhile(
    backend: Backend, key: RecordKey, record: Record, meanwhile: Meanwhile
) -> None:
    meanwhile("add", putting(key, record(5)))
    with pytest.raises(RecordTooLargeError):
        await backend.put(key, record(6, size=2 * MEBIBYTE))
    assert await backend.read(key) is None


async def test_older_record_over_the_item_limit_leaves_the_newer_one(
    backend: Backend, key: RecordKey, record: Record
) -> None:
    newer = record(9)
    await backend.put(key, newer)
    await backend.put(key, record(6, size=2 * MEBIBYTE))
    assert await backend.read(key) == newer


async def test_limit_is_the_server_s_own(
    start: Callable[..., Server], make: Callable[..., Backend]
) -> None:
    backend = make(start("-I", "4m"))
    await backend.open()
    key = new_key()
    large = record_of(key, 6, size=2 * MEBIBYTE)
    await backend.put(key, large)
    assert await backend.read(key) == large


async def test_put_that_the_server_has_no_memory_for_leaves_nothing_older(
    backend: Backend, key: RecordKey, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MemcacheServerError(b"out of memory storing object")

    await backend.put(key, record(5))
    monkeypatch.setattr(Connection, "cas", refuse)
    with pytest.raises(BackendUnavailableError, match="out of memory"):
        await backend.put(key, record(6))
    assert await backend.read(key) is None


async def test_server_without_compare_and_set_is_told(
    start: Callable[..., Server], make: Callable[..., Backend]
) -> None:
    backend = make(start("-C"))
    await backend.open()
    key = new_key()
    await backend.put(key, record_of(key, 5))
    with pytest.raises(BackendUnavailableError, match=r"without compare-and-set \(-C\)"):
        await backend.put(key, record_of(key, 6))
    await backend.remove(key)
    assert await backend.read(key) is None
