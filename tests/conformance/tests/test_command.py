"""`interlock plugins verify`."""

import json
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from forked import Forks
from shell import run_script

pytestmark = pytest.mark.skipif(find_spec("typer") is None, reason="interlock[cli] isn't installed")

_FORKS = Forks("interlock.cli.commands")


def verify(
    folder: Path, *arguments: str, script: str = "", **variables: str
) -> CompletedProcess[str]:
    run = f"{script}\nfrom interlock.cli import main; main()"
    words = ["python", "-c", run, "plugins", "verify", *arguments]
    return _FORKS.run(words, folder, {"COLUMNS": "", **variables})


def test_a_conformant_backend_ends_with_0_whatever_stands_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\n", "utf-8")
    (tmp_path / "conftest.py").write_text("raise RuntimeError\n", "utf-8")
    done = verify(tmp_path, "null-cache", "--report", str(tmp_path / "report.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict, contract 1.0: conformant" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["verdict"] == "conformant"


def test_a_mistake_ends_with_2(tmp_path: Path) -> None:
    done = verify(tmp_path, "null-cash")
    assert done.returncode == 2
    assert "did you mean 'null-cache'?" in done.stderr


def test_without_the_distribution_it_says_what_to_install(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['interlock_conformance'] = None"
    done = verify(tmp_path, "null-cache", script=hide)
    assert done.returncode == 2
    assert "pip install interlock-conformance" in done.stderr


def test_a_module_of_the_folder_has_no_say_in_a_verdict(tmp_path: Path) -> None:
    for name in ("pytest", "conftest", "interlock_conformance", "asyncio"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(0)\n")
    main = "from interlock.cli import main; main()"
    (tmp_path / "run").mkdir()
    script = tmp_path / "run" / "script.py"
    script.write_text(main)
    arguments = "plugins", "verify", "null-cache", "--contract", "0.0"
    done = run_script(script, *arguments, cwd=tmp_path)
    assert "no contract '0.0' was published" in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("columns", ["80", ""])
def test_a_verdict_fits_the_screen_and_goes_whole_into_a_pipe(tmp_path: Path, columns: str) -> None:
    done = verify(tmp_path, "null-cache", COLUMNS=columns)
    told = done.stdout.partition("null-cache: conformant")[2]
    assert "  not applicable: CACHE-" in told
    assert (max(map(len, told.splitlines())) <= 80) == bool(columns)
