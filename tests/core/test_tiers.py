"""A cache in this process before a shared one is no staler than it was told."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import pytest

from interlock.application.aggregates import (
    AlwaysCache,
    InMemoryAggregateCacheBackend,
    TieredAggregateCacheBackend,
)
from interlock.backends import AggregateRecord, BackendUnavailableError, RecordKey, Stamp
from interlock.errors import RecordUnusableError
from rig import Rig
from tiers_rig import KEY, Shared, Tiers, record


class TestReading:
    """The local tier answers what it holds."""

    async def test_what_was_put_is_read_without_the_shared_tier(self) -> None:
        tiers = await Tiers().opened()
        tiers.clock.pass_by(1)
        await tiers.both.put(KEY, record(3, verified=2))
        assert await tiers.read() == 3
        assert tiers.shared.calls == ["put"]

    async def test_what_was_read_once_is_read_locally(self) -> None:
        tiers = await Tiers().opened()
        await tiers.shared.put_by_another(record(3))
        tiers.clock.pass_by(1)
        assert [await tiers.read(), await tiers.read()] == [3, 3]
        assert tiers.reads_of_shared() == 1

    async def test_many_are_read_from_both_tiers(self) -> None:
        tiers = await Tiers().opened()
        other = RecordKey("default", 0, "Account", UUID(int=8), "1")
        await tiers.both.put(KEY, record(3, verified=9))
        await tiers.shared.put(other, record(5))
        assert {k: r.version for k, r in (await tiers.both.read_many([KEY, other])).items()} == {
            KEY: 3,
            other: 5,
        }
        assert tiers.reads_of_shared() == 1
        assert await tiers.both.read(other) is not None
        assert tiers.reads_of_shared() == 1

    async def test_a_local_entry_ends_with_its_ttl(self) -> None:
        tiers = await Tiers(ttl=timedelta(seconds=5)).opened()
        await tiers.shared.put(KEY, record(3))
        await tiers.read()
        tiers.seconds.now += 5
        await tiers.read()
        assert tiers.reads_of_shared() == 2

    async def test_a_local_tier_without_a_ttl_gets_one_of_30_seconds(self) -> None:
        tiers = await Tiers(ttl=None).opened()
        await tiers.shared.put(KEY, record(3))
        await tiers.read()
        tiers.seconds.now += 29.9
        await tiers.read()
        assert tiers.reads_of_shared() == 1
        tiers.seconds.now += 0.2
        await tiers.read()
        assert tiers.reads_of_shared() == 2


class Spoiled(Shared):
    """Holds something that is no record, until it is put over or removed."""

    is_spoiled = True

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        if self.is_spoiled and key == KEY:
            raise RecordUnusableError("no record")
        return await super().read(key)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        self.is_spoiled = self.is_spoiled and key != KEY
        await super().put(key, record, supersedes)


async def test_what_nobody_can_read_in_the_shared_tier_is_put_over_in_both() -> None:
    tiers = Tiers()
    tiers.both = TieredAggregateCacheBackend(tiers.local, Spoiled(), clock=tiers.clock)
    await tiers.opened()
    other = KEY._replace(revision="2")
    await tiers.both.put(other, record(7)._replace(revision="2"))
    for _ in range(2):
        with pytest.raises(RecordUnusableError):
            await tiers.read()
    assert await tiers.both.read(other) is not None
    await tiers.both.put(KEY, record(3))
    assert await tiers.read() == 3
    tiers.local.clear()
    assert await tiers.read() == 3


class TestWriting:
    """The shared tier first."""

    async def test_a_put_that_fails_leaves_no_local_entry(self) -> None:
        tiers = await Tiers().opened()
        await tiers.both.put(KEY, record(3, verified=9))
        tiers.shared.then("put", BackendUnavailableError("down"))
        with pytest.raises(BackendUnavailableError):
            await tiers.both.put(KEY, record(4, verified=9))
        assert tiers.local.keys() == ()

    async def test_the_shared_tier_is_put_first(self) -> None:
        tiers = await Tiers().opened()
        seen: list[Collection[RecordKey]] = []

        async def look() -> None:
            seen.append(list(tiers.local.keys()))

        tiers.shared.then("put", look)
        await tiers.both.put(KEY, record(4, verified=9))
        assert seen == [[]]

    async def test_a_put_that_is_not_kept_locally_leaves_nothing_older(self) -> None:
        tiers = await Tiers().opened()
        await tiers.shared.put_by_another(record(3))
        tiers.clock.pass_by(1)
        assert await tiers.read() == 3
        await tiers.both.put(KEY, record(4, verified=0.5))
        assert await tiers.read() == 4

    async def test_a_removal_removes_from_both(self) -> None:
        tiers = await Tiers().opened()
        await tiers.both.put(KEY, record(3, verified=9))
        await tiers.both.remove(KEY, record(3).stamp)
        assert await tiers.read() is None

    async def test_a_removal_that_fails_removes_locally(self) -> None:
        tiers = await Tiers().opened()
        await tiers.both.put(KEY, record(3, verified=9))
        tiers.shared.then("remove", BackendUnavailableError("down"))
        with pytest.raises(BackendUnavailableError):
            await tiers.both.remove(KEY)
        assert tiers.local.keys() == ()


async def test_one_process_reads_what_another_committed() -> None:
    shared = Shared()

    def tiers() -> TieredAggregateCacheBackend:
        return TieredAggregateCacheBackend(InMemoryAggregateCacheBackend(), shared)

    async with Rig(cache=tiers(), cache_strategy=AlwaysCache) as rig:
        await rig.deposit(1)
        changed = shared.changed
        async with rig.other(cache=tiers()) as other:
            await other.deposit(2)
            assert (await rig.load()).balance == 1
            changed(KEY.text())
            assert (await rig.load()).balance == 3
            stamps: list[Stamp] = [shared.found.stamp]
            assert stamps[0].version == 2
