"""Each kind of state answers from a SQL database as the fold does, after restarts too."""

from pathlib import Path

import pytest

from interlock.application import backend
from kinds.catalogue import GROUPS, ROWS
from kinds.rows import ALWAYS, BUILD, KEPT, NOT_KEPT, Row
from kinds.ways import Told, Way, difference, entry_points_once, told, truth

# What is beside the payload in a row of the table, and some of what is in it.
CHOSEN = dict.fromkeys((*GROUPS["shared"], *GROUPS["private"], *ROWS[::4]))
KEEPABLE = [row for row in CHOSEN if row.in_state not in (ALWAYS, BUILD)]


@pytest.mark.parametrize("row", KEEPABLE, ids=str)
def test_a_state_in_a_database_answers_as_the_fold_does(row: Row, tmp_path: Path) -> None:
    cls = row.state_class()
    found = _told(row, tmp_path)
    assert not difference(truth(cls), found)
    assert found.was_kept[0]
    assert found.was_kept[-1]
    assert all(found.was_kept) == (row.in_state == KEPT)
    assert bool(found.counted("not_kept")) == (row.in_state == NOT_KEPT)


def _told(row: Row, folder: Path) -> Told:
    options = {"url": f"sqlite:///{folder / 'kinds.db'}", "create_schema": True}
    way = Way(
        "SQL, restarted",
        lambda: backend("sqlalchemy-snapshots", **options, synchronous="OFF"),
        restarts=True,
        events=lambda: backend("sqlalchemy-events", **options, synchronous="OFF"),
    )
    with entry_points_once():
        return told(row.state_class(), way)
