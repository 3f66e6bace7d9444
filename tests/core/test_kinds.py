"""Each kind of value in the catalogue is kept, not kept or refused as the catalogue says."""

from collections.abc import Iterator

import pytest

from kinds.catalogue import METADATA, ROWS
from kinds.metadata import MetadataRow, metadata_verdict
from kinds.rows import ALWAYS, BUILD, NOT_ASKED, Row
from kinds.trial import event_verdict, state_verdict
from kinds.ways import CACHE, REPLAYED, SNAPSHOTS, WAYS, difference, entry_points_once, told, truth
from thorough import drawn

OTHER_WAYS = [way for way in WAYS if way not in (REPLAYED, SNAPSHOTS, CACHE)]


@pytest.fixture(autouse=True, scope="module")
def look_up_entry_points_once() -> Iterator[None]:
    with entry_points_once():
        yield


@pytest.mark.parametrize("row", [row for row in ROWS if row.in_event != NOT_ASKED], ids=str)
def test_an_event_is_stored_as_it_was_or_refused(row: Row) -> None:
    verdict = event_verdict(row)
    assert verdict.found == row.in_event, verdict.why


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_state_is_kept_as_it_was_or_replayed_or_refused(row: Row) -> None:
    verdict = state_verdict(row)
    assert verdict.found == row.in_state, verdict.why


@pytest.mark.parametrize("row", METADATA, ids=str)
def test_metadata_is_read_back_as_json_or_refused(row: MetadataRow) -> None:
    verdict = metadata_verdict(row)
    assert verdict.found == row.wanted, verdict.why


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[str(row) for row in ROWS])
def test_other_ways_of_loading_answer_as_the_fold_does(number: int) -> None:
    row = ROWS[number]
    if row.in_state == ALWAYS:
        return
    step = drawn(quick=len(OTHER_WAYS), thorough=3)
    ways = OTHER_WAYS[number % step :: step]  # each row in some of them, each for all kinds
    if row.in_state == BUILD:
        ways = [way for way in ways if not (way.snapshots or way.cache)]
    cls = row.state_class()
    wanted = truth(cls)
    found = {way.name: difference(wanted, told(cls, way)) for way in ways}
    assert not {way: text for way, text in found.items() if text}
