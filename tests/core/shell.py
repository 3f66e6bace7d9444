"""The command line, as a process and in this one."""

import inspect
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from typer.testing import CliRunner


def runner() -> CliRunner:
    """What invokes the command line in this process, as in a pipe, and keeps apart what it prints.

    The click that the lowest typer takes has to be asked for that.
    """
    is_asked = "mix_stderr" in inspect.signature(CliRunner).parameters
    options: dict[str, Any] = {"mix_stderr": False} if is_asked else {}
    options["env"] = {"COLUMNS": ""}
    return CliRunner(**options)


def interlock(
    *arguments: str, cwd: Path, path: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `interlock` there; `path` is searched for modules and distributions."""
    return _run("-m", "interlock", *arguments, cwd=cwd, path=path, **variables)


def run_here(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """As `interlock`, in this process and its folder; a new one takes most of a second.

    Commands of extensions are forgotten afterwards, as they are when a process ends.
    """
    from interlock.cli.commands import app, run  # noqa: PLC0415 it needs the extra

    out, err, code = StringIO(), StringIO(), 0
    with (
        patch.object(app, "registered_groups", [*app.registered_groups]),
        patch.object(app, "registered_commands", [*app.registered_commands]),
        patch.object(sys, "argv", ["interlock", *arguments]),
        patch.dict(os.environ, {"COLUMNS": "200", **variables}),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            code = run()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


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
