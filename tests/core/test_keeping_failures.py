"""A store that fails or declines fails no command, and is told of."""

from datetime import timedelta
from typing import Any

import pytest

from interlock._engine.reports import Reason, Source
from interlock.application.aggregates import (
    CacheWhen,
    FastForward,
    SnapshotAfterN,
    SnapshotWhen,
    SnapshotWhenReplayed,
)
from interlock.errors import RecordTooLargeError
from rig import (
    Rig,
    ended,
    snapshotting,
    unharmed,
)
from rig_stores import Snapshots


def _raises(_: object) -> bool:
    raise ZeroDivisionError("the strategy")


class TestFailures:
    """Nothing after the commit can fail the command, and nothing after the read the load."""

    @pytest.mark.parametrize("kept", ["snapshots", "cache"])
    @pytest.mark.parametrize("amounts", [(1, 2)])
    async def test_a_store_that_fails_after_the_commit_does_not_fail_the_command(
        self, kept: str, amounts: tuple[int, ...]
    ) -> None:
        async with Rig(snapshot_strategy=SnapshotAfterN(1)) as rig:
            getattr(rig, kept).down |= {"put", "remove"}
            with unharmed("a committed command was reported as failed"):
                await rig.deposit(*amounts)
            assert len(rig.events.rows()) == len(amounts)
            assert rig.app.counters()[f"{kept.removesuffix('s')}.failed"] == len(amounts)

    async def test_a_snapshot_store_that_never_answers_does_not_hold_up_a_command(self) -> None:
        snapshots = Snapshots()
        snapshots.timeout = timedelta(milliseconds=1)
        async with Rig(snapshots=snapshots, **snapshotting(1)) as rig:
            rig.snapshots.hold("put")
            await ended(rig.deposit(1))
        assert rig.app.counters()["snapshot.failed"] == 1

    async def test_a_snapshot_that_fails_does_not_keep_the_state_out_of_the_cache(self) -> None:
        async with Rig(snapshot_strategy=SnapshotAfterN(1)) as rig:
            rig.snapshots.down.add("put")
            await rig.deposit(1)
            assert rig.cache.found.version == 1

    async def test_a_snapshot_taken_on_a_read_does_not_fail_it(self) -> None:
        async with Rig(snapshot_strategy=SnapshotWhenReplayed(1)) as rig:
            rig.events.write(1)
            rig.snapshots.down.add("put")
            with unharmed("the read failed"):
                assert (await rig.load()).balance == 1

    async def test_a_cache_fill_does_not_fail_a_read(self) -> None:
        async with Rig() as rig:
            rig.events.write(1)
            rig.cache.down |= {"put", "remove"}
            with unharmed("the read failed"):
                assert (await rig.load()).balance == 1

    @pytest.mark.parametrize(
        "strategy",
        [{"snapshot_strategy": SnapshotWhen(_raises)}, {"cache_strategy": CacheWhen(_raises)}],
        ids=["snapshot", "cache"],
    )
    async def test_a_strategy_that_raises_fails_neither_command_nor_load(
        self, strategy: dict[str, Any]
    ) -> None:
        async with Rig(**strategy) as rig:
            with unharmed("the strategy's exception reached the caller"):
                await rig.deposit(1)
                rig.events.write(1)
                assert (await rig.load(freshness=FastForward())).balance == 2

    async def test_a_put_that_fails_removes_the_entry(self) -> None:
        async with Rig() as rig, rig.other(cache=rig.cache) as other:
            await rig.deposit(1)
            rig.cache.then("put", OSError("too big"))
            await rig.deposit(2)
            assert rig.cache.record is None
            assert (await other.load()).balance == 3

    async def test_a_state_above_the_stores_limit_is_removed_and_said(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            rig.cache.then("put", RecordTooLargeError("2 MiB, the limit is 1 MiB"))
            await rig.deposit(2)
            assert rig.cache.record is None
            assert rig.app.counters()["cache.too_large"] == 1
            await rig.load()
            assert rig.misses[0] == (Source.CACHE, Reason.TOO_LARGE)
            assert rig.report.misses[0].detail == "2 MiB, the limit is 1 MiB"
            rig.cache.evict()
            await rig.load()
            assert rig.misses[0] == (Source.CACHE, Reason.ABSENT)


class TestDeclined:
    """Where the strategy declines, the entry goes."""

    async def test_declining_after_a_commit_removes_the_entry(self) -> None:
        small = CacheWhen(lambda moment: moment.version < 2)
        async with Rig(cache_strategy=small) as rig, rig.other(cache=rig.cache) as other:
            await rig.deposit(1)
            assert rig.cache.found.version == 1
            await rig.deposit(2)
            assert rig.cache.record is None
            assert (await other.load()).balance == 3

    async def test_declining_after_a_load_removes_the_entry_that_it_saw(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            rig.events.write(2)
            small = CacheWhen(lambda moment: moment.version < 2)
            async with rig.other(cache=rig.cache, cache_strategy=small) as other:
                await other.load(freshness=FastForward())
            assert rig.cache.record is None

    async def test_declining_what_was_not_in_the_cache_removes_nothing(self) -> None:
        async with Rig(cache_strategy=CacheWhen(lambda moment: moment.version < 0)) as rig:
            rig.events.write(1)
            await rig.load()
            assert rig.cache.calls == ["read"]
