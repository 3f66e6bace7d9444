"""What a load answers under each freshness, and what it leaves in the cache."""

from datetime import timedelta
from typing import Any

import pytest

from interlock._engine.reports import Reason, Source
from interlock.application.aggregates import (
    CacheWhen,
    FastForward,
    MaxAge,
    NeverCache,
    Replay,
    SnapshotWhen,
    SnapshotWhenReplayed,
    Trust,
)
from interlock.errors import VersionNotFoundError
from rig import Rig, snapshotting
from rig_domain import ID, Account
from rig_stores import Cache, Sharing


async def test_an_id_without_events_is_the_empty_aggregate() -> None:
    async with Rig() as rig:
        assert await rig.load() == Account(id=ID)
        assert rig.cache.record is None


async def test_trust_returns_a_hit_without_reading_the_stream() -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2)
        rig.events.write(4)
        rig.events.calls.clear()
        assert (await rig.load()).balance == 3
        assert rig.events.calls == []
        assert (rig.report.baseline, rig.report.is_current) == (Source.CACHE, False)


async def test_fast_forward_reads_only_the_events_after_the_hit() -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2)
        rig.events.write(4)
        assert (await rig.load(freshness=FastForward())).balance == 7
        assert (rig.report.baseline, rig.report.baseline_version) == (Source.CACHE, 2)
        assert (rig.report.events_folded, rig.report.is_current) == (1, True)


async def test_what_fast_forward_found_is_put_into_the_cache() -> None:
    async with Rig() as rig:
        await rig.deposit(1)
        rig.events.write(2)
        await rig.load(freshness=FastForward())
        assert (await rig.load(freshness=Trust())).balance == 3


async def test_replay_uses_neither_cache_nor_snapshot() -> None:
    async with Rig(**snapshotting(cache_strategy=CacheWhen(lambda moment: True))) as rig:
        await rig.deposit(1, 2)
        rig.cache.calls.clear()
        rig.snapshots.calls.clear()
        assert (await rig.load(freshness=Replay())).balance == 3
        assert (rig.report.baseline, rig.report.events_folded) == (Source.EMPTY, 2)
        assert rig.cache.calls == rig.snapshots.calls == []


async def test_replay_is_not_fooled_by_a_wrong_snapshot() -> None:
    async with Rig(**snapshotting(10)) as rig:
        await rig.deposit(*[1] * 10)
        record = rig.snapshots.records()[10]
        await rig.snapshots.plant(record, payload=record.payload.replace(b'ce":10', b'ce":99'))
        assert (await rig.load(freshness=Replay())).balance == 10


async def test_the_registered_freshness_is_used_where_a_call_gives_none() -> None:
    async with Rig(freshness=FastForward()) as rig:
        await rig.deposit(1)
        rig.events.write(2)
        assert (await rig.load(freshness=Trust())).balance == 1
        assert (await rig.load()).balance == 3


class TestMaxAge:
    """`MaxAge` answers from the cache as long as the state was known to be the head."""

    AGE = MaxAge(timedelta(seconds=5))

    async def test_a_hit_verified_less_than_the_age_ago_is_returned(self) -> None:
        async with Rig(freshness=self.AGE) as rig:
            await rig.deposit(1)
            rig.events.write(2)
            rig.clock.pass_by(4.9)
            assert (await rig.load()).balance == 1

    async def test_a_hit_that_is_young_enough_is_not_kept_anew(self) -> None:
        always = SnapshotWhen(lambda moment: not moment.is_commit)
        async with Rig(freshness=self.AGE, snapshot_strategy=always) as rig:
            rig.cache.is_local = False
            await rig.deposit(1)
            rig.cache.calls.clear()
            await rig.load()
            assert rig.cache.calls == ["read"]
            assert rig.snapshots.records() == {}

    async def test_at_the_age_the_tail_is_read(self) -> None:
        async with Rig(freshness=self.AGE) as rig:
            await rig.deposit(1)
            rig.events.write(2)
            rig.clock.pass_by(5)
            assert (await rig.load()).balance == 3

    async def test_a_time_of_verification_in_the_future_is_not_trusted(self) -> None:
        async with Rig(freshness=self.AGE) as rig:
            await rig.deposit(1)
            rig.events.write(2)
            rig.clock.pass_by(-60)
            assert (await rig.load()).balance == 3

    async def test_a_tail_read_that_found_nothing_new_renews_the_age(self) -> None:
        async with Rig(freshness=self.AGE) as rig:
            await rig.deposit(1)
            rig.clock.pass_by(10)
            await rig.load()
            rig.clock.pass_by(4)
            rig.events.calls.clear()
            await rig.load()
            assert rig.events.calls == []

    async def test_the_age_counts_from_before_the_tail_read(self) -> None:
        async with Rig(freshness=self.AGE) as rig:
            rig.events.write(1)

            async def take_long() -> None:
                rig.clock.pass_by(4)
                rig.events.write(2)

            rig.events.then("reading", take_long)
            await rig.load()
            rig.clock.pass_by(2)
            assert (await rig.load()).balance == 3


