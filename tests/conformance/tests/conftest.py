"""Runs of pytest in processes of their own, as users have them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Run:
    code: int
    text: str
    report: dict[str, Any]

    def suite(self, name: str) -> dict[str, Any]:
        (found,) = [suite for suite in self.report["suites"] if suite["suite"] == name]
        return dict(found)

    def outcomes(self, name: str) -> dict[str, str]:
        return {check["id"]: check["outcome"] for check in self.suite(name)["checks"]}


@pytest.fixture
def run_pytest(tmp_path: Path) -> Callable[..., Run]:
    """Run pytest in an empty folder with these files; `Run` with the report."""

    def run(*arguments: str, **files: str) -> Run:
        for name, text in files.items():
            suffix = ".toml" if name == "options" else ".ini" if name == "pytest" else ".py"
            (tmp_path / f"{name}{suffix}").write_text(text, "utf-8")
        report = tmp_path / "report.json"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(  # noqa: S603 pytest
            [*command, f"--interlock-report={report}", "-W", "ignore:The configuration option"],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": ""},  # as in a pipe: lines are whole
            capture_output=True,
            text=True,
            check=False,
        )
        found = json.loads(report.read_text("utf-8")) if report.exists() else {}
        return Run(done.returncode, done.stdout + done.stderr, found)

    return run
