"""The demo shows the speed-up, and notices a difference."""

import sqlite3
import tempfile
from pathlib import Path

import pytest

from interlock.cli.demo import run


def test_the_three_loads_are_equal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run() == 0
    assert list(tmp_path.iterdir()) == []
    shown = capsys.readouterr().out
    for words in ("empty at 0", "snapshot at 9,500", "cache at 10,000", "All three are equal"):
        assert words in shown
    assert 'backend = "sqlalchemy-events"' in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_one_flipped_bit_of_an_event_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    def flip(database: Path) -> None:
        with sqlite3.connect(database) as connection:
            (payload,) = connection.execute(
                "select payload from interlock_events where version = 1"
            ).fetchone()
            position = payload.index(b"1")
            flipped = payload[:position] + bytes([payload[position] ^ 2]) + payload[position + 1 :]
            connection.execute(
                "update interlock_events set payload = ? where version = 1", (flipped,)
            )
        connection.close()

    assert run(before_loading=flip) == 1
    assert "snapshot differs from cold in its dump" in capsys.readouterr().out
