"""Long replays take turns, are limited, and leave a snapshot: a storm of misses is bounded."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from interlock._engine.replay_slots import ReplaySlots
from interlock._engine.reports import Source
from interlock.application.aggregates import (
    FastForward,
    NeverCache,
    NeverSnapshot,
    Replay,
    SnapshotAfterN,
)
from interlock.backends import EventRow
from interlock.errors import BackendUnavailableError
from outage_rig import OTHERS
from rig import Rig, settled, unharmed
from rig_domain import ID
from rig_stores import Events
from virtual_time import in_virtual_time, pass_by

LONG = 10
SETTINGS: dict[str, Any] = {"replay_long": LONG, "close_timeout": timedelta(seconds=20)}


class Paged(Events):
    """Events on a server that gives five rows a millisecond.

    `reading` are the streams that are being read beyond a long replay's bound, `most` the most at
    once.
    """

    is_local = False
    timeout: timedelta | None = timedelta(seconds=1)

    def __init__(self) -> None:
        super().__init__()
        self.reading = 0
        self.most = 0
        self.order: list[UUID] = []

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        await self.at("read")
        rows = [
            row
            for row in self.rows(aggregate_id)
            if first <= row.version and (last is None or row.version <= last)
        ]
        is_long = False
        try:
            for start in range(0, len(rows), 5):
                if start > LONG and not is_long:
                    is_long = True
                    self.order.append(aggregate_id)
                    self.reading += 1
                    self.most = max(self.most, self.reading)
                await pass_by(0.001)
                yield rows[start : start + 5]
        finally:
            self.reading -= is_long


class PagedRig(Rig):
    """Processes without a cache, on such events."""

    events: Paged

    def __init__(self, **options: Any) -> None:
        given: dict[str, Any] = {
            "events": Paged(),
            "settings": SETTINGS,
            "cache_strategy": NeverCache(),
        }
        super().__init__(**given | options)


def _fill(rig: Rig, *ids: UUID, events: int = 40) -> None:
    for each in ids:
        rig.events.write(*[1] * events, aggregate_id=each)


async def _hold(rig: Rig) -> list[asyncio.Task[Any]]:
    """Two long replays are under way."""
    _fill(rig, *OTHERS[:2], events=400)
    holding = [asyncio.create_task(rig.load(each)) for each in OTHERS[:2]]
    await pass_by(0.005)
    return holding


class TestSlots:
    """How many there are, and who gets them."""

    @in_virtual_time
    async def test_two_long_replays_are_made_at_once(self) -> None:
        async with PagedRig() as rig:
            _fill(rig, *OTHERS)
            loads = [rig.load(each) for each in OTHERS]
            assert [each.balance for each in await asyncio.gather(*loads)] == [40] * len(OTHERS)
            assert rig.events.most == 2
            assert rig.app.counters()["replay.waited"] == len(OTHERS) - 2

    @in_virtual_time
    async def test_so_many_as_the_setting_says(self) -> None:
        async with PagedRig(settings=SETTINGS | {"replay_slots": 5}) as rig:
            _fill(rig, *OTHERS)
            await asyncio.gather(*(rig.load(each) for each in OTHERS))
            assert rig.events.most == 5

    @in_virtual_time
    async def test_a_short_one_waits_for_nobody(self) -> None:
        async with PagedRig() as rig:
            holding = await _hold(rig)
            _fill(rig, ID, events=LONG)
            await rig.load()
            assert not any(load.done() for load in holding)
            await asyncio.gather(*holding)
            assert "replay.waited" not in rig.app.counters()

    @in_virtual_time
    async def test_what_is_known_to_be_long_waits_before_it_reads(self) -> None:
        async with PagedRig() as rig:
            _fill(rig, ID)
            await rig.load()
            holding = await _hold(rig)
            rig.events.calls.clear()
            for version in (None, 30):
                load = asyncio.create_task(rig.load(version=version))
                await settled()
                assert "read" not in rig.events.calls
                load.cancel()
            await asyncio.gather(*holding)

    @in_virtual_time
    async def test_commands_come_before_loads(self) -> None:
        async with PagedRig() as rig:
            _fill(rig, *OTHERS[2:5])
            holding = await _hold(rig)
            rig.events.order.clear()
            waiting: list[asyncio.Task[Any]] = []
            waiting += [asyncio.create_task(rig.load(each)) for each in OTHERS[2:4]]
            await pass_by(0.005)
            waiting.append(asyncio.create_task(rig.deposit(1, aggregate_id=OTHERS[4])))
            await asyncio.gather(*holding, *waiting)
            assert rig.events.order[0] == OTHERS[4]

    @in_virtual_time
    async def test_who_waits_as_long_as_a_call_may_take_is_told(self) -> None:
        async with PagedRig(settings=SETTINGS | {"replay_slots": 1}) as rig:
            _fill(rig, OTHERS[0], events=15_000)
            _fill(rig, ID)
            holding = asyncio.create_task(rig.load(OTHERS[0]))
            await pass_by(0.005)
            with pytest.raises(BackendUnavailableError, match="replay_slots"):
                await rig.load()
            await holding
            assert (await rig.load()).balance == 40

    @in_virtual_time
    async def test_who_gives_up_waiting_leaves_the_slot_to_the_next(self) -> None:
        async with PagedRig() as rig:
            _fill(rig, *OTHERS[2:4])
            holding = await _hold(rig)
            given_up = asyncio.create_task(rig.deposit(1, aggregate_id=OTHERS[2]))
            waiting = asyncio.create_task(rig.deposit(1, aggregate_id=OTHERS[3]))
            await pass_by(0.005)
            given_up.cancel()
            with unharmed("who had given up got the slot"):
                await asyncio.gather(*holding, waiting)
            assert rig.app._services[rig.cls].context.replay_slots._free == 2

    async def test_who_gives_up_with_the_slot_in_hand_gives_it_back(self) -> None:
        slots = ReplaySlots(1, LONG)
        assert slots.take()
        waiting = asyncio.create_task(slots.wait(None, for_command=False))
        await settled()
        slots.release()
        waiting.cancel()
        assert await settled(waiting)
        assert slots.take()

    @in_virtual_time
    async def test_a_replay_that_fails_gives_its_slot_back(self) -> None:
        async with PagedRig() as rig:
            _fill(rig, ID)
            rig.events._streams["Account", ID][35] = rig.events.rows()[34]
            for _ in range(3):
                with pytest.raises(Exception, match="events are missing"):
                    await rig.load()
            assert rig.app._services[rig.cls].context.replay_slots._free == 2

    @in_virtual_time
    async def test_callers_of_one_id_share_a_slot(self) -> None:
        async with PagedRig() as rig:
            _fill(rig, ID)
            await asyncio.gather(*(rig.load() for _ in range(10)))
            assert rig.events.most == 1

    @in_virtual_time
    async def test_the_report_tells_how_long_it_waited(self) -> None:
        async with PagedRig() as rig:
            _fill(rig, ID)
            holding = await _hold(rig)
            await rig.load()
            await asyncio.gather(*holding)
            waited = {each.aggregate_id: "slot" in each.phases for each in rig.reports}
            assert waited == {OTHERS[0]: False, OTHERS[1]: False, ID: True}

    async def test_many_at_once_take_one(self) -> None:
        async with Rig(settings=SETTINGS, cache_strategy=NeverCache()) as rig:
            slots = rig.app._services[rig.cls].context.replay_slots
            _fill(rig, *OTHERS)
            assert slots.take()
            assert slots.take()
            loading = asyncio.create_task(rig.load_many(*OTHERS))
            assert not await settled(loading)
            slots.release()
            assert [each.balance for each in await loading] == [40] * len(OTHERS)
            assert slots._free == 1


class TestTheSnapshot:
    """A long replay is made once."""

    @in_virtual_time
    async def test_a_load_leaves_one_for_the_next_process(self) -> None:
        async with PagedRig(snapshot_strategy=SnapshotAfterN(1_000)) as rig:
            _fill(rig, ID)
            await rig.load()
            async with rig.other() as other:
                await other.load()
                assert other.report.baseline is Source.SNAPSHOT
                assert other.report.events_folded == 0

    @in_virtual_time
    async def test_a_short_one_leaves_none(self) -> None:
        async with PagedRig(snapshot_strategy=SnapshotAfterN(1_000)) as rig:
            _fill(rig, ID, events=LONG)
            await rig.load()
            assert not rig.snapshots.records()

    @pytest.mark.parametrize(
        "options",
        [
            {"snapshot_strategy": SnapshotAfterN(1_000), "snapshot_long_replays": False},
            {"snapshot_strategy": NeverSnapshot()},
        ],
        ids=["the option", "the strategy"],
    )
    @in_virtual_time
    async def test_none_where_it_is_not_wanted(self, options: dict[str, Any]) -> None:
        async with PagedRig(**options) as rig:
            _fill(rig, ID)
            await rig.load()
            assert not rig.snapshots.records()

    @in_virtual_time
    async def test_a_command_leaves_one_too(self) -> None:
        async with PagedRig(snapshot_strategy=SnapshotAfterN(1_000)) as rig:
            _fill(rig, ID)
            await rig.deposit(1)
            assert list(rig.snapshots.records()) == [41]


class TestTheLimit:
    """`replay_limit`, where it holds at all times."""

    def _limited(self, **options: Any) -> PagedRig:
        options = {"replay_limit": 20, "replay_limit_holds": "always"} | options
        return PagedRig(snapshot_strategy=SnapshotAfterN(1_000), **options)

    @in_virtual_time
    async def test_it_holds_though_the_snapshot_store_is_up(self) -> None:
        async with self._limited() as rig:
            _fill(rig, ID)
            for call in (rig.load(), rig.load(freshness=Replay()), rig.deposit(1)):
                with pytest.raises(BackendUnavailableError, match="rebuild its snapshots"):
                    await call
            assert (await rig.load(version=20)).balance == 20

    @in_virtual_time
    async def test_it_counts_from_the_snapshot(self) -> None:
        async with self._limited() as rig:
            _fill(rig, ID)
            with unharmed("the limit held for a rebuild"):
                await rig.app.rebuild_snapshots(rig.cls, [ID])
            assert (await rig.load(freshness=FastForward())).balance == 40
