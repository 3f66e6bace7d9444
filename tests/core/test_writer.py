"""Snapshots are written behind the commands; the newest of an id, and all of them at the end."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from interlock._engine.reporting import Reporting
from interlock._engine.reports import Reason, Source
from interlock._engine.snapshot_queue import SnapshotQueue
from interlock._storage.records import AggregateRecord, RecordKey
from interlock.application.aggregates import SnapshotAfterTime
from interlock.errors import BackendUnavailableError
from rig import Rig, ended, settled, snapshotting
from rig_domain import ID
from rig_stores import Snapshots

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Slow(Snapshots):
    """A store that is waited for."""

    timeout = timedelta(seconds=10)
    is_local = False


def key(number: int = 7) -> RecordKey:
    return RecordKey("default", 0, "Account", UUID(int=number), "1")


def record(version: int, *, event: int | None = None, number: int = 7) -> AggregateRecord:
    event_id = UUID(int=version if event is None else event)
    stamp = "Account", UUID(int=number), "1", version, event_id
    return AggregateRecord("default", 0, *stamp, NOW, NOW, NOW, NOW, "json", b"{}")


async def test_a_command_does_not_wait_for_its_snapshot() -> None:
    async with Rig(snapshots=Slow(), **snapshotting()) as rig:
        with rig.snapshots.hold("put") as gate:
            await ended(rig.deposit(1))
            await gate.reached.wait()
            assert rig.snapshots.records() == {}
    assert list(rig.snapshots.records()) == [1]


async def test_closing_writes_what_is_queued() -> None:
    rig = Rig(snapshots=Slow(), **snapshotting())
    await rig.app.start()
    gate = rig.snapshots.hold("put")
    for number in range(5):
        await rig.deposit(1, aggregate_id=UUID(int=number))
    closing = asyncio.create_task(rig.app.close())
    assert not await settled(closing), "it closed without waiting"
    gate.opened.set()
    await ended(asyncio.wait_for(closing, None))
    assert rig.app.counters()["snapshot.taken"] == 5


async def test_a_snapshot_is_of_the_state_when_it_was_due() -> None:
    async with Rig(snapshots=Slow(), **snapshotting(2)) as rig:
        gate = rig.snapshots.hold("put")
        await rig.deposit(1, 2)
        await gate.reached.wait()
        await rig.deposit(4)
        gate.opened.set()
    assert b'"balance":3' in rig.snapshots.records()[2].payload


async def test_of_two_that_wait_for_one_id_the_newest_is_written() -> None:
    store, reporting = Slow(), Reporting()
    writer = SnapshotQueue(store, reporting, size=10)
    for version in (1, 3, 2):
        assert await writer.write(key(), record(version), ())
    await writer.drain()
    assert list(store.records()) == [3]
    assert store.calls.count("put") == 1


async def test_a_newer_one_that_was_proven_false_gives_way() -> None:
    store = Slow()
    writer = SnapshotQueue(store, Reporting(), size=10)
    false = record(3, event=33)
    await writer.write(key(), false, ())
    await writer.write(key(), record(2), [false.stamp])
    await writer.drain()
    assert list(store.records()) == [2]


async def test_what_each_supersedes_is_superseded() -> None:
    store = Slow()
    await store.plant(record(5, event=55))
    await store.plant(record(6, event=66))
    writer = SnapshotQueue(store, Reporting(), size=10)
    await writer.write(key(), record(1), [record(5, event=55).stamp])
    await writer.write(key(), record(2), [record(6, event=66).stamp])
    await writer.drain()
    assert list(store.records()) == [2]


async def test_a_full_queue_takes_no_other_id() -> None:
    store, reporting = Slow(), Reporting()
    writer = SnapshotQueue(store, reporting, size=1)
    assert await writer.write(key(1), record(1, number=1), ())
    assert not await writer.write(key(2), record(1, number=2), ())
    assert await writer.write(key(1), record(2, number=1), ())
    await writer.drain()
    assert reporting.counters() == {"snapshot.queue_full": 1, "snapshot.taken": 1}


async def test_a_failed_write_is_counted_and_said_in_load_reports() -> None:
    async with Rig(snapshots=Slow(), **snapshotting()) as rig:
        rig.snapshots.then("put", BackendUnavailableError("the disk is full"))
        await rig.deposit(1)
        await rig.app._services[rig.cls].loader.drain()
        assert rig.app.counters()["snapshot.failed"] == 1
        await rig.load()
        assert (Source.SNAPSHOT, Reason.NOT_WRITTEN) in rig.misses
        assert "the disk is full" in rig.report.misses[0].detail
        await rig.deposit(1)
        await rig.app._services[rig.cls].loader.drain()
        await rig.load()
        assert rig.misses == []


async def test_closing_gives_up_what_takes_too_long() -> None:
    settings = {"close_timeout": timedelta(milliseconds=20)}
    rig = Rig(snapshots=Slow(), settings=settings, **snapshotting())
    await rig.app.start()
    rig.snapshots.hold("put")
    await rig.deposit(1)
    await ended(rig.app.close())
    assert {task.get_coro().__name__ for task in asyncio.all_tasks()} <= {  # type: ignore[union-attr] # tests are coroutines
        "test_closing_gives_up_what_takes_too_long"
    }
    assert ID not in rig.snapshots.records()


async def test_closing_counts_and_names_what_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    settings = {"close_timeout": timedelta(milliseconds=20)}
    rig = Rig(snapshots=Slow(), settings=settings, **snapshotting())
    await rig.app.start()
    rig.snapshots.hold("put")
    ids = [UUID(int=number) for number in range(1, 13)]
    for each in ids:
        await rig.deposit(1, aggregate_id=each)
    await ended(rig.app.close())
    assert rig.app.counters().get("snapshot.lost") == 12
    assert "12 snapshots were not written in time" in caplog.text
    assert f"Account {ids[0]}" in caplog.text
    assert f"Account {ids[9]}, ..." in caplog.text
    assert str(ids[10]) not in caplog.text


async def test_closing_that_is_cancelled_leaves_nothing_running() -> None:
    rig = Rig(snapshots=Slow(), **snapshotting())
    await rig.app.start()
    gate = rig.snapshots.hold("put")
    await rig.deposit(1)
    await gate.reached.wait()
    closing = asyncio.create_task(rig.app.close())
    assert not await settled(closing)
    closing.cancel()
    assert await settled(closing)
    assert rig.app.counters()["snapshot.lost"] == 1
    assert len(asyncio.all_tasks()) == 1


class TestAnchor:
    """A snapshot after some time is measured from the last one that stands, or will."""

    def _rig(self) -> Rig:
        hourly = SnapshotAfterTime(timedelta(hours=1))
        return Rig(snapshots=Slow(), snapshot_strategy=hourly)

    async def _written(self, rig: Rig) -> list[int]:
        await rig.app._services[rig.cls].loader.drain()
        return list(rig.snapshots.records())

    async def test_a_failed_snapshot_does_not_move_it(self) -> None:
        async with self._rig() as rig:
            await rig.deposit(1)
            rig.clock.pass_by(4000)
            rig.snapshots.then("put", BackendUnavailableError("the disk is full"))
            await rig.deposit(1)
            assert await self._written(rig) == []
            rig.clock.pass_by(1)
            await rig.deposit(1)
            assert await self._written(rig) == [3]

    async def test_one_that_is_queued_makes_no_other_due(self) -> None:
        async with self._rig() as rig:
            await rig.deposit(1)
            rig.clock.pass_by(4000)
            gate = rig.snapshots.hold("put")
            await rig.deposit(1)
            await gate.reached.wait()
            await rig.deposit(1)
            gate.opened.set()
            assert await self._written(rig) == [2]

    async def test_one_that_is_written_moves_it_for_everybody(self) -> None:
        async with self._rig() as rig:
            await rig.deposit(1)
            rig.clock.pass_by(4000)
            taken_at = rig.clock.now
            await rig.deposit(1)
            assert await self._written(rig) == [2]
            rig.clock.pass_by(10)
            await rig.deposit(1)
            assert await self._written(rig) == [2]
            assert rig.cache.found.anchor_at == taken_at

    async def test_one_that_failed_leaves_it_where_another_waits(self) -> None:
        async with self._rig() as rig:
            await rig.deposit(1)
            rig.clock.pass_by(4000)
            gate = rig.snapshots.hold("put")
            await rig.deposit(1)
            await gate.reached.wait()
            rig.clock.pass_by(4000)
            rig.snapshots.then("put", BackendUnavailableError("the disk is full"))
            await rig.deposit(1)
            gate.opened.set()
            assert await self._written(rig) == [2]
            await rig.deposit(1)
            assert await self._written(rig) == [2, 4]
