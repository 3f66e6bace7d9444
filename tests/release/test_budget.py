"""What takes longer than it may fails a run, and is told with both numbers."""

import json
from pathlib import Path

import pytest

import budget

BUDGET = """
[runs]
tox = 100
[environments]
core = 60
"""


def told(
    folder: Path, capsys: pytest.CaptureFixture[str], core: float, tox: float = 90
) -> tuple[int, list[str]]:
    """The exit code, and what is wrong."""
    result = {"skipped": False, "duration": core}
    left_out = {"skipped": True, "duration": -1}
    environments = {"core": {"result": result}, "absent": {"result": left_out}, ".pkg": {}}
    (folder / "tox.json").write_text(json.dumps({"testenvs": environments}))
    (folder / "seconds.toml").write_text(f"tox = {tox}\n")
    (folder / "budget.toml").write_text(BUDGET)
    code = budget.main(folder, folder / "budget.toml")
    lines = capsys.readouterr().out.splitlines()
    return code, [line for line in lines if line.startswith("budget:")]


def test_what_stays_within_it_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(tmp_path, capsys, core=60) == (0, [])


@pytest.mark.parametrize(
    ("core", "tox", "said"),
    [
        (61, 90, "environment core: budget 60 s, measured 61 s"),
        (60, 101, "run tox: budget 100 s, measured 101 s"),
    ],
)
def test_what_takes_longer_is_named_with_both_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], core: float, tox: float, said: str
) -> None:
    code, [line] = told(tmp_path, capsys, core, tox)
    assert code == 1
    assert said in line


def test_a_slower_machine_may_take_longer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLOCK_BUDGET_SCALE", "2")
    assert told(tmp_path, capsys, core=120, tox=200) == (0, [])
    code, [line] = told(tmp_path, capsys, core=121, tox=200)
    assert code == 1
    assert "core: budget 120 s (by INTERLOCK_BUDGET_SCALE, 60 times 2), measured 121 s" in line


def test_an_environment_without_a_budget_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.toml").write_text(BUDGET.replace("core =", "other ="))
    told(tmp_path, capsys, core=1)
    assert budget.main(tmp_path, tmp_path / "other.toml") == 1
    assert "environment core took 1 s and has no budget" in capsys.readouterr().out


def test_an_environment_that_is_not_named_has_the_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.toml").write_text(BUDGET.replace("core = 60", "default = 30"))
    told(tmp_path, capsys, core=31)
    assert budget.main(tmp_path, tmp_path / "other.toml") == 1
    assert "environment core: budget 30 s, measured 31 s" in capsys.readouterr().out


def test_a_run_that_was_not_measured_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert budget.main(tmp_path) == 1
    assert "found none" in capsys.readouterr().out
