"""What is kept of an aggregate goes, and nothing that was read before brings it back."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from interlock.application.aggregates import FastForward, SnapshotAfterN
from interlock.errors import (
    BackendUnavailableError,
    ConfigurationError,
    StreamTruncatedError,
)
from rig import Clock, Rig, ended, settled, snapshotting, unharmed
from rig_domain import ID, Account, Deposit
from rig_stores import Sharing, Snapshots

KEEPING: dict[str, Any] = {"snapshot_strategy": SnapshotAfterN(1)}
OTHER_ID = UUID(int=8)


class Slow(Snapshots):
    """A store that is waited for, so that snapshots are written behind."""

    timeout = timedelta(seconds=10)
    is_local = False


class TestDerived:
    """Without `events` what was derived goes, and a load gives the same state."""

    async def test_snapshots_and_cache_entry_go_and_the_state_stays(self) -> None:
        async with Rig(**KEEPING) as rig:
            await rig.deposit(1, 2)
            await rig.forget()
            assert rig.cache.record is None
            assert rig.snapshots.records() == {}
            assert (await rig.load()).balance == 3
            assert rig.report.events_folded == 2

    async def test_snapshots_of_all_revisions_go(self) -> None:
        async with Rig(**KEEPING) as rig:
            await rig.deposit(1)
            await rig.snapshots.plant(rig.snapshots.records()[1], revision="0")
            await rig.forget()
            assert rig.snapshots.records("0") == rig.snapshots.records() == {}

    async def test_others_are_left(self) -> None:
        async with Rig(**KEEPING) as rig:
            await rig.deposit(1)
            await rig.deposit(2, aggregate_id=OTHER_ID)
            await rig.forget(events=True)
            assert rig.cache.found.aggregate_id == OTHER_ID
            assert [i async for i in rig.snapshots.ids(_scope(rig))] == [OTHER_ID]
            assert (await rig.load(OTHER_ID)).balance == 2

    async def test_a_snapshot_that_waits_to_be_written_is_not_written(self) -> None:
        async with Rig(snapshots=Slow(), **snapshotting()) as rig:
            gate = rig.snapshots.hold("put")
            await rig.deposit(1, aggregate_id=OTHER_ID)
            await gate.reached.wait()
            await rig.deposit(1)
            await rig.forget()
            gate.opened.set()
        assert rig.snapshots.records() == {}
        assert rig.app.counters()["snapshot.taken"] == 1

    async def test_a_snapshot_that_is_being_written_is_waited_for_and_removed(self) -> None:
        async with Rig(snapshots=Slow(), **snapshotting()) as rig:
            gate = rig.snapshots.hold("put")
            await rig.deposit(1)
            await gate.reached.wait()
            forgetting = asyncio.create_task(rig.forget())
            assert not await settled(forgetting), "it didn't wait"
            gate.opened.set()
            await ended(forgetting)
            assert rig.snapshots.records() == {}

    async def test_a_snapshot_that_another_process_has_yet_to_write_is_refused(self) -> None:
        async with Rig(snapshots=Snapshots(clock=Clock()), **snapshotting()) as rig:
            await rig.deposit(1)
            late = rig.snapshots.records()[1]
            await rig.forget()
            await rig.snapshots.plant(late)
            assert rig.snapshots.records() == {}
            await rig.snapshots.plant(late, taken_at=late.taken_at + timedelta(seconds=1))
            assert list(rig.snapshots.records()) == [1]

    async def test_an_archived_stream_keeps_its_snapshots(self) -> None:
        async with Rig(**KEEPING) as rig:
            await rig.deposit(1, 2)
            rig.events.drop_below(2)
            with pytest.raises(StreamTruncatedError, match="forget it with events=True"):
                await rig.forget()
            assert (await rig.load(freshness=FastForward())).balance == 3
            rig.cache.evict()
            assert (await rig.load()).balance == 3
            await rig.forget(events=True)
            assert await rig.load() == Account(id=ID)

    async def test_a_stream_that_begins_meanwhile_is_not_taken_for_an_archived_one(self) -> None:
        async with Rig(**KEEPING) as rig:

            async def begin() -> None:
                rig.events.write(1)

            rig.events.then("head", begin)
            with unharmed("a stream that began was refused"):
                await rig.forget()
            assert (await rig.load()).balance == 1

    async def test_an_earlier_failure_is_forgotten(self) -> None:
        async with Rig(snapshots=Slow(), **snapshotting()) as rig:
            rig.snapshots.then("put", OSError("the disk is full"))
            await rig.deposit(1)
            await rig.app._services[rig.cls].loader.drain()
            await rig.forget()
            await rig.load()
            assert "the disk is full" not in str(rig.report.misses)


class TestEvents:
    """With `events` the stream goes too."""

    async def test_a_load_gives_the_empty_aggregate(self) -> None:
        async with Rig(**KEEPING) as rig:
            await rig.deposit(1, 2)
            await rig.forget(events=True)
            assert await rig.load() == Account(id=ID)
            assert not await rig.app.exists(rig.cls, ID)
            assert "stream.rolled_back" not in rig.app.counters()

    async def test_a_new_stream_may_begin(self) -> None:
        async with Rig(**KEEPING) as rig:
            await rig.deposit(1, 2)
            await rig.forget(events=True)
            assert await rig.app.dispatch(Deposit(aggregate_id=ID, amount=5)) == 5
            assert [row.version for row in rig.events.rows()] == [1]
            assert (await rig.load()).balance == 5

    async def test_a_shorter_stream_of_another_process_is_read(self) -> None:
        async with Rig() as rig, rig.other(cache=rig.cache) as other:
            await rig.deposit(1, 2)
            await rig.forget(events=True)
            await other.deposit(5)
            assert (await rig.load()).balance == 5
            assert "stream.rolled_back" not in rig.app.counters()

    @pytest.mark.parametrize("derived", ["snapshots", "cache"])
    async def test_what_another_process_derives_before_the_events_go_is_removed(
        self, derived: str
    ) -> None:
        async with Rig(**KEEPING) as rig:
            await rig.deposit(1)
            entry, snapshot = rig.cache.found, rig.snapshots.records()[1]
            later = rig.clock.now + timedelta(days=9_999)

            async def another_process_keeps_it() -> None:
                if derived == "cache":
                    rig.cache.plant(entry)
                else:
                    await rig.snapshots.plant(snapshot, taken_at=later)

            rig.events.then("delete", another_process_keeps_it)
            await rig.forget(events=True)
            assert rig.cache.record is None
            assert rig.snapshots.records() == {}


class TestFailures:
    """It says how far it came, and may be repeated."""

    async def test_events_that_cannot_be_deleted_leave_a_true_state(self) -> None:
        async with Rig(**KEEPING) as rig:
            await rig.deposit(1, 2)
            rig.events.down.add("delete")
            with pytest.raises(BackendUnavailableError) as caught:
                await rig.forget(events=True)
            assert str(caught.value) == (
                f"Account {ID} isn't forgotten: deleting its events failed, as far as is known "
                "(the event store's delete failed: OSError('delete: the server is down')); done: "
                "removing its snapshots, removing its cache entry; not begun: removing its "
                "snapshots that came meanwhile, removing its cache entry that came meanwhile. "
                "Forget it again, everything may be done twice"
            )
            assert (await rig.load()).balance == 3
            rig.events.down.clear()
            await rig.forget(events=True)
            assert await rig.load() == Account(id=ID)

    @pytest.mark.parametrize("kept", ["snapshots", "cache"])
    async def test_where_the_derived_cannot_be_removed_the_events_stand(self, kept: str) -> None:
        async with Rig(**KEEPING) as rig:
            await rig.deposit(1, 2)
            getattr(rig, kept).down |= {"forget", "remove"}
            with pytest.raises(BackendUnavailableError, match="isn't forgotten: removing its"):
                await rig.forget(events=True)
            assert len(rig.events.rows()) == 2
            assert (await rig.load()).balance == 3

    async def test_a_load_after_a_failed_forget_is_kept_again(self) -> None:
        async with Rig(**KEEPING) as rig:
            await rig.deposit(1)
            rig.events.down.add("delete")
            with pytest.raises(BackendUnavailableError):
                await rig.forget(events=True)
            await rig.load()
            assert rig.cache.found.version == 1

    @pytest.mark.parametrize("events", [False, True])
    async def test_a_plain_snapshot_backend_cannot_forget(self, *, events: bool) -> None:
        async with Rig(snapshots=Sharing(), **KEEPING) as rig:
            await rig.deposit(1)
            with pytest.raises(ConfigurationError, match="a plain snapshot backend has no removal"):
                await rig.forget(events=events)
            assert rig.cache.found.version == 1
            assert len(rig.events.rows()) == 1

    async def test_a_plain_cache_forgets(self) -> None:
        async with Rig(cache=Sharing()) as rig:
            await rig.deposit(1)
            await rig.forget(events=True)
            assert await rig.load() == Account(id=ID)

    async def test_without_snapshots_and_cache_the_events_go(self) -> None:
        async with Rig(snapshots=Snapshots(), **snapshotting(100)) as rig:
            await rig.deposit(1)
            await rig.forget(events=True)
            assert rig.events.rows() == []


def _scope(rig: Rig) -> Any:
    return rig.app._services[rig.cls].context.registration.snapshot_scope
