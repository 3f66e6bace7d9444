"""The wheels that users install, and clean environments to install them in."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a `wheel` with each of them."""
    if "wheel" in metafunc.fixturenames:
        wheels = found_wheels()
        metafunc.parametrize("wheel", wheels, ids=[wheel.name.split("-")[0] for wheel in wheels])


def found_wheels() -> list[Path]:
    """Every distribution's wheel."""
    folder = Path(os.environ["INTERLOCK_WHEELS"])
    return sorted(folder.glob("interlock*.whl"))


class Environment:
    """A virtual environment that holds what was asked for, and what that depends on."""

    def __init__(self, folder: Path, *requirements: str) -> None:
        venv.create(folder, symlinks=True)
        self._python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
        self._pip("install", "--quiet", *requirements)

    def check(self) -> None:
        """Fail unless all that is installed fits together."""
        self._pip("check")

    def run(self, *arguments: str) -> str:
        """What Python prints when it is run with these arguments."""
        return _output(self._python, "-I", "-W", "error", *arguments)

    def _pip(self, command: str, *arguments: str) -> None:
        _output(sys.executable, "-m", "uv", "pip", command, "--python", self._python, *arguments)


def _output(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 our own commands
        command, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
