"""A cache in this process before a shared one is no staler than it was told."""

import asyncio
import tracemalloc
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from interlock.application import ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    InMemoryAggregateCacheBackend,
    TieredAggregateCacheBackend,
)
from interlock.backends import AggregateRecord, BackendUnavailableError, RecordKey, Stamp
from interlock.errors import ConfigurationError, RecordUnusableError
from rig import ID, Account, Cache, Clock, Rig, Sharing

KEY = RecordKey("default", 0, "Account", ID, "1")
START = datetime(2030, 1, 1, tzinfo=UTC)


class Shared(Cache):
    """Tells a watching tier what somebody else did, when the test says so."""

    timeout = timedelta(seconds=1)
    changed: Callable[[str], None]
    reset: Callable[[], None]

    async def watch(self, changed: Callable[[str], None], reset: Callable[[], None]) -> None:
        self.changed, self.reset = changed, reset

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        found = await super().read(key)
        await self.at("found")
        return found

    async def put_by_another(self, record: AggregateRecord) -> None:
        await InMemoryAggregateCacheBackend.put(self, KEY, record)
        self.changed(KEY.text())


class Seconds:
    """A clock for a local tier."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Tiers:
    """Two tiers, and the clocks that they go by."""

    def __init__(self, *, size: int = 10, ttl: timedelta | None = None) -> None:
        self.seconds = Seconds()
        self.clock = Clock()
        self.local = InMemoryAggregateCacheBackend(size=size, ttl=ttl, clock=self.seconds)
        self.shared = Shared()
        self.both = TieredAggregateCacheBackend(self.local, self.shared, clock=self.clock)

    async def opened(self) -> "Tiers":
        await self.both.open()
        self.clock.pass_by(1)
        return self

    async def read(self) -> int | None:
        found = await self.both.read(KEY)
        return None if found is None else found.version

    def reads_of_shared(self) -> int:
        return self.shared.calls.count("read")


def record(version: int, *, verified: float = 1) -> AggregateRecord:
    at = START + timedelta(seconds=verified)
    stamp = "Account", ID, "1", version, UUID(int=version)
    return AggregateRecord("default", 0, *stamp, at, at, at, at, "json", b"{}")


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
    other = replace(KEY, revision="2")
    await tiers.both.put(other, replace(record(7), revision="2"))
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


class TestChanges:
    """What others do reaches the local tier."""

    async def test_a_change_empties_the_local_entry(self) -> None:
        tiers = await Tiers().opened()
        await tiers.both.put(KEY, record(3, verified=9))
        await tiers.shared.put_by_another(record(4))
        assert await tiers.read() == 4

    async def test_a_change_during_a_fill_voids_it(self) -> None:
        tiers = await Tiers().opened()
        await tiers.shared.put_by_another(record(3))
        tiers.clock.pass_by(1)
        gate = tiers.shared.hold("found")
        reading = asyncio.create_task(tiers.read())
        await gate.reached.wait()
        await tiers.shared.put_by_another(record(4))
        gate.opened.set()
        assert [await reading, await tiers.read()] == [3, 4]

    async def test_a_change_during_a_fill_of_many_voids_it(self) -> None:
        tiers = await Tiers().opened()
        await tiers.shared.put_by_another(record(3))
        tiers.clock.pass_by(1)
        gate = tiers.shared.hold("found")
        reading = asyncio.create_task(tiers.both.read_many([KEY]))
        await gate.reached.wait()
        tiers.clock.pass_by(1)
        await tiers.shared.put_by_another(record(4))
        tiers.clock.pass_by(1)
        gate.opened.set()
        assert [found.version for found in (await reading).values()] == [3]
        assert await tiers.read() == 4

    async def test_a_removal_during_a_fill_voids_it(self) -> None:
        tiers = await Tiers().opened()
        await tiers.shared.put_by_another(record(3))
        tiers.clock.pass_by(1)
        gate = tiers.shared.hold("found")
        reading = asyncio.create_task(tiers.read())
        await gate.reached.wait()
        await tiers.both.remove(KEY)
        gate.opened.set()
        assert await reading == 3
        assert tiers.local.keys() == ()

    async def test_a_change_since_the_tail_was_read_voids_the_put(self) -> None:
        tiers = await Tiers().opened()
        tiers.clock.pass_by(1)
        await tiers.shared.put_by_another(record(4))
        tiers.clock.pass_by(1)
        await tiers.both.put(KEY, record(3, verified=1.5))
        assert await tiers.read() == 4

    async def test_a_forgotten_change_still_voids(self) -> None:
        tiers = await Tiers(size=1).opened()
        tiers.clock.pass_by(1)
        await tiers.shared.put_by_another(record(4))
        for number in range(3):
            tiers.shared.changed(f"another:{number}")
        await tiers.both.put(KEY, record(3, verified=1.5))
        assert await tiers.read() == 4

    @pytest.mark.parametrize(("length", "count"), [(20, 90_000), (250, 45_000)])
    async def test_the_changes_hold_16_mib_at_most(self, length: int, count: int) -> None:
        tiers = await Tiers(size=10_000_000).opened()
        tracemalloc.start()
        try:
            for number in range(count):
                tiers.shared.changed(f"{number:0{length}}")
                tiers.clock.pass_by(1)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert 8 * 2**20 < held <= 16 * 2**20
        assert tiers.both._forgotten > START

    async def test_a_message_longer_than_any_key_is_not_held(self) -> None:
        tiers = await Tiers().opened()
        tiers.shared.changed("x" * 251)
        assert not tiers.both._changed_at

    async def test_a_broken_channel_empties_the_local_tier(self) -> None:
        tiers = await Tiers().opened()
        await tiers.both.put(KEY, record(3, verified=9))
        tiers.shared.reset()
        assert tiers.local.keys() == ()

    async def test_what_was_known_before_the_channel_broke_is_not_kept(self) -> None:
        tiers = await Tiers().opened()
        tiers.clock.pass_by(1)
        tiers.shared.reset()
        await tiers.both.put(KEY, record(3, verified=1.5))
        assert tiers.local.keys() == ()

    async def test_the_index_of_keys_is_bounded(self) -> None:
        tiers = await Tiers(size=2).opened()
        for number in range(50):
            key = RecordKey("default", 0, "Account", UUID(int=number), "1")
            await tiers.both.put(key, record(1, verified=9))
        assert len(tiers.both._keys) <= 5
        tiers.shared.changed(key.text())
        assert len(tiers.local.keys()) == 1


class TestConfiguration:
    """By name in TOML, or as an object."""

    @pytest.fixture
    def toml(self, tmp_path: Path) -> Callable[[str], Path]:
        def written(text: str) -> Path:
            path = tmp_path / "interlock.toml"
            path.write_text("schema = 1\n" + text)
            return path

        return written

    async def test_tiers_are_named_instances(self, toml: Callable[[str], Path]) -> None:
        path = toml(
            """
            [cache_backends.hot]
            backend = "tiered"
            tiers = ["local", "far"]
            [cache_backends.local]
            backend = "memory-cache"
            ttl = "5s"
            [cache_backends.far]
            backend = "memory-cache"
            [aggregates.Account]
            cache_strategy = "always"
            cache_backend = "hot"
            """
        )
        app = ApplicationBuilder.from_config(path).register_aggregate(Account).build()
        backends = [made for made, _ in app._backends]
        tiered = backends[-1]
        assert isinstance(tiered, TieredAggregateCacheBackend)
        assert tiered._local is backends[-3]
        assert tiered._shared is backends[-2]
        assert tiered._local.ttl == timedelta(seconds=5)

    async def test_tiers_of_an_instance_are_opened_with_it(self) -> None:
        class Opened(Shared):
            async def open(self) -> None:
                await self.at("open")

            async def watch(
                self, changed: Callable[[str], None], reset: Callable[[], None]
            ) -> None:
                await self.at("watch")

            async def close(self) -> None:
                await self.at("close")

        shared = Opened()
        async with Rig(cache=TieredAggregateCacheBackend(InMemoryAggregateCacheBackend(), shared)):
            assert shared.calls == ["open", "watch"]
        assert shared.calls == ["open", "watch", "close"]

    @pytest.mark.parametrize(
        ("hot", "said"),
        [
            ('tiers = ["local", "fra"]', "cache_backends.hot.tiers[1]: no backend 'fra'"),
            ('tiers = ["local", "hot"]', "cache_backends.hot.tiers[1]: 'hot' is made of others"),
            ('tiers = ["local"]', "cache_backends.hot.tiers"),
            ("", "cache_backends.hot.tiers: is required and missing"),
        ],
    )
    def test_wrong_tiers_are_told(self, toml: Callable[[str], Path], hot: str, said: str) -> None:
        path = toml(
            f"""
            [cache_backends.hot]
            backend = "tiered"
            {hot}
            [cache_backends.local]
            backend = "memory-cache"
            """
        )
        with pytest.raises(ConfigurationError) as caught:
            ApplicationBuilder.from_config(path)
        assert said in str(caught.value)

    @pytest.mark.parametrize("ttl", ['"0s"', '"-1s"', "0", '"soon"'])
    def test_a_ttl_is_above_0_or_never(self, toml: Callable[[str], Path], ttl: str) -> None:
        path = toml(f'[cache_backends.local]\nbackend = "memory-cache"\nttl = {ttl}\n')
        with pytest.raises(ConfigurationError, match=r"cache_backends\.local\.ttl"):
            ApplicationBuilder.from_config(path)

    @pytest.mark.parametrize(
        ("tiers", "said"),
        [
            ((Cache(), Sharing()), "second of the tiers is a Sharing"),
            ((Sharing(), Cache()), "first of the tiers is a Sharing"),
        ],
    )
    def test_tiers_that_do_not_fit_are_refused(self, tiers: Any, said: str) -> None:
        with pytest.raises(ConfigurationError, match=said):
            TieredAggregateCacheBackend(*tiers)


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
