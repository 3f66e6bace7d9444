"""The command line, as a process."""

import os
import subprocess
import sys
from pathlib import Path


def interlock(
    *arguments: str, cwd: Path, path: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `interlock` there; `path` is searched for modules and distributions."""
    return _run("-m", "interlock", *arguments, cwd=cwd, path=path, **variables)


def run_script(script: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a script there; the folder isn't searched for modules, the script's is."""
    return _run(str(script), *arguments, cwd=cwd, path="")


def _run(
    *arguments: str, cwd: Path, path: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200", **variables}
    return subprocess.run(  # noqa: S603 our own command
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
