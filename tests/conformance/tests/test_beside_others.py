"""Beside other plugins, under strict settings, in the way of nobody."""

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from forked import Forks

MINE = """
from interlock.application.aggregates import InMemoryAggregateCacheBackend
from interlock_conformance import CacheConformance

class TestMine(CacheConformance):
    async def backend(self):
        return InMemoryAggregateCacheBackend()
"""
STRICT = """
[pytest]
addopts = --strict-markers --strict-config
filterwarnings = error
"""
needs_asyncio = pytest.mark.skipif(
    find_spec("pytest_asyncio") is None, reason="pytest-asyncio isn't installed"
)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--asyncio-mode=strict",), marks=needs_asyncio),
        pytest.param(("--asyncio-mode=auto",), marks=needs_asyncio),
        ("-p", "no:asyncio", "-p", "no:anyio"),
    ],
)
def test_it_has_its_own_event_loop(
    run_pytest: Callable[..., Any], arguments: tuple[str, ...]
) -> None:
    few = "CACHE-00 or CACHE-027 or CACHE-060"
    run = run_pytest("-q", "-k", few, *arguments, test_mine=MINE, pytest=STRICT)
    assert run.code == 0, run.text
    assert list(run.outcomes("TestMine").values()).count("passed") == 11


def test_importlib_mode_and_a_module_beside_it(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest(
        *("-q", "--import-mode=importlib", "-k", "CACHE-001 or other"),
        test_mine=MINE,
        test_more="def test_other(): pass",
    )
    assert run.code == 0, run.text
    assert run.outcomes("TestMine")["CACHE-001"] == "passed"


def test_results_may_be_written_for_a_ci_server(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest("-k", "CACHE-001", "--junit-xml=results.xml", test_mine=MINE, pytest=STRICT)
    assert run.code == 0, run.text


def test_the_plugin_imports_only_pytest() -> None:
    script = (
        "import sys, pytest; before = set(sys.modules); import interlock_conformance.plugin; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(  # noqa: S603 our own interpreter
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['interlock_conformance', 'interlock_conformance.plugin']"


def test_a_run_without_a_suite_hears_nothing_of_it(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest(
        "-q",
        forks=Forks("pytest"),
        test_other=(
            "import sys\n"
            "def test_other():\n"
            "    assert 'interlock' not in sys.modules\n"
            "    assert 'interlock_conformance.cases' not in sys.modules\n"
        ),
    )
    assert run.code == 0, run.text
    assert "conformance" not in run.text
    assert run.report == {}


def test_no_fixture_applies_by_itself(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest("-q", "--fixtures-per-test", test_other="def test_other(): pass")
    assert "interlock" not in run.text
