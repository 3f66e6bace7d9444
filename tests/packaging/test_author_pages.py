"""What the pages for authors of plugins show: files that are built, commands that are run."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from environments import Environment, built, output

_ROOT = Path(__file__).parents[2]
_EXAMPLE = _ROOT / "docs/examples/lmdb_cache"
_TUTORIAL = _ROOT / "docs/tutorials/write-a-backend.md"
_TUTORIALS = {
    "lmdb_cache": _TUTORIAL,
    "sqlite_events": _ROOT / "docs/tutorials/write-an-event-store.md",
    "sqlite_snapshots": _ROOT / "docs/tutorials/write-a-snapshot-store.md",
}
_STRATEGY = _ROOT / "docs/how-to/write-a-strategy.md"
_PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
IN_WORKSHOP = pytest.mark.xdist_group("workshop")  # made once
_FENCE = re.compile(
    r"(?:<!-- from: (?P<source>\S+) -->[^\n]*\n)?"
    r'```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)```',
    re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    source: str | None
    language: str
    title: str | None
    text: str


_APPLICATION = "import runpy, sys; sys.path.insert(0, ''); runpy.run_path('application.py')"
"""Run beside the page's other modules, which an isolated interpreter wouldn't find."""


def _blocks(page: Path, *languages: str) -> list[Block]:
    blocks = [Block(**found.groupdict()) for found in _FENCE.finditer(page.read_text())]
    return [block for block in blocks if block.language in languages]


def _assert_shown(shown: str, printed: str) -> None:
    """Fail unless it was printed, in lines of any length; three dots stand for anything."""
    pattern = r"\s+".join(map(re.escape, shown.split())).replace(r"\.\.\.", ".*?")
    assert re.search(pattern, printed, re.DOTALL), f"shown:\n{shown}\nprinted:\n{printed}"


@pytest.mark.parametrize("example", sorted(_TUTORIALS))
def test_every_block_of_a_tutorial_stands_in_its_example(example: str) -> None:
    blocks = _blocks(_TUTORIALS[example], "py", "python", "toml")
    assert len(blocks) > 5
    for block in blocks:
        assert block.source is not None, f"where does it stand?\n{block.text}"
        assert block.source.startswith(f"docs/examples/{example}/")
        assert block.text in (_ROOT / block.source).read_text(), block.text


@IN_WORKSHOP
def test_the_tutorial_lists_what_is_written(workshop: Environment, tmp_path: Path) -> None:
    arguments = ("plugins", "new", "lmdb-cache", "--kind", "cache")
    printed = workshop.run("-m", "interlock", *arguments, folder=tmp_path, COLUMNS="80")
    (shown,) = [block.text for block in _blocks(_TUTORIAL, "console") if " new " in block.text]
    assert shown == f"$ interlock {' '.join(arguments)}\n{printed}"


def test_the_backend_of_the_tutorial_is_conformant(tmp_path: Path) -> None:
    (shown,) = [block.text for block in _blocks(_TUTORIAL, "console") if "verify" in block.text]
    command, _, shown = shown.partition("\n")
    assert command.endswith(" --report conformance.json")
    arguments = command.removeprefix("$ interlock ").removesuffix("conformance.json").split()
    report = str(tmp_path / "conformance.json")
    printed = output(sys.executable, "-m", "interlock", *arguments, report, folder=_EXAMPLE)
    _assert_shown(shown, printed)


@pytest.mark.parametrize("example", ["sqlite_events", "sqlite_snapshots"])
def test_the_stores_of_the_tutorials_are_conformant(example: str) -> None:
    consoles = [block.text for block in _blocks(_TUTORIALS[example], "console")]
    (shown,) = [text for text in consoles if text.startswith("$ pytest\n")]
    printed = output(*_PYTEST, folder=_ROOT / "docs/examples" / example)
    _assert_shown(shown.partition("\n")[2], printed)


@pytest.mark.parametrize(
    ("example", "check"), [("lmdb_cache", "CACHE-004"), ("sqlite_events", "EVENTS-027")]
)
def test_a_check_fails_as_the_tutorial_shows(tmp_path: Path, example: str, check: str) -> None:
    folder = shutil.copytree(_ROOT / "docs/examples" / example, tmp_path / "example")
    backend = folder / f"src/interlock_{example}/backend.py"
    (change,) = [block.text for block in _blocks(_TUTORIALS[example], "diff")]
    before, after = (
        "\n".join(line[1:] for line in change.splitlines() if line[0] != other) for other in "+-"
    )
    assert backend.read_text().count(before) == 1
    backend.write_text(backend.read_text().replace(before, after))
    done = subprocess.run(  # noqa: S603 pytest
        [*_PYTEST, "-k", check],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    (shown,) = [block.text for block in _blocks(_TUTORIALS[example], "text")]
    _assert_shown(shown, done.stdout)


@IN_WORKSHOP
def test_the_strategy_is_installed_tested_and_used_by_name(
    workshop: Environment, tmp_path: Path
) -> None:
    for block in _blocks(_STRATEGY, "python", "toml"):
        assert block.title is not None
        (tmp_path / block.title).write_text(block.text)
    shutil.copy(_ROOT / "docs/examples/account.py", tmp_path)  # which the page includes
    workshop.install(built(tmp_path))
    consoles = [block.text.partition("\n") for block in _blocks(_STRATEGY, "console")]
    assert [command for command, _, _ in consoles] == [
        "$ python application.py",
        "$ pytest",
        "$ interlock config check",
    ]
    (_, _, application), (_, _, tests), (_, _, check) = consoles
    _assert_shown(application, workshop.run("-c", _APPLICATION, folder=tmp_path))
    _assert_shown(tests, workshop.run("-m", "pytest", folder=tmp_path))
    _assert_shown(check, workshop.run("-m", "interlock", "config", "check", folder=tmp_path))
    settings = (
        "from interlock._config.reader import load_settings; found = load_settings(None).default"
    )
    used = workshop.run("-c", f"{settings}; print(found.snapshot_strategy)", folder=tmp_path)
    assert used == "SnapshotEachDay(starts_at=4)\n"

    configuration = tmp_path / "interlock.toml"
    configuration.write_text(configuration.read_text().replace("= 4", "= 40"))
    with pytest.raises(AssertionError, match=r"aggregates\.default\.snapshot_strategy\.starts_at"):
        workshop.run("-m", "interlock", "config", "check", folder=tmp_path)
