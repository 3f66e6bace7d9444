"""`interlock plugins verify`."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(find_spec("typer") is None, reason="interlock[cli] isn't installed")


def verify(folder: Path, *arguments: str, script: str = "") -> subprocess.CompletedProcess[str]:
    run = f"{script}\nfrom interlock.cli import main; main()"
    return subprocess.run(  # noqa: S603 our own interpreter
        [sys.executable, "-c", run, "plugins", "verify", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_conformant_backend_ends_with_0_whatever_stands_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\n", "utf-8")
    (tmp_path / "conftest.py").write_text("raise RuntimeError\n", "utf-8")
    done = verify(tmp_path, "null-cache", "--report", str(tmp_path / "report.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict, contract 1.0: conformant" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["verdict"] == "conformant"


def test_a_mistake_ends_with_pytests_exit_code(tmp_path: Path) -> None:
    done = verify(tmp_path, "null-cash")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "did you mean 'null-cache'?" in done.stderr


def test_without_the_distribution_it_says_what_to_install(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['interlock_conformance'] = None"
    done = verify(tmp_path, "null-cache", script=hide)
    assert done.returncode == 1
    assert "pip install interlock-conformance" in done.stderr
