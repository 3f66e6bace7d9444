"""What the README shows works as it is written."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

_README = Path(__file__).parents[2] / "README.md"
_QUICK_START_LINES = 40  # of code; blank lines not counted


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", _README.read_text(), re.DOTALL)


def test_quick_start_prints_what_it_says(tmp_path: Path) -> None:
    (quick_start,) = _blocks("python")
    assert len([line for line in quick_start.splitlines() if line]) <= _QUICK_START_LINES
    (tmp_path / "quick_start.py").write_text(quick_start)
    done = subprocess.run(  # noqa: S603 our own README
        [sys.executable, "-W", "error", "quick_start.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    assert f"It prints `{done.stdout.strip()}`." in _README.read_text()


def test_configuration_is_accepted(tmp_path: Path) -> None:
    (configuration,) = _blocks("toml")
    tomllib.loads(configuration)
    (tmp_path / "interlock.toml").write_text(configuration)
    done = subprocess.run(  # noqa: S603 our own command
        [sys.executable, "-m", "interlock", "config", "check"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
