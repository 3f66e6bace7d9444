"""What the checks of event stores say, and that their model takes the same way each time."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from interlock.application.aggregates import InMemoryEventStore
from interlock.backends import BackendUnavailableError, StoredEvent
from interlock_conformance import EventStoreConformance
from interlock_conformance.checks import CheckFailed
from interlock_conformance.outcomes import Outcome, make_check
from interlock_conformance.records import events_of, head_of
from interlock_conformance.streams import expect_conflict, expect_rows, expect_stream, started

CHECKS = {check.id: check for check in EventStoreConformance.interlock_checks}


class Recording(InMemoryEventStore):
    def __init__(self, calls: list[tuple[int, int]]) -> None:
        super().__init__()
        self._calls = calls

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        self._calls.append((len(events), 0 if after is None else after[0]))
        await super().append(events, after=after)


class Broken(InMemoryEventStore):
    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        raise BackendUnavailableError("duplicate key")


def appends_of_the_model() -> list[tuple[int, int]]:
    calls: list[tuple[int, int]] = []

    class Suite(EventStoreConformance):
        def backend(self) -> Recording:
            return Recording(calls)

    suite: Any = Suite()  # Any: its method stands where the protocol has an attribute
    assert make_check(CHECKS["EVENTS-060"], suite).outcome is Outcome.PASSED
    return calls


def test_the_model_takes_the_same_way_in_each_run() -> None:
    first = appends_of_the_model()
    assert len(first) > 50
    assert first == appends_of_the_model()


async def test_a_conflict_that_is_another_exception_is_told() -> None:
    with pytest.raises(CheckFailed) as caught:
        await expect_conflict(Broken(), events_of(uuid4(), 1), after=None, why="the head is 3")
    assert caught.value.expected == "ConcurrencyError: the head is 3"
    assert caught.value.happened == "BackendUnavailableError: duplicate key"


async def test_a_conflict_that_is_none_is_told() -> None:
    with pytest.raises(CheckFailed) as caught:
        await expect_conflict(InMemoryEventStore(), events_of(uuid4(), 1), after=None, why="it")
    assert caught.value.happened == "the append succeeded"


async def test_an_append_that_fails_is_the_failure_of_the_check() -> None:
    with pytest.raises(CheckFailed, match="happened: BackendUnavailableError: duplicate key"):
        await started(Broken(), 2)


async def test_a_stream_with_events_too_many_is_told() -> None:
    store = InMemoryEventStore()
    events = await started(store, 3)
    await expect_stream(store, events)
    with pytest.raises(CheckFailed, match="happened: 3 events, versions 1 to 3"):
        await expect_stream(store, events[:2])


def test_rows_that_differ_are_told_by_field_and_shortly() -> None:
    first, second = events_of(uuid4(), 1, payload=b"a" * 9_000), events_of(uuid4(), 1)
    rows = [first[0].row()], [second[0].row()._replace(event_id=first[0].event_id.bytes)]
    with pytest.raises(CheckFailed) as caught:
        expect_rows(rows[0], rows[1])
    assert "metadata" in caught.value.happened or "payload" in caught.value.happened
    assert len(caught.value.happened) < 300


def test_the_head_of_events_is_the_last() -> None:
    events = events_of(uuid4(), 3)
    assert head_of(events) == (3, events[2].event_id)


@pytest.mark.parametrize("check_id", ["EVENTS-040", "EVENTS-045", "EVENTS-046"])
def test_a_store_that_hangs_or_raises_fails_by_the_check(check_id: str) -> None:
    class Suite(EventStoreConformance):
        def backend(self) -> Broken:
            return Broken()

    suite: Any = Suite()  # Any: as above
    result = make_check(CHECKS[check_id], suite)
    assert result.outcome is Outcome.FAILED
    assert isinstance(result.error, CheckFailed)
    assert result.error.check is CHECKS[check_id]
