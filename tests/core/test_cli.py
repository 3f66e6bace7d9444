"""The commands, most of them as processes."""

import json
from pathlib import Path

import pytest

from shell import interlock, run_here

pytest.importorskip("typer", reason="needs the extra interlock[cli]")


def test_check_tells_what_it_has_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTERLOCK_CONFIG", raising=False)
    (tmp_path / "interlock.toml").write_text("schema = 1\n")
    done = interlock("config", "check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "interlock.toml: no errors\n")
    done = run_here("config", "check", "--json")
    found = json.loads(done.stdout)
    assert found == {"ok": True, "source": "interlock.toml", "profiles": [], "problems": []}


@pytest.mark.parametrize("as_json", [False, True])
def test_check_fails_with_all_errors(tmp_path: Path, *, as_json: bool) -> None:
    path = tmp_path / "other.toml"
    path.write_text("schema = 1\nshema = 1\ny = 2\n")
    flags = ["--json"] if as_json else []
    done = run_here("config", "check", "--config", str(path), *flags)
    assert done.returncode == 1
    if as_json:
        found = json.loads(done.stdout)
        assert found["ok"] is False
        assert found["problems"][0] == {
            "level": "error",
            "place": "shema",
            "problem": "no such key",
            "hint": "did you mean 'schema'?",
            "line": 2,
            "profile": None,
        }
    else:
        assert "- line 2, shema: no such key; did you mean 'schema'?\n" in done.stderr
        assert "- line 3, y: no such key" in done.stderr


def test_plugins_are_listed_even_if_one_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[interlock.backends]\nacme = not_there\n")
    done = interlock("plugins", "list", "--json", cwd=tmp_path, path=str(tmp_path))
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["acme"]["error"] == "there is no module 'not_there'"
    assert rows["memory-cache"]["error"] is None
    assert rows["never"]["kinds"] == ["snapshot strategy", "cache strategy"]
    shown = run_here("plugins", "list").stdout
    assert "memory-snapshots" in shown
    assert "BROKEN: there is no module 'not_there'" in shown


def test_without_the_extra_the_missing_part_is_told(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ImportError('none', name='typer')")
    done = interlock("plugins", "list", cwd=tmp_path, path=str(tmp_path))
    assert done.returncode == 1
    assert "pip install 'interlock[cli]'" in done.stderr