class TestHistory:
    """Loads of a version."""

    async def test_a_version_is_the_state_that_the_stream_had_then(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2, 4, 8)
            balances = [(await rig.load(version=version)).balance for version in range(5)]
            assert balances == [0, 1, 3, 7, 15]

    async def test_it_is_built_on_the_newest_snapshot_at_or_below(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(1, 2, 4, 8, 16)
            assert (await rig.load(version=3)).balance == 7
            assert (rig.report.baseline, rig.report.baseline_version) == (Source.SNAPSHOT, 2)

    async def test_it_neither_reads_nor_writes_the_cache(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2, 4)
            rig.cache.calls.clear()
            await rig.load(version=3)
            await rig.load(version=1)
            assert rig.cache.calls == []

    async def test_an_old_state_is_not_cached_as_the_head(self) -> None:
        async with Rig() as rig:
            rig.events.write(1, 2, 4)
            await rig.load(version=1)
            assert rig.cache.record is None
            assert (await rig.load()).balance == 7

    async def test_an_old_version_is_not_snapshotted(self) -> None:
        async with Rig(snapshot_strategy=SnapshotWhenReplayed(1)) as rig:
            rig.events.write(1, 2, 4)
            await rig.load(version=2)
            assert rig.snapshots.records() == {}

    async def test_an_old_version_does_not_lower_what_is_known(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2)
            await rig.load(version=1)
            assert (await rig.load()).version == 2

    @pytest.mark.parametrize("version", [3, -1])
    async def test_a_version_that_the_stream_never_had_is_an_error(self, version: int) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2)
            with pytest.raises(VersionNotFoundError, match=str(version)):
                await rig.load(version=version)


async def test_replay_does_not_write_the_cache() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        await rig.load(freshness=Replay())
        assert rig.cache.calls == []


async def test_never_cache_does_not_ask_the_cache() -> None:
    async with Rig(cache_strategy=NeverCache()) as rig:
        await rig.deposit(1)
        await rig.load()
        assert rig.cache.calls == []


async def test_a_cached_state_without_news_is_not_written_again() -> None:
    async with Rig(freshness=FastForward()) as rig:
        await rig.deposit(1)
        rig.cache.calls.clear()
        await rig.load()
        assert rig.cache.calls == ["read"]


async def test_each_load_gives_an_object_of_its_own() -> None:
    async with Rig() as rig:
        await rig.deposit(1)
        first = await rig.load()
        first.marks.append("mine")
        first.balance = 99
        assert await rig.load() == Account(id=ID, version=1, balance=1)


async def test_a_load_after_a_miss_shares_nothing_with_the_cache() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        first = await rig.load(freshness=FastForward())
        first.marks.append("mine")
        assert (await rig.load(freshness=Trust())).marks == []


class Empty(Account):
    """Has a length, of 0."""

    type_name = "Account"
    revision = "1"

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("cache", [Cache, Sharing])
async def test_a_cached_state_of_length_0_is_found(cache: type[Any]) -> None:
    async with Rig(Empty, cache=cache()) as rig:
        await rig.deposit(1)
        rig.events.calls.clear()
        assert (await rig.load()).balance == 1
        assert rig.events.calls == []


async def test_a_slow_cache_answers_as_one_that_never_waits() -> None:
    cache = Cache()
    cache.is_local = False
    async with Rig(cache=cache) as rig:
        await rig.deposit(1)
        rig.events.write(2)
        assert (await rig.load()).balance == 1
        rig.cache.plant(rig.cache.found, version=9)
        assert (await rig.load()).balance == 3
        assert rig.misses[0] == (Source.CACHE, Reason.UNUSABLE)
