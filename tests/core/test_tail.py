"""The tail: what has to stand in the stream for a baseline to count; truncated streams."""

import tracemalloc
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from interlock._engine.reports import Reason, Source
from interlock._model.aggregate import origin_of
from interlock.application.aggregates import FastForward, MaxAge
from interlock.backends import EventRow
from interlock.errors import (
    BackendUnavailableError,
    EventApplyError,
    InterlockError,
    StreamTruncatedError,
    UnknownEventError,
    VersionNotFoundError,
)
from rig import Rig, ended, snapshotting
from rig_domain import ID, Account, Deposited
from rig_stores import Events


@pytest.mark.parametrize("to", [0, 1])
async def test_a_cached_state_ahead_of_the_stream_is_not_served(to: int) -> None:
    async with Rig() as before, before.other(cache=before.cache) as rig:
        await before.deposit(1, 2)
        rig.events.roll_back(to)
        assert (await rig.load(freshness=FastForward())).version == to
        assert rig.misses[0] == (Source.CACHE, Reason.NOT_IN_STREAM)


async def test_a_cached_state_of_another_branch_of_the_same_version_is_not_served() -> None:
    async with Rig() as before, before.other(cache=before.cache) as rig:
        await before.deposit(1, 2)
        rig.events.roll_back(to=1)
        rig.events.write(4)
        assert (await rig.load(freshness=FastForward())).balance == 5
        assert rig.misses[0] == (Source.CACHE, Reason.OTHER_BRANCH)


async def test_a_cached_state_of_another_branch_under_a_longer_stream_is_not_served() -> None:
    async with Rig() as before, before.other(cache=before.cache) as rig:
        await before.deposit(1, 2)
        rig.events.roll_back(to=1)
        rig.events.write(4, 8)
        assert (await rig.load(freshness=FastForward())).balance == 13


async def test_an_outdated_age_does_not_save_a_state_of_another_branch() -> None:
    async with Rig(freshness=MaxAge(timedelta(seconds=5))) as rig:
        await rig.deposit(1, 2)
        rig.events.roll_back(to=1)
        rig.events.write(4)
        rig.clock.pass_by(6)
        assert (await rig.load()).balance == 5


async def test_a_refuted_cache_entry_is_replaced() -> None:
    async with Rig() as before, before.other(cache=before.cache) as rig:
        await before.deposit(1, 2)
        rig.events.roll_back(to=1)
        rig.events.write(4)
        await rig.load(freshness=FastForward())
        assert rig.cache.found.last_event_id == UUID(bytes=rig.events.rows()[-1].event_id)


async def test_a_snapshot_ahead_of_the_stream_is_passed_over() -> None:
    async with Rig(**snapshotting(2)) as rig:
        await rig.deposit(*[1] * 5)
        rig.events.roll_back(to=3)
        assert (await rig.load()).version == 3
        assert rig.misses == [(Source.SNAPSHOT, Reason.NOT_IN_STREAM)]
        assert rig.report.baseline_version == 2


async def test_no_event_of_the_baseline_is_folded_twice() -> None:
    async with Rig(freshness=FastForward()) as rig:
        await rig.deposit(1, 2)
        assert await rig.load() == Account(id=ID, version=2, balance=3)
        assert rig.report.events_folded == 0


class Torn(Events):
    """Leaves one version out."""

    missing = 0

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        async for rows in super().read(aggregate_type, aggregate_id, first=first, last=last):
            yield [row for row in rows if row.version != self.missing]


async def test_versions_have_to_be_contiguous() -> None:
    events = Torn()
    async with Rig(events=events) as rig:
        events.write(*[1] * 5)
        events.missing = 3
        with pytest.raises(StreamTruncatedError, match="version 3"):
            await rig.load()


