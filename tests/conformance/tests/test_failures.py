"""How failures are told: whole, once for each error, and slow checks while they run."""

import queue
from collections.abc import Callable
from typing import Any

from interlock_conformance.cases import CacheConformance
from interlock_conformance.causes import Cause, cause_of
from interlock_conformance.checks import CannotTell, CheckFailed
from interlock_conformance.waiting import told_if_slow, waiting_for

BROKEN = """
from interlock.application.aggregates import InMemoryAggregateCacheBackend
from interlock_conformance import CacheConformance

SECOND = "of two lines"

class Misspelt(InMemoryAggregateCacheBackend):
    async def read(self, key):
        raise LookupError(f"no shelf at {id(key)}\\n{SECOND}")

class TestMine(CacheConformance):
    def backend(self):
        return Misspelt()

class TestOther(CacheConformance):
    def backend(self):
        return Misspelt()
"""


def test_an_error_of_many_checks_is_told_whole_once_for_each_class(
    run_pytest: Callable[..., Any],
) -> None:
    run = run_pytest("-q", "-k", "CACHE-001 or CACHE-002 or CACHE-003", test_mine=BROKEN)
    shown, _, verdict = run.text.partition("conformance of Interlock's backends")
    for text in (shown, verdict):
        assert text.count("of two lines") == 2
        assert text.count("in test_mine, line 9: raise LookupError(f") == 2
    assert shown.count(": the same error as in CACHE-001: LookupError: no shelf at ") == 4
    assert verdict.count("the same error in 2 more: CACHE-002, CACHE-003") == 2


def test_the_traceback_is_shown_where_it_is_asked_for(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest("-q", "-k", "CACHE-001", "--tb=long", test_mine=BROKEN)
    assert run.text.count("\nE       LookupError: no shelf at ") == 2
    assert "the same error as" not in run.text


def test_what_a_check_found_by_itself_has_no_cause() -> None:
    assert cause_of(CheckFailed("a", "b")) is None
    assert cause_of(CannotTell("why")) is None


def test_the_cause_is_the_first_error_of_a_chain() -> None:
    failure = CheckFailed("a", "b")
    failure.__cause__ = RuntimeError("store down")
    failure.__cause__.__cause__ = OSError("refused by 127.0.0.1:4711")
    assert cause_of(failure) == Cause("OSError: refused by 127.0.0.1:4711", "")


def test_errors_that_differ_in_numbers_are_one() -> None:
    one, other = (Cause(f"KeyError: 'conformance-{name}'", "x, line 1: f()") for name in "12")
    assert one.key == other.key
    assert one.key != Cause(one.error, "x, line 2: g()").key
    assert one.key != Cause("ValueError: no", one.place).key


def test_a_slow_check_is_told_with_what_it_waits_for() -> None:
    lines: queue.Queue[str] = queue.Queue()
    check = CacheConformance.interlock_checks[0]
    with told_if_slow(check, lines.put, after=0.0), waiting_for("2 s to pass"):
        while "waits for" not in (line := lines.get()):
            pass
    assert line.startswith(f"{check.id} still runs: ")
    assert line.endswith("; it waits for 2 s to pass; it fails after 120 s")


def test_a_check_that_is_over_is_told_no_more() -> None:
    lines: list[str] = []
    with told_if_slow(CacheConformance.interlock_checks[0], lines.append, after=3600):
        pass
    assert lines == []
