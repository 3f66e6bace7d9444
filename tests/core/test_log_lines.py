"""Log records have fields, and lines of one kind are limited in rate."""

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock
from interlock.backends import Limit, LogLines, OutageLines
from rig_domain import ID

_ROOT = Path(__file__).parents[2]
_SOURCES = [
    path
    for source in (Path(interlock.__file__).parent, *_ROOT.glob("plugins/*/src"))
    for path in sorted(source.rglob("*.py"))
]
_FIELDS = ("event", "plugin", "store", "aggregate_type", "aggregate_id", "occurrences")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines(clock: Clock) -> LogLines:
    return LogLines("interlock_shelf", clock)


def test_a_record_has_all_fields(lines: LogLines, caplog: pytest.LogCaptureFixture) -> None:
    lines.warning("shelf.full", "no room", store="cache", aggregate_type="Book", aggregate_id=ID)
    lines.warning("shelf.lost", "it is gone", plugin="interlock_attic")
    first, second = ([vars(record)[name] for name in _FIELDS] for record in caplog.records)
    assert first == ["shelf.full", "interlock_shelf", "cache", "Book", ID, 1]
    assert second == ["shelf.lost", "interlock_attic", None, None, None, 1]
    assert {record.name for record in caplog.records} == {"interlock_shelf"}


def test_lines_of_one_kind_are_counted_within_a_minute(
    lines: LogLines, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(403):
        assert lines.warning("shelf.full", f"no room, {number}") is (number == 0)
    clock.now = 59.9
    lines.warning("shelf.full", "another shelf", kind=2)
    clock.now = 60
    lines.warning("shelf.full", "no room")
    assert caplog.messages == ["no room, 0", "another shelf", "no room (402 more in 60 s)"]
    assert vars(caplog.records[-1])["occurrences"] == 403


def test_what_is_logged_is_bounded(lines: LogLines, caplog: pytest.LogCaptureFixture) -> None:
    for kind in range(3_000):
        lines.warning("shelf.full", "no room", kind=kind)
    assert len(lines._told) == 1_000
    assert len(caplog.messages) == 3_000


def test_percent_signs_are_no_places(lines: LogLines, caplog: pytest.LogCaptureFixture) -> None:
    lines.warning("shelf.full", "100% of %s")
    assert caplog.messages == ["100% of %s"]


def test_levels_that_are_off_are_not_counted(
    lines: LogLines, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "interlock_shelf")
    lines.info("shelf.opened", "open")
    caplog.set_level(logging.DEBUG, "interlock_shelf")
    lines.info("shelf.opened", "open")
    lines.debug("shelf.seen", "seen")
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        ("INFO", "open"),
        ("DEBUG", "seen"),
    ]


class TestOutages:
    """The log says last how it is, and at most two lines a minute."""

    @pytest.fixture
    def outage(self, lines: LogLines) -> OutageLines:
        def log(event: str, text: str, limit: Limit) -> bool:
            return lines.warning(event, text, limit=limit)

        return OutageLines(log)

    def _flap(self, outage: OutageLines) -> None:
        outage.began("down", "down")
        outage.ended("up", "up")

    def test_short_ones_in_a_row_are_counted(
        self, outage: OutageLines, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(60):
            outage.began("down", "down")
            clock.now += 1.9 if clock.now == 0 else 0.1
            outage.ended("up", "up")
            clock.now += 2 - clock.now % 2
        assert caplog.messages == ["down", "up", "down (29 more in 60 s)", "up"]

    def test_one_that_lasts_is_logged_in_the_end(
        self, outage: OutageLines, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        self._flap(outage)
        self._flap(outage)
        outage.began("down", "down")
        for _ in range(5):
            clock.now += 20
            outage.goes_on("down", "still down")
        assert caplog.messages == ["down", "up", "still down (1 more in 60 s)"]
        outage.ended("up", "up")
        assert caplog.messages[-1] == "up"


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, node


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: path.stem)
def test_all_log_calls_have_fields_and_a_limit(path: Path) -> None:
    if path.name == "log_lines.py":
        return
    text = path.read_text("utf-8")
    if not any(word in text for word in ("logging", "_log", "LogLines", ".warn(")):
        return
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            assert "logging" not in names, f"{path} logs by itself; use LogLines"
    for name, call in _calls(tree):
        target = ast.unparse(call.func)
        if name in ("warning", "info", "debug") and "log" in target.split(".")[-2]:
            event, keywords = call.args[0], {keyword.arg for keyword in call.keywords}
            is_named = isinstance(event, ast.Name) or (
                isinstance(event, ast.Constant) and "." in str(event.value)
            )
            assert is_named, f"{path}:{call.lineno}: an event is named by a constant"
            assert "store" in keywords, f"{path}:{call.lineno}: the store isn't told"
