"""The commands, as processes."""

import json
from pathlib import Path

import pytest

from shell import interlock

pytest.importorskip("typer", reason="needs the extra interlock[cli]")


def test_check_tells_what_it_has_checked(tmp_path: Path) -> None:
    (tmp_path / "interlock.toml").write_text("schema = 1\n[profiles.prod.application]\nepoch = 1\n")
    done = interlock("config", "check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "interlock.toml: no errors\n")
    done = interlock("config", "check", "--json", cwd=tmp_path, INTERLOCK_PROFILE="prod")
    assert json.loads(done.stdout) == {"ok": True, "source": "interlock.toml", "profile": "prod"}


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
