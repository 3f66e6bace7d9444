"""From a baseline and rows to a state."""

import traceback
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from interlock._engine.fold import Fold, decoded
from interlock._model.aggregate import Aggregate, routes_of
from interlock._storage.records import EventRow
from interlock.errors import EventApplyError, StreamTruncatedError, UnknownEventError
from interlock.routing import applies_event

MOMENT = 1_900_000_000_000_000


class Added(BaseModel):
    number: int


class Sum(Aggregate):
    total: int = 0
    versions: list[int] = []

    @applies_event
    def apply_added(self, event: Added) -> None:
        if event.number < 0:
            raise KeyError(event.number)
        self.versions.append(self.version)
        self.total += event.number
        self.version = 99


def row(version: int, number: int = 1, **changes: Any) -> EventRow:
    payload = b'{"number":%d}' % number
    plain = EventRow(version, UUID(int=version).bytes, "Added", 1, MOMENT + version, b"{}", payload)
    return plain._replace(**changes)


def fold(*rows: EventRow, state: Sum | None = None) -> Fold:
    folding = Fold(routes_of(Sum), state or Sum())
    folding.extend(list(rows))
    return folding


def test_each_event_is_applied_with_its_own_version() -> None:
    folding = fold(row(1), row(2, 5), row(3))
    folding.extend([row(4)])
    state = folding.state
    assert isinstance(state, Sum)
    assert (state.total, state.versions, state.version) == (8, [1, 2, 3, 4], 4)
    assert (folding.version, folding.folded) == (4, 4)
    assert folding.last_event_id == UUID(int=4).bytes
    assert (folding.first_event_at, folding.last_event_at) == (MOMENT + 1, MOMENT + 4)


def test_a_fold_from_a_baseline_does_not_know_the_first_event() -> None:
    folding = fold(row(8), state=Sum(version=7))
    assert (folding.version, folding.folded, folding.first_event_at) == (8, 1, None)


def test_nothing_folded_is_nothing_known() -> None:
    folding = fold()
    assert (folding.version, folding.folded, folding.last_event_id) == (0, 0, None)


@pytest.mark.parametrize("versions", [(2,), (1, 3), (1, 2, 2), (1, 3, 2), (2, 1)])
def test_a_gap_or_a_repetition_is_found(versions: tuple[int, ...]) -> None:
    with pytest.raises(StreamTruncatedError, match="events are missing"):
        fold(*map(row, versions))


@pytest.mark.parametrize("versions", [(1, 2), (2, 1)])
def test_a_time_that_no_datetime_holds_is_an_error_of_its_event(versions: tuple[int, int]) -> None:
    rows = [row(1)._replace(recorded_at=2**63 - 1), row(2)]
    rows = [rows[version - 1]._replace(version=at) for at, version in enumerate(versions, 1)]
    with pytest.raises(EventApplyError, match="OverflowError"):
        fold(*rows)


@pytest.mark.parametrize(
    "changes", [{"metadata": b"no json"}, {"recorded_at": 2**63 - 1}, {"event_id": b"short"}]
)
def test_an_event_whose_other_columns_do_not_decode_is_told(changes: dict[str, Any]) -> None:
    with pytest.raises(EventApplyError, match="Sum version 1"):
        decoded(routes_of(Sum), row(1)._replace(**changes))


def test_an_unknown_event_is_named_with_its_version() -> None:
    with pytest.raises(UnknownEventError, match=r"version 2 \(Gone\).*former_names"):
        fold(row(1), row(2, type="Gone"))


def test_an_applier_that_raises_is_named_with_its_event_and_version() -> None:
    with pytest.raises(EventApplyError, match=r"Sum .* version 2 \(Added\).*KeyError") as caught:
        fold(row(1), row(2, -5))
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_payload_that_does_not_validate_is_named() -> None:
    with pytest.raises(EventApplyError, match=r"version 1 \(Added\)"):
        fold(row(1, payload=b'{"number":"x"}'))


def test_a_newer_schema_is_an_unknown_event() -> None:
    with pytest.raises(UnknownEventError, match="schema version 2"):
        fold(row(1, schema_version=2))


def test_plain_tuples_serve_as_rows() -> None:
    folding = Fold(routes_of(Sum), Sum())
    folding.extend([tuple(row(1))])  # type: ignore[list-item] # the point
    assert folding.version == 1


def test_decoded_events_for_those_who_ask() -> None:
    found = decoded(routes_of(Sum), row(3, 7, metadata=b'{"who":"me"}'))
    assert (found.version, found.event, found.metadata) == (3, Added(number=7), {"who": "me"})
    assert found.event_id == UUID(int=3)
    assert found.recorded_at.tzinfo is not None
    with pytest.raises(UnknownEventError, match="'Gone'"):
        decoded(routes_of(Sum), row(1, type="Gone"))
    with pytest.raises(EventApplyError, match="version 1"):
        decoded(routes_of(Sum), row(1, payload=b"[]"))


def test_a_payload_that_does_not_validate_is_told_without_its_values() -> None:
    bad = row(1, 7, payload=b'{"number":"4111 1111"}')
    for call in (lambda: fold(bad), lambda: decoded(routes_of(Sum), bad)):
        with pytest.raises(EventApplyError, match=r"\$\.number: int_parsing") as caught:
            call()
        assert "4111" not in "".join(traceback.format_exception(caught.value))
