"""What loads and commits leave in the cache and the snapshot store; nothing of it fails them."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from interlock.application.aggregates import (
    FastForward,
    SnapshotAfterTime,
    SnapshotWhen,
    SnapshotWhenReplayed,
)
from interlock.backends import AggregateRecord, RecordKey, Stamp
from rig import Rig, settled, snapshotting
from rig_domain import ID, Account, Deposited, DepositOnce
from rig_stores import Sharing, Snapshots


def _emits(*amounts: int) -> Any:
    def emit(account: Account) -> None:
        for amount in amounts:
            account.emit(Deposited(amount=amount))

    return emit


class TestSnapshots:
    """Snapshots that are due."""

    async def test_a_commit_that_steps_over_a_multiple_is_snapshotted(self) -> None:
        async with Rig(**snapshotting(5)) as rig:
            for _ in range(4):
                await rig.do(_emits(1, 1, 1))
            assert list(rig.snapshots.records()) == [6, 12]

    async def test_the_steps_are_counted_from_the_version_of_the_attempt_that_won(self) -> None:
        async with Rig(**snapshotting(5)) as rig:
            await rig.deposit(1, 1, 1, 1)
            await rig.do(_emits(1, 1))
            await rig.deposit(1, 1, 1)

            async def another_process_is_faster() -> None:
                rig.events.write(1)

            rig.events.then("append", another_process_is_faster)
            await rig.deposit(1)
            assert (await rig.load()).version == 11
            assert list(rig.snapshots.records()) == [6]

    async def test_a_failed_snapshot_is_made_good_by_the_next_commit(self) -> None:
        async with Rig(**snapshotting(5)) as rig:
            await rig.deposit(*[1] * 4)
            rig.snapshots.then("put", OSError("down"))
            await rig.deposit(1, 1)
            assert list(rig.snapshots.records()) == [6]

    async def test_time_is_counted_from_the_first_event_then_from_the_newest_snapshot(self) -> None:
        hour = SnapshotAfterTime(timedelta(hours=1))
        async with Rig(snapshot_strategy=hour) as rig:
            for _ in range(6):
                await rig.deposit(1)
                rig.clock.pass_by(1801)
            assert list(rig.snapshots.records()) == [3, 5]

    async def test_time_is_counted_alike_without_a_cache(self) -> None:
        async with Rig(
            **snapshotting(snapshot_strategy=SnapshotAfterTime(timedelta(hours=1)))
        ) as rig:
            for _ in range(6):
                await rig.deposit(1)
                rig.clock.pass_by(1801)
            assert list(rig.snapshots.records()) == [3, 5]

    async def test_a_long_replay_is_snapshotted_on_the_read(self) -> None:
        async with Rig(snapshot_strategy=SnapshotWhenReplayed(3)) as rig:
            rig.events.write(1, 1, 1)
            await rig.load()
            assert list(rig.snapshots.records()) == [3]

    async def test_what_was_not_read_from_the_stream_is_not_snapshotted(self) -> None:
        async with Rig(snapshot_strategy=SnapshotWhen(lambda moment: not moment.is_commit)) as rig:
            await rig.deposit(1)
            await rig.load()
            assert rig.snapshots.records() == {}
            await rig.load(freshness=FastForward())
            assert rig.snapshots.records() == {}  # the cache's state was kept when it was new

    async def test_a_snapshot_that_is_asked_for_late_is_of_the_state_then(self) -> None:
        async with Rig(**snapshotting(1)) as rig:
            gate = rig.snapshots.hold("put")
            first = asyncio.create_task(rig.deposit(1))
            await gate.reached.wait()
            rig.events.write(2)
            gate.opened.set()
            await first
            assert b'"balance":1' in rig.snapshots.records()[1].payload

    async def test_a_snapshot_is_of_the_state_that_was_read_whatever_its_reader_does_to_it(
        self,
    ) -> None:
        replayed = SnapshotWhenReplayed(1)
        async with Rig(**snapshotting(snapshot_strategy=replayed)) as rig:
            rig.events.write(1)
            mine = await rig.load()
            mine.balance = 99
            await settled()
            assert b'"balance":1,' in rig.snapshots.records()[1].payload


class TestSupersedes:
    """What is proven false makes way, and nothing else does."""

    async def test_a_commit_replaces_the_snapshots_of_what_was_rolled_back(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(*[1] * 8)
            rig.events.roll_back(to=3)
            await rig.deposit(5)
            assert list(rig.snapshots.records()) == [2, 4]
            assert (await rig.load()).balance == 8
            assert rig.report.baseline_version == 4

    async def test_a_commit_above_them_replaces_them_too(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(*[1] * 6)
            rig.events.roll_back(to=3)
            rig.events.write(1, 1, 1)
            await rig.do(_emits(1, 1))
            assert sorted(rig.snapshots.records()) == [2, 8]

    async def test_a_load_replaces_the_snapshot_of_another_branch(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(*[1] * 4)
            rig.events.roll_back(to=3)
            rig.events.write(5)
            replayed = SnapshotWhenReplayed(1)
            async with rig.other(snapshot_strategy=replayed) as other:
                await other.load()
            last = UUID(bytes=rig.events.rows()[3].event_id)
            assert rig.snapshots.records()[4].last_event_id == last

    async def test_what_a_load_refutes_is_not_counted_among_the_newest(self) -> None:
        async with Rig(snapshots=Snapshots(keep=2), **snapshotting(2)) as rig:
            await rig.deposit(*[1] * 4)
            rig.events.roll_back(to=3)
            rig.events.write(5, 5)
            async with rig.other(snapshot_strategy=SnapshotWhenReplayed(1)) as other:
                await other.load()
            assert sorted(rig.snapshots.records()) == [2, 5]

    async def test_a_load_leaves_a_snapshot_that_is_merely_ahead(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(*[1] * 6)
            rig.events.roll_back(to=3)
            async with rig.other(snapshot_strategy=SnapshotWhenReplayed(1)) as other:
                await other.load()
            assert sorted(rig.snapshots.records()) == [2, 3, 4, 6]

    async def test_a_false_cache_entry_is_replaced_though_it_could_not_be_removed(self) -> None:
        async with Rig() as before, before.other(cache=before.cache) as rig:
            await before.deposit(1, 1, 1, 1)
            rig.events.roll_back(to=2)
            rig.cache.down.add("remove")
            await rig.app.dispatch(DepositOnce(aggregate_id=ID))
            assert rig.cache.found.version == 3

    async def test_a_true_snapshot_of_a_faster_process_is_left(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(*[1] * 6)
            ahead = rig.snapshots.records()[6]
            rig.events.roll_back(to=3)

            async def another_process_commits_and_snapshots() -> None:
                rig.events.write(1, 1)
                await rig.snapshots.plant(ahead, last_event_id=uuid4())

            rig.events.then("appended", another_process_commits_and_snapshots)
            await rig.deposit(1)
            assert sorted(rig.snapshots.records()) == [2, 4, 6]


class TestVerifiedAt:
    """When a state was known to be the head."""

    async def test_a_commit_counts_from_before_its_append(self) -> None:
        async with Rig() as rig:
            began = rig.clock.now

            async def take_long() -> None:
                rig.clock.pass_by(10)

            rig.events.then("append", take_long)
            await rig.deposit(1)
            assert rig.cache.found.verified_at == began

    async def test_a_state_that_is_still_the_head_is_not_made_older(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            verified = rig.cache.found.verified_at
            await rig.load()
            assert rig.cache.found.verified_at == verified


@pytest.mark.parametrize("as_what", ["cache", "snapshots"])
async def test_a_plain_backend_and_its_callers_share_no_object(as_what: str) -> None:
    backend = Sharing()
    more: dict[str, Any] = snapshotting(1) if as_what == "snapshots" else {}
    async with Rig(**more | {as_what: backend}) as rig:
        await rig.deposit(1)
        rig.events.write(2)
        await rig.load(freshness=FastForward())
        first = await rig.load()
        first.marks.append("mine")
        first.balance = 99
        kept = backend.kept[ID]
        assert isinstance(kept, Account)
        assert kept.marks == []
        assert (await rig.load()).marks == []
        kept.marks.append("the backend's")
        assert first.marks == ["mine"]


async def test_a_handler_does_not_change_what_a_plain_cache_keeps() -> None:
    backend = Sharing()
    async with Rig(cache=backend) as rig:
        await rig.deposit(1)
        await rig.do(lambda account: account.marks.append("scribbled"))
        assert (await rig.load()).marks == []


class Noting(Snapshots):
    """Notes the versions that each put supersedes."""

    def __init__(self) -> None:
        super().__init__()
        self.superseded: list[set[int]] = []

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        self.superseded.append({stamp.version for stamp in supersedes})
        await super().put(key, record, supersedes)


async def test_keeping_declares_what_it_supersedes_exactly() -> None:
    snapshots = Noting()
    async with Rig(snapshots=snapshots, **snapshotting(1)) as rig:
        await rig.deposit(*[1] * 4)
        rig.events.roll_back(to=2)
        await rig.deposit(1)
    assert snapshots.superseded == [set(), set(), set(), set(), {3, 4}]
