"""One word for what was found, and what it is for."""

from collections.abc import Callable
from importlib.resources import files
from json import loads
from typing import Any

import pytest

MINE = """
import pytest
from interlock.application.aggregates import InMemoryAggregateCacheBackend
from interlock_conformance import CacheConformance

class TestMine(CacheConformance):
    def backend(self):
        return InMemoryAggregateCacheBackend()
"""
BROKEN = """
from interlock.application.aggregates import InMemoryAggregateCacheBackend
from interlock_conformance import CacheConformance

class Last(InMemoryAggregateCacheBackend):
    async def put(self, key, record, supersedes=()):
        self._records[key] = record

class TestMine(CacheConformance):
    def backend(self):
        return Last()
"""

NODE = "test_mine.py::TestMine::test_older_hides_no_newer"
FEW = ("-q", "-k", "CACHE-00")


def reasons(run: Any) -> list[str]:
    """Why the verdict is what it is, apart from the checks that these tests leave out."""
    found = run.suite("TestMine")["reasons"]
    return [reason for reason in found if not reason.endswith("deselected")]


def test_a_class_with_one_method_is_a_suite(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest("-q", test_mine=MINE)
    assert run.code == 0, run.text
    assert run.report["verdict"] == "conformant"
    assert run.suite("TestMine")["reasons"] == []
    assert "TestMine: conformant" in run.text


def test_a_failed_check_says_what_is_wrong_and_what_to_do(
    run_pytest: Callable[..., Any],
) -> None:
    run = run_pytest(*FEW, test_mine=BROKEN)
    assert run.code == 1
    assert run.report["verdict"] == "failed"
    assert "CACHE-004 failed" in reasons(run)
    (check,) = [c for c in run.suite("TestMine")["checks"] if c["id"] == "CACHE-004"]
    for part in ("expected: version 7", "happened: version 3", "how others solve it: compare"):
        assert part in check["reason"]
        assert part in run.text


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("    @pytest.mark.skip\n    def {0}(self): pass\n", "overridden"),
        ("    def {0}(self): pass\n", "overridden"),
        ("    {0} = None\n", "not collected"),
    ],
)
def test_an_overridden_check_makes_it_partial(
    run_pytest: Callable[..., Any], body: str, outcome: str
) -> None:
    run = run_pytest(*FEW, test_mine=MINE + body.format("test_older_hides_no_newer"))
    assert run.code == 0, run.text
    assert run.report["verdict"] == "partial"
    assert reasons(run) == [f"CACHE-004 {outcome}"]
    assert f"CACHE-004 {outcome}" in run.text


@pytest.mark.parametrize(("mark", "outcome"), [("skip", "skipped"), ("xfail", "xfailed")])
def test_a_marked_check_makes_it_partial(
    run_pytest: Callable[..., Any], mark: str, outcome: str
) -> None:
    hook = (
        "import pytest\n"
        "def pytest_collection_modifyitems(items):\n"
        "    for item in items:\n"
        f"        if 'CACHE-004' in item.nodeid: item.add_marker(pytest.mark.{mark}(reason='why'))"
    )
    run = run_pytest(*FEW, test_mine=BROKEN, conftest=hook)
    assert f"CACHE-004 {outcome}" in reasons(run)
    repaired = run_pytest(*FEW, test_mine=MINE, conftest=hook)
    expected = ["CACHE-004 skipped"] if mark == "skip" else []  # xfail: it passes all the same
    assert reasons(repaired) == expected, repaired.text


@pytest.mark.parametrize(
    "arguments",
    [
        ("-k", "CACHE-00 and not CACHE-004"),
        ("-k", "CACHE-00", "--deselect", f"{NODE}[CACHE-004]"),
    ],
)
def test_a_deselected_check_makes_it_partial(
    run_pytest: Callable[..., Any], arguments: tuple[str, ...]
) -> None:
    run = run_pytest("-q", *arguments, test_mine=MINE)
    assert run.report["verdict"] == "partial"
    assert "CACHE-004 deselected" in run.suite("TestMine")["reasons"]
    assert reasons(run) == []


def test_a_check_named_alone_makes_it_partial(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest("-q", f"{NODE}[CACHE-004]", test_mine=MINE)
    assert run.report["verdict"] == "partial"
    assert "CACHE-001 not collected" in run.suite("TestMine")["reasons"]


def test_a_named_backend_that_is_not_conformant_fails_the_run(
    run_pytest: Callable[..., Any],
) -> None:
    run = run_pytest(
        *("-q", "--pyargs", "interlock_conformance.suites"),
        *("--interlock-backend", "null-cache", "-k", "CACHE-002"),
    )
    assert run.report["verdict"] == "partial"
    assert run.code == 1


def test_a_promise_that_cannot_be_tried_makes_it_partial(run_pytest: Callable[..., Any]) -> None:
    promise = "    capabilities = frozenset({'shared', 'durable'})\n"
    run = run_pytest("-q", "-k", "CACHE-026", test_mine=MINE + promise)
    assert run.outcomes("TestMine")["CACHE-026"] == "cannot tell"
    assert "CACHE-026 cannot tell" in run.suite("TestMine")["reasons"]
    assert "let it name an installed backend" in run.text


def test_the_report_has_the_published_schema(run_pytest: Callable[..., Any]) -> None:
    schema = loads((files("interlock_conformance") / "schema.json").read_text("utf-8"))
    run = run_pytest("-q", "-k", "CACHE-00", test_mine=BROKEN)
    assert conforms(run.report, schema, schema)
    run.report["suites"][0]["checks"][0]["outcome"] = "good"
    assert not conforms(run.report, schema, schema)


def conforms(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """What the schema uses of JSON Schema."""
    if "$ref" in schema:
        return conforms(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if schema["type"] == "array":
        return isinstance(value, list) and all(conforms(v, schema["items"], root) for v in value)
    if schema["type"] == "string":
        return isinstance(value, str)
    known = schema.get("properties", {})
    rest = schema.get("additionalProperties", True)
    return (
        isinstance(value, dict)
        and set(schema.get("required", ())) <= set(value)
        and all(conforms(v, known[k], root) for k, v in value.items() if k in known)
        and all(rest and conforms(v, rest, root) for k, v in value.items() if k not in known)
    )
