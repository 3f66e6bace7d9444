"""Kinds of values in one another, and states made of them, answer as the fold does."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinds.drawn import programs, rows
from kinds.rows import KEPT, Row
from kinds.trial import event_verdict, state_verdict
from kinds.ways import CACHE, SNAPSHOTS, WAYS, Way, difference, entry_points_once, told, truth
from thorough import drawn

DETERMINISTIC = settings(
    max_examples=drawn(quick=20, thorough=100),
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True, scope="module")
def look_up_entry_points_once() -> Iterator[None]:
    with entry_points_once():
        yield


@DETERMINISTIC
@given(rows())
def test_a_value_is_kept_exactly_if_the_innermost_one_is(row: Row) -> None:
    event, state = event_verdict(row), state_verdict(row)
    assert (event.found, state.found) == (row.in_event, row.in_state), (event.why, state.why)


@DETERMINISTIC
@given(programs(), st.sampled_from(WAYS))
def test_a_state_that_shares_and_changes_answers_as_the_fold_does(row: Row, way: Way) -> None:
    cls = row.state_class()
    found = told(cls, way)
    assert not difference(truth(cls), found)
    if row.in_state == KEPT and way in (SNAPSHOTS, CACHE):
        assert all(found.was_kept), found.lines
