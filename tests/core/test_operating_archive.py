"""`interlock archive`, in this process."""

from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
from operated_shop import LONG, NONE, stores, told, told_json

__all__ = ["stores"]

pytestmark = pytest.mark.usefixtures("stores")


def test_it_says_how_many_events_moved_where(tmp_path: Path) -> None:
    told("snapshots", "take", "Order", LONG)
    path = tmp_path / "default" / "Order" / f"{LONG}.jsonl"
    command = "archive", "Order", LONG, "--to", tmp_path
    assert told(*command, "--below", 101) == f"100 events moved to {path}\n"
    assert told(*command, "--below", 101) == f"0 events moved to {path}\n"
    done = told_json(*command, "--below", 111)
    assert done == {"path": str(path), "below": 111, "events": 10}


@pytest.mark.parametrize(
    ("of", "below", "error"),
    [
        (LONG, 50, "wanted a snapshot of version 50 or later, found none"),
        (LONG, 121, "the stream ends at 120"),
        (NONE, 2, "the stream ends at 0"),
    ],
)
def test_what_it_refuses_is_one_line(of: object, below: int, error: str, tmp_path: Path) -> None:
    command = "archive", "Order", of, "--below", below
    assert "to where?" in told(*command, code=2)
    line = told(*command, "--to", tmp_path, code=2)
    assert error in line
    assert line.count("\n") == 1
    assert not [*tmp_path.rglob("*.jsonl")]
    assert error in told_json(*command, "--to", tmp_path, code=2)["error"]
