"""The commands, as processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")


def interlock(*arguments: str, cwd: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}
    return subprocess.run(  # noqa: S603 our own command
        [sys.executable, "-m", "interlock", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_shows_what_is_used(tmp_path: Path) -> None:
    (tmp_path / "interlock.toml").write_text(
        "schema = 1\n"
        '[cache_backends.hot]\nbackend = "memory-cache"\nsize = 5\n'
        '[aggregates.BankAccount]\ncache_strategy = "always"\ncache_backend = "hot"\n'
    )
    done = interlock("config", "check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (
        "aggregates.BankAccount: cache_strategy = AlwaysCache(), cache_backend = hot" in done.stdout
    )
    done = interlock("config", "check", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert found["ok"] is True
    assert found["cache_backends"] == {"hot": {"backend": "memory-cache", "size": 5}}


@pytest.mark.parametrize("as_json", [False, True])
def test_check_fails_with_all_errors(tmp_path: Path, *, as_json: bool) -> None:
    path = tmp_path / "other.toml"
    path.write_text("schema = 1\nx = 1\ny = 2\n")
    flags = ["--json"] if as_json else []
    done = interlock("config", "check", "--config", str(path), *flags, cwd=tmp_path)
    assert done.returncode == 1
    told = json.loads(done.stdout)["error"] if as_json else done.stderr
    assert "x: no such key" in told
    assert "y: no such key" in told
    assert "Traceback" not in done.stderr


def test_plugins_are_listed_even_if_one_is_broken(tmp_path: Path) -> None:
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[interlock.backends]\nacme = not_there\n")
    done = interlock("plugins", "list", "--json", cwd=tmp_path, path=str(tmp_path))
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert "ModuleNotFoundError" in rows["acme"]["error"]
    assert rows["memory-cache"]["error"] is None
    assert rows["never"]["kinds"] == ["snapshot strategy", "cache strategy"]
    shown = interlock("plugins", "list", cwd=tmp_path, path=str(tmp_path)).stdout
    assert "memory-snapshots" in shown
    assert "ModuleNotFoundError" in shown


def test_without_the_extra_the_missing_part_is_told(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ImportError('none', name='typer')")
    done = interlock("plugins", "list", cwd=tmp_path, path=str(tmp_path))
    assert done.returncode == 1
    assert "pip install 'interlock[cli]'" in done.stderr
