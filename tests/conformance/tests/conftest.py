"""Runs of pytest in processes of their own, as users have them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from forked import Forks

# What pytest rewrites when it loads plugins isn't among them: hypothesis, and the suite itself.
_FORKS = Forks("pytest", "interlock.application", "interlock.backends")


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

    def run(*arguments: str, forks: Forks = _FORKS, **files: str) -> Run:
        for name, text in files.items():
            suffix = ".toml" if name == "options" else ".ini" if name == "pytest" else ".py"
            (tmp_path / f"{name}{suffix}").write_text(text, "utf-8")
        report = tmp_path / "report.json"
        command = ["python", "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        command += [f"--interlock-report={report}", "-W", "ignore:The configuration option"]
        done = forks.run(command, tmp_path, {"COLUMNS": ""})  # as in a pipe: lines are whole
        found = json.loads(report.read_text("utf-8")) if report.exists() else {}
        return Run(done.returncode, done.stdout + done.stderr, found)

    return run
