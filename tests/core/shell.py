"""The command line, as a process."""

import os
import subprocess
import sys
from pathlib import Path


def interlock(
    *arguments: str, cwd: Path, path: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `interlock` there; `path` is searched for modules and distributions."""
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200", **variables}
    return subprocess.run(  # noqa: S603 our own command
        [sys.executable, "-m", "interlock", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
