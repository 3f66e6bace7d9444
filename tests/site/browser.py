"""The built documentation, served and visited page by page in a headless browser."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Literal
from urllib.parse import urldefrag, urljoin, urlparse

import pytest
from playwright.sync_api import Browser, Page, Request, ViewportSize, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

SITE = Path(__file__).parents[2] / ".tox/site"
DESKTOP, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
_PATIENCE = 15_000  # milliseconds
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# The theme draws diagrams into closed shadow trees, which nobody can look into.
_OPEN_SHADOWS = """
const attach = Element.prototype.attachShadow
Element.prototype.attachShadow = function (options) {
  return attach.call(this, { ...options, mode: "open" })
}"""
_DIAGRAMS = """() => [...document.querySelectorAll(".mermaid")].map(host => {
  const drawn = (host.shadowRoot || host).querySelector("svg")
  if (!drawn) return "not drawn"
  if (drawn.getAttribute("aria-roledescription") == "error") return "an error is drawn"
  const scale = drawn.getBoundingClientRect().width / drawn.viewBox.baseVal.width
  if (scale < 0.6) return `drawn at ${scale} of its size`
  return innerWidth < 600 || host.scrollWidth <= host.clientWidth ? "" : "wider than its column"
})"""
_COLOURS = """() => {
  const channels = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
  const light = colour => channels(colour).reduce((sum, value) => sum + value, 0) / 765
  const style = getComputedStyle(document.querySelector("article"))
  return [light(getComputedStyle(document.body).backgroundColor), light(style.color)]
}"""
_SCHEMES: Mapping[Literal["light", "dark"], str] = {"light": "default", "dark": "slate"}
_IS_IN = "scheme => document.body.dataset.mdColorScheme == scheme"
_TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth <= room) return ""
  const wide = [...document.querySelectorAll("article *")]
    .find(each => each.getBoundingClientRect().right > room + 1)
  return wide ? `<${wide.tagName}> ${wide.textContent.slice(0, 80)}` : "something"
}"""
_CUT_OFF = """() => [...document.querySelectorAll("article pre > code")]
  .filter(code => code.scrollWidth > code.clientWidth + 1)
  .map(code => code.textContent.split("\\n").reduce((a, b) => a.length > b.length ? a : b))"""


@dataclass(slots=True)
class Visit:
    """What was seen on one page."""

    url: str
    links: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    diagrams: list[str] = field(default_factory=list)  # what is wrong with each; twice
    shades: dict[str, tuple[float, float]] = field(default_factory=dict)
    too_wide: str = ""
    cut_off: list[str] = field(default_factory=list)  # the longest line of each code block


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base's name
        """Say nothing."""


@contextmanager
def served() -> Iterator[str]:
    """The address of the site, on a free port."""
    if not (SITE / "index.html").exists():
        pytest.fail("there is no site to look at; build it first: tox run -e docs,docs-pages")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=SITE))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium of the system's; skips, or fails where it is required, without one."""
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        is_required = "chromium" in os.environ.get("INTERLOCK_REQUIRE", "").split(",")
        refuse = pytest.fail if is_required else pytest.skip
        refuse(f"needs chromium: none of {', '.join(_BROWSERS)} is installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield launched
        finally:
            launched.close()


def visited() -> list[Visit]:
    """Every page of the site, looked at once."""
    pages = sorted(path.relative_to(SITE) for path in SITE.rglob("*.html"))
    with served() as address, browser() as chromium:
        page = chromium.new_page()
        page.add_init_script(_OPEN_SHADOWS)
        visits = [
            Visit(urljoin(address, str(path).removesuffix("index.html")))
            for path in pages
            if path.name != "404.html"  # its links are from the root of a host
        ]
        for visit in visits:
            _look(page, visit)
        return visits


def _look(page: Page, visit: Visit) -> None:
    heard: dict[Any, Callable[[Any], None]] = {  # Any: what each of playwright's events brings
        "console": lambda said: visit.complaints.append(f"{said.type}: {said.text}"),
        "pageerror": lambda error: visit.complaints.append(str(error)),
        "requestfailed": lambda request: visit.complaints.extend(_failed(request)),
        "request": lambda request: visit.requests.append(request.url),
    }
    for event, note in heard.items():
        page.on(event, note)
    page.set_viewport_size(DESKTOP)
    page.goto(visit.url)
    with suppress(PlaywrightTimeout):  # then it isn't drawn, which is noted below
        page.wait_for_function("!document.querySelector('pre.mermaid')", timeout=_PATIENCE)
    visit.links = page.evaluate("[...document.links].map(link => link.href)")
    visit.ids = set(page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)"))
    visit.diagrams = page.evaluate(_DIAGRAMS)
    visit.cut_off = page.evaluate(_CUT_OFF)
    for scheme, name in _SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(_IS_IN, arg=name)
        background, text = page.evaluate(_COLOURS)
        visit.shades[scheme] = background, text
    page.set_viewport_size(PHONE)
    visit.diagrams += page.evaluate(_DIAGRAMS)
    visit.too_wide = page.evaluate(_TOO_WIDE)
    for event, note in heard.items():
        page.remove_listener(event, note)


def _failed(request: Request) -> list[str]:
    """What is wrong with a request that failed; one that was under way when we left isn't."""
    return [] if request.failure == "net::ERR_ABORTED" else [f"failed: {request.url}"]


def is_ours(url: str, visits: list[Visit]) -> bool:
    """Whether the address is of the server that serves the site."""
    return urlparse(url).netloc == urlparse(visits[0].url).netloc


def broken_links(visits: list[Visit]) -> list[str]:
    """Links within the site to a page or an anchor that isn't there."""
    ids = {visit.url: visit.ids for visit in visits}
    broken = []
    for visit in visits:
        for link in filter(lambda link: is_ours(link, visits), visit.links):
            target, anchor = urldefrag(link)
            path = SITE / urlparse(target).path.removeprefix("/")
            is_there = target in ids or path.is_file()
            if not is_there or (anchor and target in ids and anchor not in ids[target]):
                broken.append(f"{urlparse(visit.url).path} -> {urlparse(link).path}#{anchor}")
    return sorted(set(broken))
