"""The commands that look into the application, on an imported history."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from git_history.__main__ import CONFIG, main
from sandbox import Sandbox, numbered


@pytest.fixture(autouse=True)
def imported(repo: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_HISTORY_DB", str(tmp_path / "history.db"))
    for size in (3, 5, 4):
        repo.write("a", numbered(1, size))
        repo.commit()
    assert main(["import", str(repo.path)]) == 0


def told(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "interlock", *command],
        cwd=CONFIG.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_question_is_answered() -> None:
    (stats,) = json.loads(told("streams", "stats", "TrackedFile", "--json"))
    assert (stats["streams"], stats["longest"], stats["without_snapshot"]) == (1, 3, 1)
    file_id = stats["longest_id"]
    assert "began with nothing and folded 3 events" in told("explain", "TrackedFile", file_id)
    assert "so short streams need no snapshots" in told("advise", "TrackedFile")
    assert len(told("history", "TrackedFile", file_id, "--json").splitlines()) == 3


def test_snapshots_are_made_and_compared() -> None:
    assert told("snapshots", "rebuild", "TrackedFile", "--all") == "1 snapshot stored\n"
    assert told("snapshots", "verify", "TrackedFile") == "1 compared, 0 of no use\n"
