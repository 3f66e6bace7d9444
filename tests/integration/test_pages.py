"""What the pages of the documentation show works as it is written."""

import re
import tomllib
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from pathlib import Path
from pkgutil import resolve_name
from textwrap import indent

import pytest

from interlock._config.reader import load_settings
from interlock._engine.reports import Reason, Source
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.specs import BackendSpec
from pages import (
    PAGES,
    ROOT,
    Block,
    Session,
    blocks,
    commands,
    configurations,
    distributions,
    name_of,
    need_servers,
    variables,
)

_README = ROOT / "README.md"
_QUICK_START_LINES = 29  # of code; blank lines not counted
_FRONT_PAGE = ROOT / "docs/index.md"
_FRONT_PAGE_LINES = 12
_PART = "a part of the program below"  # as a block's comment says
_COMPARISON = ROOT / "docs/explanation/comparison.md"
_FOR_AUTHORS = ("how-to/publish-a-plugin", "how-to/write-")
_FOR_USERS = {
    *("index.md", "tutorials/first-aggregate.md", "explanation/aggregates.md"),
    *("explanation/comparison.md", "explanation/consistency.md", "explanation/event-sourcing.md"),
    *("explanation/faq.md", "explanation/how-a-load-works.md", "explanation/words.md"),
}
_TOX = (ROOT / "tox.ini").read_text()


def _pages_with(*languages: str) -> list[Path]:
    return [page for page in PAGES if any(block.language in languages for block in blocks(page))]


def _backends() -> list[BackendSpec]:
    """Those that have a page of their own: of the plugins that are no databases."""
    return [
        spec
        for listing in Catalogue.installed().listing()
        for spec in listing.specs
        if isinstance(spec, BackendSpec) and (ROOT / f"docs/how-to/{spec.name}.md").exists()
    ]


@pytest.mark.parametrize("page", _pages_with("python", "console"), ids=name_of)
def test_a_page_can_be_followed(page: Path, tmp_path: Path) -> None:
    need_servers(page)
    Session(tmp_path).follow(page)


