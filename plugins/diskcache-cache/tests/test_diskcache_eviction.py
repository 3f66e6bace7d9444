import asyncio

# ruff: noqa: ASYNC240 # the files are small
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

import diskcache  # type: ignore[import-untyped] # it ships no types
import pytest

from interlock.backends import AggregateRecord, Scope
from interlock_diskcache_cache.backend import DiskCacheAggregateCacheBackend

Backend = DiskCacheAggregateCacheBackend
OpenBackend = Callable[..., Awaitable[Backend]]
Record = Callable[..., AggregateRecord]
Execute = Callable[..., list[tuple[int]]]

SCOPE = Scope("default", 0, "Account", "r1")
KEY = SCOPE.key(uuid4())


class Clock(Protocol):
    now: float


async def test_an_entry_is_gone_once_its_ttl_is_over(
    open_backend: OpenBackend, record: Record, clock: Clock
) -> None:
    backend = await open_backend(ttl="10s")
    await backend.put(KEY, record(KEY, 1))
    clock.now += 9.9
    assert await backend.read(KEY) == record(KEY, 1)
    clock.now += 0.2
    assert await backend.read(KEY) is None
    assert await backend.read_many([KEY]) == {}


async def test_a_ttl_is_an_hour_unless_given_and_never_is_never(
    open_backend: OpenBackend, record: Record, clock: Clock
) -> None:
    backend = await open_backend()
    await backend.put(KEY, record(KEY, 1))
    clock.now += 3599
    assert await backend.read(KEY) is not None
    clock.now += 2
    assert await backend.read(KEY) is None
    eternal = await open_backend(ttl="never")
    await eternal.put(KEY, record(KEY, 1))
    clock.now += 1e9
    assert await eternal.read(KEY) is not None


async def test_a_put_begins_the_ttl_anew_and_an_older_record_doesnt(
    open_backend: OpenBackend, record: Record, clock: Clock
) -> None:
    backend = await open_backend(ttl="10s")
    await backend.put(KEY, record(KEY, 2, verified=1))
    clock.now += 6
    await backend.put(KEY, record(KEY, 2, verified=2))
    clock.now += 6
    await backend.put(KEY, record(KEY, 1))
    assert await backend.read(KEY) == record(KEY, 2, verified=2)
    clock.now += 6
    assert await backend.read(KEY) is None


async def test_an_expired_entry_is_no_obstacle_to_an_older_record(
    open_backend: OpenBackend, record: Record, clock: Clock
) -> None:
    backend = await open_backend(ttl="10s")
    await backend.put(KEY, record(KEY, 9))
    clock.now += 11
    await backend.put(KEY, record(KEY, 1))
    assert await backend.read(KEY) == record(KEY, 1)


async def test_clocks_that_jump_cost_misses_or_a_longer_life_and_no_answer(
    open_backend: OpenBackend, record: Record, clock: Clock
) -> None:
    backend = await open_backend(ttl="10s")
    await backend.put(KEY, record(KEY, 1))
    clock.now -= 1000
    assert await backend.read(KEY) == record(KEY, 1)
    await backend.put(KEY, record(KEY, 2))
    assert await backend.read(KEY) == record(KEY, 2)
    clock.now += 1000
    assert await backend.read(KEY) is None


async def test_expired_entries_leave_the_file_as_others_come(
    open_backend: OpenBackend, record: Record, execute: Execute, clock: Clock
) -> None:
    backend = await open_backend(ttl="10s")
    for number in range(40):
        key = SCOPE.key(UUID(int=number))
        await backend.put(key, record(key, 1))
    clock.now += 11
    for _ in range(20):
        await backend.put(KEY, record(KEY, 1))
    assert execute("select count(*) from Cache") == [(1,)]


async def test_the_least_recently_put_go_and_reading_writes_nothing(
    open_backend: OpenBackend, record: Record, execute: Execute, clock: Clock
) -> None:
    backend = await open_backend(size_limit="1MiB")
    keys = [SCOPE.key(UUID(int=number)) for number in range(400)]
    for key in keys:
        clock.now += 1
        await backend.put(key, record(key, 1, payload=b"x" * 8_000))
        before = execute("pragma data_version")
        await backend.read(keys[0])
        assert execute("pragma data_version") == before
    kept = await backend.read_many(keys)
    assert list(kept) == keys[-len(kept) :]
    assert 60 < len(kept) < 130


@pytest.mark.parametrize("large", [40_000, 100_000])
async def test_the_file_stays_below_the_limit_whatever_comes(
    open_backend: OpenBackend, record: Record, directory: Path, large: int
) -> None:
    limit = 2**20
    backend = await open_backend(size_limit=limit)
    for size in (300, 300, 300, large, 300, large):
        for number in range(120):
            key = SCOPE.key(uuid4())
            await backend.put(key, record(key, 1, payload=b"x" * size))
            assert await backend.read(key) is not None
            if number % 20 == 0:
                assert await volume(backend) <= limit
    await backend.close()
    assert (directory / "cache.db").stat().st_size <= limit
    assert [file.name for file in directory.iterdir()] == ["cache.db"]


async def test_a_lowered_limit_is_reached_in_slices_between_which_others_get_their_turn(
    open_backend: OpenBackend, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlock_diskcache_cache.size._SLICE", 200_000)
    backend = await open_backend()
    for _ in range(200):
        key = SCOPE.key(uuid4())
        await backend.put(key, record(key, 1, payload=b"x" * 15_000))
    full = await volume(backend)
    await backend.close()
    backend = await open_backend(size_limit="1MiB")
    await backend.put(KEY, record(KEY, 1))
    # Asked for at once, before the thread comes back to what is left to evict.
    sizes = await asyncio.gather(*(volume(backend) for _ in range(3)))
    assert full > sizes[0] >= sizes[2] > 2**20
    sizes += [await volume(backend) for _ in range(30)]
    assert sizes[-1] <= 2**20
    assert await backend.read(KEY) == record(KEY, 1)


async def volume(backend: Backend) -> int:
    """The size, once the thread has done what it had to."""

    def look(cache: diskcache.Cache) -> int:
        size: int = cache.volume()
        return size

    return await backend._client._submit(look, is_write=False)
