"""The documentation as a reader sees it."""

from urllib.parse import urljoin, urlparse

import pytest

from browser import Visit, broken_links, is_ours, visited


@pytest.fixture(scope="module")
def visits() -> list[Visit]:
    return visited()


def test_every_page_is_there(visits: list[Visit]) -> None:
    paths = {urlparse(visit.url).path for visit in visits}
    assert {"/", "/tutorials/first-aggregate/", "/reference/configuration/"} <= paths


def test_no_link_within_the_site_is_broken(visits: list[Visit]) -> None:
    assert broken_links(visits) == []


def test_every_diagram_is_drawn(visits: list[Visit]) -> None:
    drawn = {urlparse(visit.url).path: visit.diagrams for visit in visits if visit.diagrams}
    assert {path: states for path, states in drawn.items() if any(states)} == {}
    assert sum(map(len, drawn.values())) >= 20


def test_the_browser_has_no_complaint(visits: list[Visit]) -> None:
    assert {visit.url: visit.complaints for visit in visits if visit.complaints} == {}


def test_nothing_is_asked_of_another_host(visits: list[Visit]) -> None:
    assert [url for visit in visits for url in visit.requests if not is_ours(url, visits)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(visits: list[Visit], scheme: str) -> None:
    for visit in visits:
        background, text = visit.shades[scheme]
        assert (background > 0.9) if scheme == "light" else (background < 0.2), visit.url
        assert abs(background - text) > 0.5, visit.url


def test_no_page_is_wider_than_a_phone(visits: list[Visit]) -> None:
    assert {visit.url: visit.too_wide for visit in visits if visit.too_wide} == {}


def test_no_line_of_code_is_cut_off(visits: list[Visit]) -> None:
    assert {visit.url: visit.cut_off for visit in visits if visit.cut_off} == {}


def test_the_glossary_is_one_click_away(visits: list[Visit]) -> None:
    glossary = {urljoin(visits[0].url, "/explanation/words/")}
    assert [visit.url for visit in visits if not glossary & set(visit.links)] == []
