"""Snapshots stored ahead of the loads that would have to replay."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest

from interlock._engine.reports import Reason, Source
from interlock.application import RebuildProgress
from interlock.application.aggregates import NullAggregateSnapshotStorageBackend
from interlock.backends import EventRow
from interlock.domain import Aggregate
from interlock.errors import (
    BackendUnavailableError,
    ConfigurationError,
    StreamTruncatedError,
    VersionNotFoundError,
)
from rig import Rig, ended, unharmed
from rig_domain import ID, Account
from rig_stores import Events, Snapshots

OTHER = UUID(int=8)


class Noting(Events):
    """Notes which versions are read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[int, int | None]] = []

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        self.asked.append((first, last))
        async for rows in super().read(aggregate_type, aggregate_id, first=first, last=last):
            yield rows


class Reader(Account):
    """The same account in newer code, which may read the older code's snapshots."""

    type_name = "Account"
    revision = "2"
    reads_revisions = ("1",)


class Interrupted(Exception):  # noqa: N818 somebody pressed a key
    """Raised by a progress callback."""


def interrupt(_: RebuildProgress) -> None:
    raise Interrupted


async def rebuilt(rig: Rig, *ids: UUID, every: int = 10, **more: Any) -> int:
    return await ended(
        rig.app.rebuild_snapshots(rig.cls, ids or [ID], every=every, **more),
    )


async def test_a_snapshot_is_stored_every_so_many_events_and_at_the_end() -> None:
    async with Rig() as rig:
        rig.events.write(*[1] * 25)
        progress: list[RebuildProgress] = []
        assert await rebuilt(rig, progress=progress.append) == 3
        assert [step.version for step in progress] == list(rig.snapshots.records()) == [10, 20, 25]
        assert progress[0] == RebuildProgress("Account", ID, 10, 25)
        assert rig.app.counters()["snapshot.taken"] == 3
        assert await rig.load() == Account(id=ID, version=25, balance=25)
        assert (rig.report.baseline, rig.report.events_folded) == (Source.SNAPSHOT, 0)
        assert (await rig.load(version=20)).balance == 20
        assert rig.report.events_folded == 0


async def test_an_interrupted_rebuild_goes_on_where_it_was() -> None:
    events = Noting()
    async with Rig(events=events) as rig:
        events.write(*[1] * 25)
        with pytest.raises(Interrupted):
            await rebuilt(rig, progress=interrupt)
        events.asked.clear()
        assert await rebuilt(rig) == 2
        assert events.asked == [(10, 20), (20, 25)]
        assert list(rig.snapshots.records()) == [10, 20, 25]


async def test_what_is_up_to_date_is_not_stored_again() -> None:
    async with Rig() as rig:
        rig.events.write(*[1] * 25)
        await rebuilt(rig)
        assert await rebuilt(rig) == 0
        rig.events.write(1)
        assert await rebuilt(rig) == 1
        assert max(rig.snapshots.records()) == 26


async def test_many_are_rebuilt_and_those_without_events_are_passed_by() -> None:
    async with Rig() as rig:
        rig.events.write(*[1] * 5)
        rig.events.write(*[2] * 5, aggregate_id=OTHER)
        progress: list[RebuildProgress] = []
        assert await rebuilt(rig, UUID(int=9), ID, OTHER, progress=progress.append) == 2
        assert [step.aggregate_id for step in progress] == [ID, OTHER]


async def test_an_older_revision_that_may_be_read_is_what_is_gone_on_from() -> None:
    events = Noting()
    async with (
        Rig(events=events) as old,
        Rig(Reader, events=events, snapshots=old.snapshots) as rig,
    ):
        events.write(*[1] * 25)
        await rebuilt(old)
        events.asked.clear()
        assert await rebuilt(rig) == 1
        assert events.asked == [(25, 25)]
        assert list(rig.snapshots.records("2")) == [25]


async def test_a_snapshot_of_another_branch_is_passed_over_and_replaced() -> None:
    async with Rig() as rig:
        rig.events.write(*[1] * 12)
        await rebuilt(rig)
        rig.events.roll_back(to=11)
        rig.events.write(4, 4)
        assert await rebuilt(rig) == 1
        assert list(rig.snapshots.records()) == [10, 13]
        assert (await rig.load()).balance == 19
        assert rig.app.counters()["snapshot.other-branch"] == 1


async def test_a_snapshot_ahead_of_a_stream_that_was_rolled_back_gives_way() -> None:
    async with Rig(snapshots=Snapshots(keep=1)) as rig:
        rig.events.write(*[1] * 25)
        await rebuilt(rig)
        rig.events.roll_back(to=12)
        assert await rebuilt(rig) == 2
        assert list(rig.snapshots.records()) == [12]
        assert (await rig.load()).balance == 12
        assert rig.report.events_folded == 0


