"""What the README and the how-to pages show works as it is written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_README = _ROOT / "README.md"
_PAGES = [_README, *sorted(_ROOT.glob("docs/how-to/*.md"))]
_QUICK_START_LINES = 40  # of code; blank lines not counted


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def _quoted(page: Path) -> list[tuple[str, str]]:
    """The blocks that begin with the name of an example's file, which they are a part of."""
    blocks = [block.partition("\n") for block in _blocks(page, "python")]
    return [(name[2:], rest) for name, _, rest in blocks if name.startswith("# docs/examples/")]


def _shown(page: Path) -> str:
    """The page's other blocks, which are one script."""
    quoted = [f"# {name}\n{rest}" for name, rest in _quoted(page)]
    return "\n".join(block for block in _blocks(page, "python") if block not in quoted)


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 our own pages
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "page", [page for page in _PAGES if _shown(page)], ids=lambda page: page.stem
)
def test_a_page_prints_what_it_says(page: Path, tmp_path: Path) -> None:
    (tmp_path / "shown.py").write_text(_shown(page))
    done = _run(tmp_path, "-W", "error", "shown.py")
    assert done.stderr == ""
    assert f"It prints `{done.stdout.strip()}`." in page.read_text()


@pytest.mark.parametrize(
    "page", [page for page in _PAGES if _quoted(page)], ids=lambda page: page.stem
)
def test_a_page_quotes_what_stands_in_an_example(page: Path) -> None:
    for name, text in _quoted(page):
        assert text in (_ROOT / name).read_text(), f"{name} has no such part:\n{text}"


def test_the_quick_start_is_short() -> None:
    (quick_start,) = _blocks(_README, "python")
    assert len([line for line in quick_start.splitlines() if line]) <= _QUICK_START_LINES


@pytest.mark.parametrize(
    "page",
    [page for page in _PAGES if any("schema = 1" in block for block in _blocks(page, "toml"))],
    ids=lambda page: page.stem,
)
def test_a_page_shows_a_configuration_that_is_accepted(page: Path, tmp_path: Path) -> None:
    for configuration in _blocks(page, "toml"):
        if "schema = 1" in configuration:
            (tmp_path / "interlock.toml").write_text(configuration)
            done = _run(tmp_path, "-m", "interlock", "config", "check")
            assert done.returncode == 0, done.stdout + done.stderr