@pytest.mark.parametrize("page", _pages_with("toml"), ids=name_of)
def test_a_page_shows_configurations_that_are_accepted(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for block, text in configurations(page):
        path = tmp_path / f"line-{block.line}.toml"
        path.write_text(text)
        for name, value in variables(text).items():
            monkeypatch.setenv(name, value)
        load_settings(path)


@pytest.mark.parametrize("page", _pages_with("python", "toml"), ids=name_of)
def test_a_block_that_is_not_run_is_at_least_well_formed(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python":
            compile(block.text, f"{page}:{block.line}", "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT)
        elif block.language == "toml":
            tomllib.loads(block.text)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(block.source for block in blocks(page))], ids=name_of
)
def test_a_block_from_a_file_stands_there(page: Path) -> None:
    for block in blocks(page):
        if block.source:
            assert block.text in (ROOT / block.source).read_text()


def _is_environment(name: str) -> bool:
    python, _, rest = name.partition("-")
    families = re.findall(r"\[testenv:py\{([\d,]+)\}-([\w-]+)\]", _TOX)
    return f"[testenv:{name}]" in _TOX or any(
        python.removeprefix("py") in versions.split(",") and rest == family
        for versions, family in families
    )


@pytest.mark.parametrize("page", _pages_with("console"), ids=name_of)
def test_a_page_names_environments_distributions_and_scripts_that_exist(page: Path) -> None:
    ours = distributions()
    for command in (each for block in blocks(page) for each in commands(block)):
        for names in re.findall(r"tox run -e ([\w,-]+)", command.line):
            for name in names.split(","):
                assert _is_environment(name), f"tox.ini has no environment {name}"
        for name, extras in command.installs:
            offered = ours[name].get("optional-dependencies", {})
            assert extras <= offered.keys(), f"{name} has no extra {extras - offered.keys()}"
        for word in command.words:
            if "/" in word and word.endswith(".py"):
                assert (ROOT / word).exists(), f"there is no {word}"


@pytest.mark.parametrize("spec", _backends(), ids=lambda spec: spec.name)
def test_every_option_of_a_plugin_stands_on_its_page(spec: BackendSpec) -> None:
    page = (ROOT / f"docs/how-to/{spec.name}.md").read_text()
    for option in resolve_name(spec.config or "").model_fields:
        assert f"`{option}`" in page, f"the page says nothing of {option}"


def test_the_page_on_watching_lists_every_counter() -> None:
    sources = [path.read_text() for path in (ROOT / "core/src/interlock").glob("**/*.py")]
    counted = {
        name
        for text in sources
        for name in re.findall(
            r"\._?(?:(?:count|failed|missed|not_kept)\(|counters\[)\s*\"([a-z]+\.[a-z_]+)", text
        )
    }
    breakers = {
        f"{store}.breaker_{change}"
        for store in ("cache", "snapshot")
        for change in ("opened", "closed")
    }
    missed = {f"{source}.{reason}" for source in Source for reason in Reason}
    page = (ROOT / "docs/how-to/watch-loads.md").read_text()
    section = page.partition("## Counters")[2].partition("\n## ")[0]
    listed = {
        name
        for line in section.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([^`]+)`", line.split("|")[1])
    }
    assert listed - missed == counted | breakers
    assert len(counted) > 10


def _lines(block: Block) -> list[str]:
    return [line for line in block.text.splitlines() if line]


def test_the_readme_has_both_commands_of_a_fresh_machine() -> None:
    shown = {command.line for block in blocks(_README) for command in commands(block)}
    assert {f"python -m pip install tox && tox{env}" for env in ("", " run -e demo")} <= shown


def test_the_quick_start_is_short() -> None:
    (quick_start,) = [block for block in blocks(_README) if block.language == "python"]
    assert len(_lines(quick_start)) <= _QUICK_START_LINES


def test_the_front_page_shows_an_aggregate_at_a_glance() -> None:
    shown, whole = [each for each in blocks(_FRONT_PAGE) if each.language == "python"]
    assert shown.not_run == _PART
    assert len(_lines(shown)) <= _FRONT_PAGE_LINES
    assert whole.text == _program(_README), "the front page and the README show one program"


def _program(page: Path) -> str:
    (program,) = [block.text for block in blocks(page) if block.language == "python"]
    return program


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(block.not_run == _PART for block in blocks(page))],
    ids=name_of,
)
def test_a_part_of_a_program_stands_in_a_program_below(page: Path) -> None:
    shown = blocks(page)
    for part in (block for block in shown if block.not_run == _PART):
        below = [each for each in shown if each.line > part.line and not each.not_run]
        indented = [indent(part.text, " " * 4 * level) for level in range(4)]
        assert any(text in each.text for each in below for text in indented), part.text


def test_the_account_of_the_pages_stands_in_one_file() -> None:
    handler = "def deposit(self, command: Deposit) -> None:"
    assert handler in (ROOT / "docs/examples/account.py").read_text()
    assert [name_of(page) for page in PAGES if handler in page.read_text()] == []


def _is_for_users(page: Path) -> bool:
    name = name_of(page).removeprefix("docs/")
    is_how_to = name.startswith("how-to/") and not name.startswith(_FOR_AUTHORS)
    return is_how_to or name in _FOR_USERS


@pytest.mark.parametrize("page", [*filter(_is_for_users, PAGES)], ids=name_of)
def test_a_page_for_users_asks_for_nothing_but_what_is_installed(page: Path) -> None:
    assert re.search(r"\btox\b(?!\.ini)", page.read_text()) is None  # but as a file of a history


def test_what_the_comparison_says_of_others_has_a_source() -> None:
    text = _COMPARISON.read_text()
    rows = re.findall(r"^\| \*\*.*", text, re.MULTILINE)
    said = [cell for row in rows for cell in row.strip("| ").split(" | ")[2:]]
    assert len(said) > len(rows)
    assert [cell for cell in said if "[^" not in cell and cell != "not documented"] == []
    sources = set(re.findall(r"^(\[\^[\w-]+\]): .*\]\(https://", text, re.MULTILINE))
    assert set(re.findall(r"\[\^[\w-]+\]", text)) == sources