class TestTruncated:
    """Streams whose first events are gone."""

    async def test_without_a_usable_baseline_it_is_an_error_and_never_a_wrong_state(self) -> None:
        async with Rig() as rig:
            rig.events.write(1, 2, 4)
            rig.events.drop_below(2)
            with pytest.raises(StreamTruncatedError) as caught:
                await rig.load()
            assert caught.value.revisions == ()

    async def test_the_error_lists_the_revisions_that_have_snapshots(self) -> None:
        async with Rig(**snapshotting(1)) as rig:
            await rig.deposit(1, 2)
            record = rig.snapshots.records()[2]
            await rig.snapshots.plant(record, revision="7f3a")
            await rig.snapshots.plant(record, payload=b"{")
            await rig.snapshots.plant(rig.snapshots.records()[1], payload=b"{")
            rig.events.drop_below(2)
            with pytest.raises(StreamTruncatedError, match="7f3a") as caught:
                await rig.load()
            assert sorted(caught.value.revisions) == ["1", "7f3a"]

    async def test_a_store_that_cannot_list_revisions_does_not_hide_the_error(self) -> None:
        async with Rig(**snapshotting(100)) as rig:
            rig.events.write(1, 2)
            rig.events.drop_below(2)
            rig.snapshots.down.add("revisions")
            with pytest.raises(StreamTruncatedError):
                await rig.load()

    async def test_a_stream_may_be_archived_below_its_snapshot(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(1, 2, 4)
            rig.events.drop_below(2)
            assert (await rig.load()).balance == 7

    async def test_a_stream_archived_up_to_its_snapshot_is_an_error(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(1, 2, 4)
            rig.events.drop_below(3)
            with pytest.raises(StreamTruncatedError):
                await rig.load()

    async def test_a_version_below_what_is_left_is_no_missing_version(self) -> None:
        async with Rig(**snapshotting(2)) as rig:
            await rig.deposit(1, 2, 4)
            rig.events.drop_below(2)
            with pytest.raises(InterlockError) as gone:
                await rig.load(version=1)
            assert type(gone.value) is StreamTruncatedError
            with pytest.raises(VersionNotFoundError):
                await rig.load(version=9)


@pytest.mark.parametrize("before", [0, 2])
async def test_a_version_appended_while_it_is_asked_for_is_not_taken_for_archived(
    before: int,
) -> None:
    async with Rig() as rig:
        rig.events.write(*[1] * before)

        async def grow() -> None:
            rig.events.write(1)

        rig.events.then("head", grow)
        with pytest.raises(VersionNotFoundError, match=f"the stream ends at {before}"):
            await rig.load(version=before + 1)


async def test_a_baseline_at_the_asked_version_still_has_to_stand_in_the_stream() -> None:
    async with Rig(**snapshotting(2)) as rig:
        await rig.deposit(1, 2, 4)
        await rig.snapshots.plant(rig.snapshots.records()[2], last_event_id=uuid4())
        assert (await rig.load(version=2)).balance == 3
        assert rig.report.baseline is Source.EMPTY


async def test_the_event_store_failing_is_an_outage() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        rig.events.down.add("read")
        with pytest.raises(BackendUnavailableError):
            await rig.load()


async def test_an_event_store_that_never_answers_is_an_outage() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        rig.events.timeout = timedelta(milliseconds=1)
        rig.events.hold("reading")
        with pytest.raises(BackendUnavailableError, match="no answer"):
            await ended(rig.load())


async def test_an_applier_that_raises_is_named_with_its_event_and_version() -> None:
    async with Rig() as rig:
        rig.events.write(1, 0)
        with pytest.raises(EventApplyError, match=r"version 2 \(Deposited\)"):
            await rig.load()


async def test_a_stored_event_of_unknown_type_is_named() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        rig.events._streams["Account", ID].append(
            rig.events.rows()[0]._replace(version=2, type="Exploded")
        )
        with pytest.raises(UnknownEventError, match="Exploded"):
            await rig.load()


async def test_all_fields_of_a_loaded_state_count_as_set() -> None:
    async with Rig() as rig:
        await rig.deposit(1)
        states = [
            await rig.load(),
            await rig.load(freshness=FastForward()),
            await rig.load(version=1),
        ]
        assert {frozenset(state.model_fields_set) for state in states} == {
            frozenset(Account.model_fields)
        }


async def test_a_loaded_state_carries_the_stamp_of_its_last_event() -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2)
        states = [
            await rig.load(),
            await rig.load(freshness=FastForward()),
            await rig.load(version=2),
        ]
        origins = {origin_of(state) for state in states}
        assert len(origins) == 1
        origin = origins.pop()
        assert origin is not None
        assert origin.last_event_id == UUID(bytes=rig.events.rows()[-1].event_id)


class Endless(Events):
    """Makes its events up while it is read."""

    length = 0

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        payload = Deposited(amount=1).model_dump_json().encode()
        for start in range(1, self.length + 1, 500):
            yield [
                EventRow(version, version.to_bytes(16), "Deposited", 1, version, b"{}", payload)
                for version in range(start, start + 500)
            ]


async def test_memory_does_not_grow_with_the_stream() -> None:
    events = Endless()
    async with Rig(events=events, is_observed=False, **snapshotting(10**9)) as rig:
        peaks = []
        for events.length in (2_000, 20_000):
            tracemalloc.start()
            assert (await rig.load()).balance == events.length
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] - peaks[0] < 100_000
