"""`interlock plugins new`: what it writes, and what it refuses."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

from interlock.backends import BackendKind
from interlock.errors import ConfigurationError

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
from interlock.cli.new import _FILES, write_repository
from interlock.cli.new_app import _FILES as APP_FILES

KINDS = list(BackendKind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_distribution_the_package_and_the_entry_point_are_named_after_it(
    tmp_path: Path, kind: BackendKind
) -> None:
    paths = write_repository("two-words", kind, tmp_path / "new")
    project = tomllib.loads((tmp_path / "new" / "pyproject.toml").read_text())["project"]
    assert project["name"] == "interlock-two-words"
    points = project["entry-points"]["interlock.backends"]
    assert points == {"two-words": "interlock_two_words.plugin"}
    (plugin,) = [path for path in paths if path.name == "plugin.py"]
    assert plugin == tmp_path / "new/src/interlock_two_words/plugin.py"
    assert f"kind=BackendKind.{kind.name}," in plugin.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_to_fill_in_but_what_is_marked(tmp_path: Path, kind: BackendKind) -> None:
    for path in write_repository("two-words", kind, tmp_path / "new"):
        text = path.read_text().replace("${{ matrix.python }}", "").replace("$ ", "")
        assert "$" not in text, path
        marks = text.count("REPLACE")
        assert (marks > 0) == (path.name in ("backend.py", "config.py", "README.md")), path


@pytest.mark.parametrize("kind", KINDS)
def test_the_conformance_test_is_short(tmp_path: Path, kind: BackendKind) -> None:
    paths = write_repository("two-words", kind, tmp_path / "new")
    (test,) = [path for path in paths if path.parent.name == "tests"]
    assert len(test.read_text().splitlines()) < 20


def test_every_template_is_used() -> None:
    used = {source.replace("$kind", kind) + ".tmpl" for source in _FILES.values() for kind in KINDS}
    used |= {f"{source}.tmpl" for source in APP_FILES.values()}
    assert used == set(_names(files("interlock.cli") / "templates"))


def _names(folder: Traversable, above: str = "") -> Iterator[str]:
    for found in folder.iterdir():
        if found.is_dir():
            yield from _names(found, f"{above}{found.name}/")
        else:
            yield above + found.name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Lmdb-Cache", "did you mean 'lmdb-cache'?"),
        ("lmdb_cache", "did you mean 'lmdb-cache'?"),
        ("lmdb--cache", "did you mean 'lmdb-cache'?"),
        ("lmdb-cache-", "did you mean 'lmdb-cache'?"),
        ("interlock_lmdb_cache", "did you mean 'lmdb-cache'?"),
        ("../lmdb-cache", "did you mean 'lmdb-cache'?"),
        ("lmdb-cache\n", "did you mean 'lmdb-cache'?"),
        ("1-cache", "from a letter on, with single hyphens between words, as in 'redis-cache'"),
        ("", "no name for a backend"),
        ("\u017f-cache", "no name for a backend"),
        ("a" * 33, "at most 32"),
        ("interlock-lmdb-cache", "name the backend alone: 'lmdb-cache'"),
        ("redis-cache", "one of Interlock's own names"),
        ("memory-cache", "one of Interlock's own names"),
        ("conformance", "one of Interlock's own names"),
        ("record-cache", "one of Interlock's own names"),
    ],
)
def test_a_name_that_does_not_do_is_refused(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        write_repository(name, BackendKind.CACHE, tmp_path / "new")
    assert told in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    write_repository("two-words", BackendKind.CACHE, tmp_path)
    assert (tmp_path / "pyproject.toml").exists()


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ConfigurationError, match="isn't empty, it holds 'notes'; name a new"):
        write_repository("two-words", BackendKind.CACHE, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_a_file_where_the_folder_should_be_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ConfigurationError, match="can't be written to"):
        write_repository("two-words", BackendKind.CACHE, tmp_path / "notes")
    assert (tmp_path / "notes").read_text() == "mine"
