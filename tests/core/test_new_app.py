"""`interlock new app`: what it writes, and what it refuses. tests/frameworks serves it."""

import tomllib
from pathlib import Path

import pytest

from interlock.errors import ConfigurationError

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
from interlock.cli.new_app import write_service


def test_the_distribution_and_the_package_are_named_after_it(tmp_path: Path) -> None:
    paths = write_service("two-words", tmp_path / "new")
    project = tomllib.loads((tmp_path / "new" / "pyproject.toml").read_text())
    assert project["project"]["name"] == "two-words"
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["src/two_words"]
    assert tmp_path / "new/src/two_words/main.py" in paths
    configuration = tomllib.loads((tmp_path / "new" / "interlock.toml").read_text())
    assert configuration["profiles"]["prod"]["event_store"] == {"url": "${DATABASE_URL}"}


def test_nothing_is_left_to_fill_in(tmp_path: Path) -> None:
    for path in write_service("two-words", tmp_path / "new"):
        text = path.read_text().replace("$ ", "").replace("${DATABASE_URL}", "")
        assert "$" not in text.replace("${REDIS_URL}", ""), path


@pytest.mark.parametrize("name", ["Bank", "two_words", "", "1-bank", "bank-", "x" * 33, "../bank"])
def test_a_name_that_does_not_do_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for a service; wanted at most 32"):
        write_service(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["interlock", "fastapi", "interlock-bank"])
def test_a_name_that_is_taken_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="choose another"):
        write_service(name, tmp_path / "new")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ConfigurationError, match="isn't empty, it holds 'notes'"):
        write_service("bank", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
