"""What is amiss with one of many is told of that one."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from interlock.application.aggregates import (
    FastForward,
)
from interlock.backends import AggregateRecord, RecordKey
from interlock.errors import (
    BackendUnavailableError,
    EventApplyError,
    StreamTruncatedError,
)
from many_accounts import IDS, OneByOne, balances, filled
from rig import Rig, snapshotting, unharmed
from rig_domain import ID, Account
from rig_stores import Cache, Events


class TestWhatIsAmiss:
    """Is left to a load of its own, and fails nobody else."""

    async def test_an_unusable_entry_is_passed_over_and_removed(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2)
            await rig.deposit(4, aggregate_id=IDS[0])
            rig.cache.plant(rig.cache._records[_key(ID)], payload=b"{")
            rig.cache.calls.clear()
            with unharmed("one entry failed the batch"):
                assert balances(await rig.load_many(ID, IDS[0])) == [3, 4]
            assert "remove" in rig.cache.calls

    @pytest.mark.parametrize("has_reader", [True, False])
    async def test_an_entry_beyond_every_stream_is_passed_over(self, *, has_reader: bool) -> None:
        async with Rig(events=Events() if has_reader else OneByOne()) as rig:
            await rig.deposit(1, aggregate_id=IDS[0])
            await rig.deposit(2)
            found, version = rig.cache._records[_key(IDS[0])], 2**63 - 3
            payload = found.payload.replace(b'"version":1', b'"version":%d' % version)
            rig.cache.plant(found, version=version, payload=payload)
            with unharmed("one entry failed the batch"):
                loaded = await rig.load_many(ID, IDS[0], ID, freshness=FastForward())
            assert balances(loaded) == [2, 1, 2]

    async def test_a_record_of_another_aggregate_is_not_taken(self) -> None:
        class Lying(Cache):
            async def read_many(
                self, keys: Sequence[RecordKey]
            ) -> Mapping[RecordKey, AggregateRecord]:
                return dict.fromkeys(keys, self._records[_key(IDS[0])])

        async with Rig(cache=Lying()) as rig:
            await rig.deposit(1, aggregate_id=IDS[0])
            await rig.deposit(2)
            assert balances(await rig.load_many(ID, IDS[0])) == [2, 1]

    async def test_an_entry_of_another_branch_is_not_taken(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2)
            rig.events.roll_back(1)
            rig.events.write(5)
            assert balances(await rig.load_many(ID, freshness=FastForward())) == [6]

    async def test_a_snapshot_ahead_of_the_stream_is_not_taken(self) -> None:
        async with Rig(**snapshotting()) as rig:
            await rig.deposit(1, 2)
            rig.events.roll_back(1)
            assert balances(await rig.load_many(ID)) == [1]
            assert rig.report.baseline_version == 1

    async def test_an_event_that_does_not_apply_is_raised_when_its_turn_has_come(self) -> None:
        async with Rig() as rig:
            rig.events.write(1, aggregate_id=IDS[0])
            rig.events.write(1, 0)
            accounts = rig.app.load_many(rig.cls, [IDS[0], ID])
            assert (await anext(accounts)).balance == 1
            assert "read" not in rig.events.calls
            with pytest.raises(EventApplyError, match=r"version 2 \(Deposited\)"):
                await anext(accounts)

    async def test_a_truncated_stream_is_an_error_and_never_a_wrong_state(self) -> None:
        async with Rig() as rig:
            rig.events.write(1, aggregate_id=IDS[0])
            rig.events.write(1, 2, 4)
            rig.events.drop_below(2)
            accounts = rig.app.load_many(rig.cls, [IDS[0], ID])
            assert (await anext(accounts)).balance == 1
            with pytest.raises(StreamTruncatedError):
                await anext(accounts)

    async def test_a_stream_may_be_archived_below_its_snapshot(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(1, 2, 4)
            rig.events.drop_below(2)
            assert balances(await rig.load_many(ID)) == [7]

    async def test_named_older_revisions_are_read(self) -> None:
        class Newer(Account):
            type_name = "Account"
            revision = "2"
            reads_revisions = ("1",)

        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(1, 2, 4)
            newer = Rig(Newer, events=rig.events, snapshots=rig.snapshots, **snapshotting(2))
            async with newer:
                assert balances(await newer.load_many(ID)) == [7]
                assert newer.report.baseline_version == 2

    async def test_a_failing_read_of_many_tails_is_made_good_one_by_one(self) -> None:
        async with Rig() as rig:
            await filled(rig)
            rig.events.then("reading", None, OSError("gone in the middle"))
            with unharmed("the read at once has to succeed"):
                assert balances(await rig.load_many(*IDS[:3])) == [1, 3, 6]

    async def test_an_event_store_that_is_down_is_told(self) -> None:
        async with Rig() as rig:
            rig.events.down |= {"read", "read_many"}
            with pytest.raises(BackendUnavailableError, match="the event store's read failed"):
                await rig.load_many(ID)

    @pytest.mark.parametrize("call", ["read", "read_many"])
    async def test_a_snapshot_store_that_is_down_is_replayed_or_told(self, call: str) -> None:
        async with Rig(**snapshotting()) as rig:
            await rig.deposit(1)
            rig.snapshots.down |= {"read", call}
            assert balances(await rig.load_many(ID)) == [1]
            async with rig.other(on_unavailable="fail") as other:
                with pytest.raises(BackendUnavailableError, match="the snapshot store's read"):
                    await other.load_many(ID)


def _key(aggregate_id: UUID) -> RecordKey:
    return RecordKey("default", 0, "Account", aggregate_id, "1")
