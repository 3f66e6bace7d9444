"""A snapshot and the tail behind it in one read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from interlock._engine.reports import Reason, Source
from interlock.application.aggregates import FastForward, MaxAge, Replay
from interlock.backends import AggregateRecord, EventRow, ReadEvents, RecordKey, SnapshotStore
from interlock.errors import BackendUnavailableError, RecordUnusableError, StreamTruncatedError
from rig import Rig, ended, snapshotting, unharmed
from rig_domain import ID, Account, Deposit
from rig_stores import Events, Snapshots


class Beside(Events):
    """Events beside their snapshots; `ahead` is the call that reads both."""

    gives_list = False

    async def read_from_snapshot(
        self, snapshots: SnapshotStore, key: RecordKey, *, last: int | None = None
    ) -> tuple[AggregateRecord | None, ReadEvents]:
        await self.at("ahead")
        kept = snapshots.records() if isinstance(snapshots, Snapshots) else {}
        below = [version for version in kept if last is None or version <= last]
        record = kept[max(below)] if below and key.aggregate_id == ID else None
        first = 1 if record is None else record.version
        rows = [row for row in self.rows(key.aggregate_id) if row.version >= first]
        rows = [row for row in rows if last is None or row.version <= last]

        async def chunks() -> AsyncIterator[Sequence[EventRow]]:
            yield rows

        return record, rows if self.gives_list else chunks()

    def keeps_beside(self, snapshots: SnapshotStore) -> bool:
        return isinstance(snapshots, Snapshots)


class BesideInOneList(Beside):
    gives_list = True


def beside(every: int = 5) -> Rig:
    return Rig(events=Beside(), **snapshotting(every))


async def deposited(rig: Rig, count: int) -> None:
    await rig.deposit(*[1] * count)
    rig.events.calls.clear()
    rig.snapshots.calls.clear()


@pytest.mark.parametrize(
    ("count", "version", "baseline", "folded"), [(7, None, 5, 2), (12, 8, 5, 3), (3, None, 0, 3)]
)
@pytest.mark.parametrize("events", [Beside, BesideInOneList])
async def test_a_cold_load_is_one_read(
    count: int, version: int | None, baseline: int, folded: int, events: type[Beside]
) -> None:
    async with Rig(events=events(), **snapshotting(5)) as rig:
        await deposited(rig, count)
        account = await rig.load(version=version)
        assert (account.version, account.balance) == (version or count, version or count)
        assert (rig.report.baseline_version, rig.report.events_folded) == (baseline, folded)
        assert rig.events.calls == ["ahead"]
        assert rig.snapshots.calls == []


async def test_a_command_is_decided_on_what_one_read_gave() -> None:
    async with beside() as rig:
        await deposited(rig, 7)
        assert await rig.app.dispatch(Deposit(aggregate_id=ID)) == 8
        assert rig.events.calls == ["ahead", "append", "appended"]


async def test_no_snapshot_is_a_miss_and_the_stream_was_read_from_its_beginning() -> None:
    async with beside() as rig:
        await deposited(rig, 3)
        await rig.load()
        assert rig.misses == [(Source.SNAPSHOT, Reason.ABSENT)]


async def test_a_replay_reads_no_snapshot() -> None:
    async with beside() as rig:
        await deposited(rig, 7)
        await rig.load(freshness=Replay())
        assert rig.events.calls == ["read", "reading"]


async def test_what_cannot_be_read_at_once_is_read_one_after_the_other() -> None:
    async with beside() as rig:
        await deposited(rig, 7)
        rig.events.then("ahead", BackendUnavailableError("no right to read the other table"))
        with unharmed("the load failed"):
            assert (await rig.load()).version == 7
        assert rig.events.calls == ["ahead", "read", "reading"]
        assert rig.snapshots.calls == ["read"]
        assert rig.report.baseline_version == 5


async def test_an_unusable_snapshot_is_passed_over_and_its_tail_with_it() -> None:
    async with beside(every=2) as rig:
        await deposited(rig, 5)
        rig.events.then("ahead", RecordUnusableError("a wrong checksum", version=4))
        assert (await rig.load()).balance == 5
        assert rig.misses == [(Source.SNAPSHOT, Reason.UNUSABLE)]
        assert rig.report.baseline_version == 2


async def test_a_snapshot_that_does_not_decode_takes_its_tail_with_it() -> None:
    async with beside(every=2) as rig:
        await deposited(rig, 5)
        await rig.snapshots.plant(rig.snapshots.records()[4], payload=b"{")
        assert (await rig.load()).balance == 5
        assert rig.report.baseline_version == 2


async def test_a_snapshot_of_another_branch_is_passed_over() -> None:
    async with beside() as rig:
        await deposited(rig, 5)
        rig.events.roll_back(to=4)
        rig.events.write(10, 20)
        assert (await rig.load()).balance == 34
        assert rig.misses[0] == (Source.SNAPSHOT, Reason.OTHER_BRANCH)


async def test_a_truncated_stream_without_its_snapshot_is_an_error() -> None:
    async with beside(every=100) as rig:
        await deposited(rig, 5)
        rig.events.drop_below(3)
        with pytest.raises(StreamTruncatedError):
            await rig.load()


async def test_a_state_counts_as_the_head_from_before_both_were_read() -> None:
    async with Rig(events=Beside(), snapshot_strategy=snapshotting()["snapshot_strategy"]) as rig:
        await deposited(rig, 5)
        rig.cache.evict()
        began = rig.clock.now

        async def late() -> None:
            rig.clock.pass_by(10)

        rig.events.then("ahead", late)
        await rig.load(freshness=FastForward())
        assert rig.cache.found.verified_at == began
        assert (await rig.load(freshness=MaxAge(timedelta(seconds=5)))).version == 5
        assert rig.report.is_current


async def test_nobody_joins_a_load_whose_one_read_has_begun() -> None:
    async with beside() as rig:
        await deposited(rig, 5)
        gate = rig.events.hold("ahead")
        first = asyncio.create_task(rig.load(freshness=FastForward()))
        await gate.reached.wait()
        rig.events.write(7)
        second = await ended(rig.load(freshness=FastForward()))
        gate.opened.set()
        await first
        assert second.version == 6


async def test_a_rollback_that_one_read_shows_clears_what_was_known() -> None:
    async with beside() as rig:
        await deposited(rig, 7)
        rig.events.roll_back(to=6)
        assert isinstance(await rig.load(), Account)
        assert rig.app.counters()["stream.rolled_back"] == 1
