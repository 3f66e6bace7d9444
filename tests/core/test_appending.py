"""An append whose reply was lost: its outcome is found out, and no event is stored twice."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from interlock._engine import stream
from interlock._engine.reporting import Reporting
from interlock._engine.stream import EventStream
from interlock.backends import StoredEvent
from interlock.errors import (
    AppendOutcomeUnknownError,
    BackendUnavailableError,
    ConcurrencyError,
    InterlockError,
)
from rig import Rig, unharmed
from rig_domain import ID, Account, Deposit, Deposited
from rig_stores import Events

EVENTS = [
    StoredEvent(
        aggregate_type="Account",
        aggregate_id=ID,
        version=version,
        event_id=UUID(int=version),
        type="Deposited",
        schema_version=1,
        recorded_at=datetime(2030, 1, 1, tzinfo=UTC),
        metadata=b"{}",
        payload=Deposited(amount=version).model_dump_json().encode(),
    )
    for version in (1, 2)
]
LOST = OSError("the connection was reset")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_PAUSE_SECONDS", 0)


@pytest.fixture
def store() -> Events:
    return Events()


@pytest.fixture
def reporting() -> Reporting:
    return Reporting()


async def _append(
    store: Events,
    reporting: Reporting,
    after: tuple[int, UUID] | None,
    *,
    is_proven: bool,
    events: Sequence[StoredEvent] = EVENTS,
) -> None:
    stream = EventStream("Account", store, reporting)
    await stream.append(events, after, is_proven=is_proven)


def _stored(store: Events) -> list[UUID]:
    return [UUID(bytes=row.event_id) for row in store.rows()]


OURS = [event.event_id for event in EVENTS]


async def test_a_plain_success_asks_nothing(store: Events, reporting: Reporting) -> None:
    await _append(store, reporting, None, is_proven=True)
    assert _stored(store) == OURS
    assert "read" not in store.calls


async def test_events_that_stand_after_a_lost_reply_are_not_appended_again(
    store: Events, reporting: Reporting
) -> None:
    store.then("appended", LOST)
    await _append(store, reporting, None, is_proven=True)
    assert _stored(store) == OURS
    assert store.calls.count("append") == 1
    assert reporting.counters() == {"append.reply_lost": 1}


async def test_ours_stand_also_where_others_followed_them(
    store: Events, reporting: Reporting
) -> None:
    async def others_follow_and_the_reply_is_lost() -> None:
        store.write(9)
        raise LOST

    store.then("appended", others_follow_and_the_reply_is_lost)
    await _append(store, reporting, None, is_proven=True)
    assert _stored(store)[:2] == OURS


async def test_events_that_do_not_stand_are_appended_again_under_their_ids(
    store: Events, reporting: Reporting
) -> None:
    store.then("append", LOST, LOST)
    await _append(store, reporting, None, is_proven=True)
    assert _stored(store) == OURS
    assert reporting.counters() == {"append.retried": 2}


async def test_others_in_their_place_are_a_conflict(store: Events, reporting: Reporting) -> None:
    async def others_were_faster_and_the_reply_is_lost() -> None:
        store.write(9)
        raise LOST

    store.then("append", others_were_faster_and_the_reply_is_lost)
    with pytest.raises(ConcurrencyError):
        await _append(store, reporting, None, is_proven=True)
    assert len(_stored(store)) == 1


async def test_a_conflict_with_ones_own_late_events_is_a_success(
    store: Events, reporting: Reporting
) -> None:
    async def the_first_attempt_lands() -> None:
        store._streams["Account", ID] = [event.row() for event in EVENTS]

    store.then("append", LOST, the_first_attempt_lands)
    await _append(store, reporting, None, is_proven=True)
    assert _stored(store) == OURS


async def test_a_conflict_with_ones_own_late_events_is_found_out_by_a_second_read(
    store: Events, reporting: Reporting
) -> None:
    async def the_first_attempt_lands() -> None:
        store._streams["Account", ID] = [event.row() for event in EVENTS]

    store.then("append", LOST, the_first_attempt_lands)
    store.then("read", None, LOST)
    with unharmed("the events stand, and a conflict was reported"):
        await _append(store, reporting, None, is_proven=True)
    assert _stored(store) == OURS


async def test_a_plain_conflict_stays_one_though_the_stream_cannot_be_read(
    store: Events, reporting: Reporting
) -> None:
    store.write(9)
    store.down.add("read")
    with pytest.raises(ConcurrencyError):
        await _append(store, reporting, None, is_proven=True)


async def test_an_outcome_that_cannot_be_found_out_is_said_to_be_unknown(
    store: Events, reporting: Reporting
) -> None:
    store.then("appended", LOST)
    store.down.add("read")
    with pytest.raises(InterlockError, match="versions 1 to 2") as caught:
        await _append(store, reporting, None, is_proven=True)
    assert isinstance(caught.value, AppendOutcomeUnknownError)
    assert list(caught.value.event_ids) == OURS
    assert store.calls.count("append") == 1


async def test_after_a_few_attempts_the_outcome_is_said_to_be_unknown(
    store: Events, reporting: Reporting
) -> None:
    store.down.add("append")
    with pytest.raises(AppendOutcomeUnknownError):
        await _append(store, reporting, None, is_proven=True)


async def test_a_store_that_says_that_nothing_was_done_is_believed(
    store: Events, reporting: Reporting
) -> None:
    store.then("append", BackendUnavailableError("the disk is full", nothing_done=True))
    with pytest.raises(BackendUnavailableError, match="full"):
        await _append(store, reporting, None, is_proven=True)
    assert "read" not in store.calls


async def test_nothing_done_by_the_second_attempt_says_nothing_of_the_first(
    store: Events, reporting: Reporting
) -> None:
    full = BackendUnavailableError("the disk is full", nothing_done=True)

    async def the_first_attempt_lands() -> None:
        store._streams["Account", ID] = [event.row() for event in EVENTS]
        raise full

    store.then("append", LOST, the_first_attempt_lands)
    with unharmed("the events stand, and they were said not to"):
        await _append(store, reporting, None, is_proven=True)
    assert _stored(store) == OURS


class TestWhatItIsBuiltOn:
    """An append after an event that doesn't stand is a conflict, whatever the store says to it."""

    AFTER = (1, UUID(int=99))
    FAILURES = (
        LOST,
        OverflowError("Python int too large to convert to SQLite INTEGER"),
        BackendUnavailableError("value out of int64 range", nothing_done=True),
    )

    @pytest.mark.parametrize("failure", FAILURES)
    async def test_it_is_gone(
        self, failure: Exception, store: Events, reporting: Reporting
    ) -> None:
        store.then("append", failure)
        with pytest.raises(ConcurrencyError):
            await _append(store, reporting, self.AFTER, is_proven=False, events=EVENTS[1:])
        assert store.calls.count("append") == 1

    async def test_it_is_another(self, store: Events, reporting: Reporting) -> None:
        store.write(7)
        store.then("append", LOST)
        with pytest.raises(ConcurrencyError):
            await _append(store, reporting, self.AFTER, is_proven=False, events=EVENTS[1:])
        assert store.calls.count("append") == 1

    async def test_ours_stand_though_it_was_archived(
        self, store: Events, reporting: Reporting
    ) -> None:
        await _append(store, reporting, None, is_proven=True, events=EVENTS[:1])

        async def archived_and_the_reply_is_lost() -> None:
            store.drop_below(2)
            raise LOST

        store.then("appended", archived_and_the_reply_is_lost)
        with unharmed("the events stand, and a conflict was reported"):
            await _append(store, reporting, (1, OURS[0]), is_proven=False, events=EVENTS[1:])

    async def test_a_refusal_stays_one_where_it_stands(
        self, store: Events, reporting: Reporting
    ) -> None:
        await _append(store, reporting, None, is_proven=True, events=EVENTS[:1])
        store.then("append", BackendUnavailableError("the disk is full", nothing_done=True))
        with pytest.raises(BackendUnavailableError, match="full"):
            await _append(store, reporting, (1, OURS[0]), is_proven=False, events=EVENTS[1:])
        assert store.calls.count("append") == 2

    async def test_a_refusal_stays_one_where_nobody_can_tell(
        self, store: Events, reporting: Reporting
    ) -> None:
        store.then("append", BackendUnavailableError("no route to host", nothing_done=True))
        store.down.add("read")
        with pytest.raises(BackendUnavailableError, match="no route"):
            await _append(store, reporting, self.AFTER, is_proven=False, events=EVENTS[1:])
        assert store.calls.count("read") == 1