async def test_a_snapshot_that_another_process_takes_meanwhile_stays() -> None:
    async with Rig() as rig:
        rig.events.write(*[1] * 20)
        await rebuilt(rig)
        last = rig.events.rows()[-1]
        rig.events.roll_back(to=19)

        async def append() -> None:
            rig.events.restore(last)

        rig.snapshots.then("read", append)
        assert await rebuilt(rig) == 0
        assert list(rig.snapshots.records()) == [10, 20]


async def test_a_store_that_fails_ends_the_rebuild_and_what_is_stored_stays() -> None:
    async with Rig() as rig:
        rig.events.write(*[1] * 25)
        rig.snapshots.then("put", None, OSError("the disk is full"))
        with pytest.raises(BackendUnavailableError, match="the disk is full"):
            await rebuilt(rig)
        assert list(rig.snapshots.records()) == [10]


async def test_nothing_is_replayed_while_the_snapshots_cannot_be_read() -> None:
    events = Noting()
    async with Rig(events=events) as rig:
        events.write(*[1] * 25)
        rig.snapshots.down.add("read")
        with pytest.raises(BackendUnavailableError, match=r"can't be rebuilt.*the server is down"):
            await rebuilt(rig)
        assert events.asked == []


async def test_what_is_forgotten_meanwhile_is_not_stored_again() -> None:
    async with Rig() as rig:
        rig.events.write(*[1] * 25)
        gate = rig.events.hold("reading")
        rebuilding = asyncio.create_task(rig.app.rebuild_snapshots(Account, [ID], every=10))
        await gate.reached.wait()
        await ended(rig.app.forget(Account, ID))
        gate.opened.set()
        assert await ended(asyncio.wait_for(rebuilding, None)) == 0
        assert rig.snapshots.records() == {}


async def test_a_forget_waits_for_the_snapshot_that_is_being_stored() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        gate = rig.snapshots.hold("put")
        rebuilding = asyncio.create_task(rig.app.rebuild_snapshots(Account, [ID]))
        await gate.reached.wait()
        forgetting = asyncio.create_task(rig.app.forget(Account, ID))
        gate.opened.set()
        await ended(asyncio.wait_for(rebuilding, None))
        await ended(asyncio.wait_for(forgetting, None))
        assert rig.snapshots.records() == {}


async def test_a_stream_that_is_rolled_back_meanwhile_is_said() -> None:
    async with Rig() as rig:
        rig.events.write(*[1] * 25)

        def roll_back(_: RebuildProgress) -> None:
            rig.events.roll_back(to=5)
            rig.events.write(*[2] * 20)

        with pytest.raises(VersionNotFoundError, match="it was rolled back, rebuild again"):
            await rebuilt(rig, progress=roll_back)
        assert await rebuilt(rig) == 3
        assert (await rig.load()).balance == 45


async def test_a_stream_that_is_deleted_meanwhile_is_passed_by() -> None:
    async with Rig() as rig:
        rig.events.write(*range(1, 21))
        rig.events.write(1, aggregate_id=OTHER)

        async def delete() -> None:
            rig.events.roll_back(0)

        rig.events.then("read", delete)
        with unharmed("a deleted stream ended the rebuild"):
            assert await rebuilt(rig, ID, OTHER) == 1


async def test_a_truncated_stream_needs_a_usable_snapshot() -> None:
    async with Rig() as rig:
        rig.events.write(*[1] * 25)
        await rebuilt(rig, every=100)
        rig.events.drop_below(25)
        rig.events.write(1)
        assert await rebuilt(rig) == 1
        await rig.app.forget(Account, ID, events=True)
        rig.events.write(*[1] * 5)
        rig.events.drop_below(3)
        with pytest.raises(StreamTruncatedError):
            await rebuilt(rig)


async def test_a_rebuild_reads_what_was_skipped_and_counts_it() -> None:
    async with Rig() as rig:
        rig.events.write(*[1] * 25)
        await rebuilt(rig, every=100)
        await rig.snapshots.plant(rig.snapshots.records()[25], payload=b"[")
        assert await rebuilt(rig, every=100) == 1
        assert rig.app.counters()[f"snapshot.{Reason.UNUSABLE}"] == 1
        assert (await rig.load()).balance == 25


async def test_without_a_snapshot_backend_there_is_nothing_to_rebuild() -> None:
    async with Rig(snapshots=NullAggregateSnapshotStorageBackend()) as rig:
        with pytest.raises(ConfigurationError, match="register it with a snapshot_backend"):
            await rebuilt(rig)


async def test_what_is_asked_amiss_is_said() -> None:
    async with Rig() as rig:
        with pytest.raises(ValueError, match="every is 0; wanted an integer from 1"):
            await rebuilt(rig, every=0)
        with pytest.raises(TypeError, match="one of the ids is of type int; wanted a UUID"):
            await rig.app.rebuild_snapshots(Account, [7])  # type: ignore[list-item]
        with pytest.raises(ConfigurationError, match="isn't registered"):
            await rig.app.rebuild_snapshots(Aggregate, [ID])
