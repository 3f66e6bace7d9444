"""The search and the copy buttons of the built documentation, used as a reader uses them."""

import re
from collections.abc import Iterator
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Page, expect

from browser import DESKTOP, browser, served

_SEARCHED = {  # what a reader types, and a page that should be among the first three
    "prometheus": r"prometheus|watch-loads",
    "opentelemetry": r"opentelemetry|watch-loads",
    "gdpr": r"erase",
    "delete customer": r"erase",
    "rename event": r"change-a-deployed-aggregate",
    "testing": r"test",
    "health": r"deploy|serve-over-http|operate",
    "logging": r"watch-loads|opentelemetry",
    "idempotent": r"faq|serve-over-http",
    "django": r"faq|call-without-async",
    "kubernetes": r"deploy|serve-over-http",
    "optimistic locking": r"consistency|faq",
    "eventual consistency": r"consistency|faq",
    "glossary": r"words",
}
_FOR_AUTHORS = r"^/(adr|examples|plugins|how-to/(publish|write)-|tutorials/write-)"
_HITS = """() => [...document.querySelectorAll(
  ".md-search-result__item > .md-search-result__link")].map(link => link.pathname)"""
_CONSOLE = ".highlight:has(code .gp)"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """The front page, in a browser that may read the clipboard."""
    with served() as address, browser() as chromium:
        context = chromium.new_context(
            base_url=address,
            viewport=DESKTOP,
            permissions=["clipboard-read", "clipboard-write"],
        )
        yield context.new_page()


def found(page: Page, words: str) -> list[str]:
    """The paths of the pages that the search finds, best first, each once."""
    page.goto("/")
    field = page.locator(".md-search__input")
    field.click()
    field.press_sequentially(words)
    expect(page.locator(".md-search-result__meta")).to_contain_text(re.compile(r"\d|No matching"))
    return [*dict.fromkeys(page.evaluate(_HITS))]


@pytest.mark.parametrize(("words", "wanted"), _SEARCHED.items())
def test_the_search_finds_a_page_for_users_first(page: Page, words: str, wanted: str) -> None:
    first = found(page, words)[:3]
    assert any(re.search(wanted, path) for path in first), first
    assert not re.search(_FOR_AUTHORS, first[0]), first


def test_the_search_says_when_it_finds_nothing(page: Page) -> None:
    assert found(page, "zymurgy") == []


def commands(shown: str) -> str:
    """The commands of a console block, without prompts and output."""
    found = re.findall(r"^\$ ((?:.*\\\n)*.*)$", shown, re.MULTILINE)
    return "\n".join(found)


@pytest.mark.parametrize("path", ["/", "/tutorials/first-aggregate/", "/how-to/use-postgresql/"])
def test_a_copied_console_block_is_its_commands(page: Page, path: str) -> None:
    page.goto(path)
    blocks = page.locator(_CONSOLE).all()
    assert blocks, urlparse(page.url).path
    for block in blocks:
        shown = block.locator("code").inner_text()
        block.hover()
        block.locator(".md-code__button, .md-clipboard").first.click()
        page.wait_for_function("async () => await navigator.clipboard.readText() != ''")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert re.sub(r"\n+", "\n", copied) == commands(shown)  # output leaves blank lines
        page.evaluate("navigator.clipboard.writeText('')")