class TestDispatch:
    """What a lost reply means for a command."""

    @pytest.mark.parametrize("lost", ["append", "appended"])
    async def test_the_handler_is_not_run_again(self, lost: str) -> None:
        runs = []

        def deposit(account: Account) -> int:
            runs.append(account.balance)
            account.emit(Deposited(amount=1))
            return account.balance

        async with Rig() as rig:
            rig.events.then(lost, LOST)
            assert await rig.do(deposit) == 1
            assert len(runs) == len(rig.events.rows()) == 1

    async def test_an_unknown_outcome_names_the_ids_to_look_for(self) -> None:
        async with Rig() as rig:

            async def the_store_goes_away() -> None:
                rig.events.down.add("read")
                raise LOST

            rig.events.then("appended", the_store_goes_away)
            with pytest.raises(AppendOutcomeUnknownError) as caught:
                await rig.app.dispatch(Deposit(aggregate_id=ID))
            assert list(caught.value.event_ids) == _stored(rig.events)

    async def test_after_an_unknown_outcome_the_next_command_sees_what_stands(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            rig.events.then("appended", LOST)
            rig.events.then("read", *[LOST] * 4)
            with pytest.raises(AppendOutcomeUnknownError):
                await rig.deposit(2)
            assert await rig.app.dispatch(Deposit(aggregate_id=ID, amount=4)) == 7
