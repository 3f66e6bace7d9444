"""A state is kept if it comes back as it is; one that doesn't is loaded from its events."""

import asyncio
import logging
from typing import Any

import pytest
from pydantic import BaseModel

from interlock._engine.reports import Reason, Source
from interlock.application.aggregates import (
    AlwaysCache,
    SnapshotAfterN,
)
from interlock.errors import EventApplyError, StateNotKeptError
from interlock.routing import applies_event
from kept_classes import EVERY, Bounded, Locked, Lossy
from rig import Rig, settled, unharmed
from rig_domain import ID, Account
from rig_stores import Snapshots


async def test_what_would_be_lost_is_named_counted_and_not_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig(Lossy, snapshot_strategy=EVERY) as rig:
        with caplog.at_level(logging.WARNING, "interlock"):
            await rig.deposit(2, 1, 3)
        assert rig.cache.record is None
        assert list(rig.snapshots.records()) == [1]
        assert rig.app.counters()["cache.not_kept"] == 2
        assert rig.app.counters()["snapshot.not_kept"] == 2
        await rig.load()
        assert rig.misses == [
            (Source.CACHE, Reason.NOT_KEPT),
            (Source.SNAPSHOT, Reason.NOT_KEPT),
        ]
        assert rig.report.misses[0].detail == "$.pair: a tuple comes back as a list"
    assert len(caplog.messages) == 1
    assert "$.pair: a tuple comes back as a list" in caplog.messages[0]


async def test_the_type_is_not_condemned() -> None:
    async with Rig(Lossy, snapshot_strategy=EVERY) as rig:
        await rig.deposit(1, 2)
        assert rig.cache.found.version == 2
        assert list(rig.snapshots.records()) == [2]
        await rig.load()
        assert rig.misses == []
        rig.cache.evict()
        await rig.load()
        assert rig.misses == [(Source.CACHE, Reason.ABSENT)]


async def test_what_was_forgotten_has_no_reason() -> None:
    async with Rig(Lossy, snapshot_strategy=EVERY) as rig:
        await rig.deposit(1)
        await rig.forget()
        await rig.load()
        assert rig.misses == [(Source.CACHE, Reason.ABSENT), (Source.SNAPSHOT, Reason.ABSENT)]


async def test_an_entry_goes_when_the_next_state_cannot_be_kept() -> None:
    async with Rig(Lossy) as rig:
        await rig.deposit(2)
        assert rig.cache.found.version == 1
        await rig.deposit(1)
        assert rig.cache.record is None


async def test_loads_that_share_a_flight_do_not_hang_on_the_record() -> None:
    async with Rig(Bounded) as rig:
        rig.events.write(-5)
        gate = rig.events.hold("read")
        loads = [asyncio.create_task(rig.load()) for _ in range(2)]
        await gate.reached.wait()
        await settled()
        gate.opened.set()
        states = await asyncio.gather(*loads)
        assert [state.balance for state in states] == [-5, -5]
        assert states[0] is not states[1]
        assert rig.cache.record is None
        assert await rig.do(lambda account: account.balance) == -5


async def test_states_that_cannot_be_copied_are_loaded_for_each_caller() -> None:
    async with Rig(Locked) as rig:
        await rig.deposit(1, 2)
        gate = rig.events.hold("read")
        loads = [asyncio.create_task(rig.load()) for _ in range(3)]
        await gate.reached.wait()
        await settled()
        gate.opened.set()
        states = await asyncio.gather(*loads)
        assert [state.balance for state in states] == [3] * 3
        assert len({id(state) for state in states}) == 3
        first, second = [state async for state in rig.app.load_many(Locked, [ID, ID])]
        assert first.balance == second.balance == 3
        assert first is not second
        assert await rig.do(lambda account: account.balance) == 3


async def test_a_state_that_its_handler_was_given_is_kept_by_nobody() -> None:
    async with Rig(Locked) as rig:
        await rig.deposit(1)
        await rig.do(lambda account: setattr(account, "lock", None))
        assert rig.cache.record is None
        state = await rig.load()
        assert isinstance(state, Locked)
        assert state.lock is not None
        await rig.deposit(2)
        assert (await rig.load()).balance == 3
        assert "commit.fold_failed" not in rig.app.counters()


async def test_a_snapshot_that_is_asked_for_and_cannot_be_kept_is_left_out() -> None:
    async with Rig(Lossy, snapshot_strategy=SnapshotAfterN(10)) as rig:
        rig.events.write(2, 1, 4)
        with unharmed("a state that can't be kept stopped the rebuild"):
            assert await rig.app.rebuild_snapshots(Lossy, [ID], every=1) == 2
        assert sorted(rig.snapshots.records()) == [1, 3]
        assert rig.app.counters()["snapshot.not_kept"] == 1


async def test_who_sets_a_state_by_hand_is_told() -> None:
    snapshots = Snapshots()
    async with Rig(Lossy, snapshots=snapshots) as rig:
        await rig.deposit(1)
        state = await rig.load()
        assert isinstance(state, Lossy)
        bound = snapshots.bind(rig.app._services[Lossy].context.registration.mapper)
        with pytest.raises(StateNotKeptError, match=r"\$\.pair: a tuple comes back as a list"):
            await bound.save_snapshot(state)


@pytest.mark.parametrize("cache_strategy", [AlwaysCache()])
async def test_an_event_that_loses_something_is_not_recorded(cache_strategy: AlwaysCache) -> None:
    class Noted(BaseModel):
        note: Any = None

    class Book(Account):
        type_name = "Account"
        notes: list[Any] = []

        @applies_event
        def apply_noted(self, event: Noted) -> None:
            self.notes.append(event.note)

    async with Rig(Book, cache_strategy=cache_strategy) as rig:
        name = "ann"
        with pytest.raises(EventApplyError) as caught:
            await rig.do(lambda book: book.emit(Noted(note=(name,))))
        assert "$.note: a tuple comes back as a list" in str(caught.value)
        assert name not in str(caught.value)
        with pytest.raises(EventApplyError, match=r"doesn't survive its JSON \(\$\.note: "):
            await rig.do(lambda book: book.emit(Noted(note=object())))
        await rig.do(lambda book: book.emit(Noted(note=[name])))
        assert len(rig.events.rows()) == 1


async def test_what_pydantic_would_warn_of_is_told_by_its_path_and_without_its_value() -> None:
    class Numbered(BaseModel):
        numbers: tuple[int, ...] = ()

    class Sheet(Account):
        type_name = "Account"
        numbers: tuple[int, ...] = ()

        @applies_event
        def apply_numbered(self, event: Numbered) -> None:
            self.numbers = [*event.numbers]  # type: ignore[assignment] # it is what is wrong

    async with Rig(Sheet) as rig:
        event = Numbered.model_construct(numbers=[4111])  # type: ignore[arg-type] # as above
        with pytest.raises(EventApplyError, match=r"\$\.numbers: a list comes back as a tuple"):
            await rig.do(lambda sheet: sheet.emit(event))
        await rig.do(lambda sheet: sheet.emit(Numbered(numbers=(4111,))))
        await rig.load()
        assert rig.report.misses[0].detail == "$.numbers: a list comes back as a tuple"
