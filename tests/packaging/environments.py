"""The wheels that users install, and clean environments to install them in."""

import os
import subprocess
import sys
import venv
from pathlib import Path


def found_wheels() -> list[Path]:
    """Every distribution's wheel."""
    folder = Path(os.environ["INTERLOCK_WHEELS"])
    return sorted(folder.glob("interlock*.whl"))


def built(project: Path) -> str:
    """The wheel of a distribution, newly built."""
    output(sys.executable, "-m", "uv", "build", "--quiet", "--wheel", str(project))
    (wheel,) = (project / "dist").glob("*.whl")
    return str(wheel)


class Environment:
    """A virtual environment that holds what was asked for, and what that depends on."""

    def __init__(self, folder: Path, *requirements: str) -> None:
        venv.create(folder, symlinks=True)
        self.python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        self._python = str(self.python)
        self.install(*requirements)

    def install(self, *requirements: str) -> None:
        """Install more."""
        self._pip("install", "--quiet", *requirements)

    def check(self) -> None:
        """Fail unless all that is installed fits together."""
        self._pip("check")

    def run(self, *arguments: str, folder: Path | None = None, **variables: str) -> str:
        """What Python prints when it is run with these arguments, in this folder."""
        return output(self._python, "-I", "-W", "error", *arguments, folder=folder, **variables)

    def _pip(self, command: str, *arguments: str) -> None:
        output(sys.executable, "-m", "uv", "pip", command, "--python", self._python, *arguments)


def output(*command: str, folder: Path | None = None, **variables: str) -> str:
    """What a command prints; it has to succeed."""
    done = subprocess.run(  # noqa: S603 our own commands
        command,
        cwd=folder,
        env=os.environ | {"COLUMNS": ""} | variables,  # as in a pipe: lines are whole
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
