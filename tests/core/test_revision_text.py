"""A revision is of the code that is loaded, whatever stands in the file by now."""

import json
import os
import subprocess
import sys
import warnings
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from pydantic import BaseModel

from interlock._storage.codecs import JsonCodec
from interlock._storage.revision import compute_revision, revision_of
from interlock._storage.revision_parts.text import CODE_FORM, function_digest
from interlock.application import ApplicationBuilder
from interlock.application.aggregates import AlwaysCache, InMemoryAggregateCacheBackend
from interlock.domain import Aggregate
from interlock.errors import ConfigurationError, RevisionWarning
from interlock.routing import applies_event

PATH = os.environ.get("PYTHONPATH", "")
FUND = """
from pydantic import BaseModel

from interlock.domain import Aggregate
from interlock.routing import applies_event


def times(count):
    def decorate(function):
        def inner(self, event: Taken):
            for _ in range(count):
                function(self, event)

        return inner

    return decorate


class Taken(BaseModel):
    amount: int


class Fund(Aggregate):
    left: int = 1000

    @applies_event
    @times(1)
    def on_taken(self, event: Taken) -> None:
        self.left -= self.fee(event.amount)

    def fee(self, amount: int, rate: int = 2) -> int:
        return amount * rate
"""


class Fund:
    """A module in a file that a test rewrites."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, before: str = "", after: str = "") -> "Fund":
        assert before in FUND
        self.path.write_text(FUND.replace(before, after) if before else FUND)
        return self

    def load(self) -> Any:
        spec = spec_from_file_location("fund", self.path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules["fund"] = module
        try:
            spec.loader.exec_module(module)
        finally:
            del sys.modules["fund"]
        return module.Fund

    def inputs(self, cls: Any) -> dict[str, str]:
        return dict(revision_of(cls, JsonCodec()).inputs)


@pytest.fixture
def fund(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fund:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Fund(tmp_path / "fund.py").write()


def test_a_file_that_changed_after_its_import_does_not_lend_its_revision(fund: Fund) -> None:
    old = fund.load()
    before = fund.inputs(old)
    new = fund.write("return amount * rate", "return amount * rate + 1").load()
    after, loaded = fund.inputs(new), fund.inputs(old)
    assert len({each["Fund.fee"] for each in (before, after, loaded)}) == 3
    assert loaded["Fund.fee"].startswith(CODE_FORM)
    assert {**loaded, "Fund.fee": before["Fund.fee"]} == before
    with pytest.warns(RevisionWarning, match=r"isn't that of the loaded code: Fund\.fee\. Rest"):
        assert compute_revision(old, JsonCodec()) == revision_of(old, JsonCodec()).value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n\nclass Taken", "\n\nclass Spare:\n    pass\n\n\nclass Taken"),
        ("@times(1)", "@times(2)"),  # what was loaded wraps it once
        ("rate: int = 2", "rate: int = 3"),  # the same
        ("left: int = 1000", "left: int = 2000"),  # the same
    ],
)
def test_what_a_changed_file_says_elsewhere_does_not_matter(
    fund: Fund, before: str, after: str
) -> None:
    cls = fund.load()
    expected = fund.inputs(cls)
    fund.write(before, after)
    assert fund.inputs(cls) == expected


@pytest.mark.parametrize(
    ("before", "after"), [("@times(1)", "@times(2)"), ("rate: int = 2", "rate: int = 3")]
)
def test_what_code_was_given_when_it_was_defined_counts(
    fund: Fund, before: str, after: str
) -> None:
    expected = fund.inputs(fund.load())
    other = fund.inputs(fund.write(before, after).load())
    assert other.keys() == expected.keys()
    assert other != expected


def test_a_file_that_is_no_python_any_more_does_not_match(fund: Fund) -> None:
    cls = fund.load()
    fund.path.write_text("<html>")
    assert fund.inputs(cls)["Fund.fee"].startswith(CODE_FORM)


def test_without_a_source_an_explicit_revision_is_wanted_where_anything_is_kept(
    fund: Fund,
) -> None:
    cls = fund.load()
    fund.path.unlink()
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(FUND, namespace)  # noqa: S102 a class without a source is the point
    for sourceless in (cls, namespace["Fund"]):
        ApplicationBuilder().register_aggregate(sourceless).build()
        builder = ApplicationBuilder().register_aggregate(
            sourceless, cache_strategy=AlwaysCache, cache_backend=InMemoryAggregateCacheBackend
        )
        with pytest.raises(ConfigurationError, match=r'can\'t be read.*set `revision = "1"`'):
            builder.build()


class Noted(BaseModel):
    note: str


class Notes(Aggregate):
    last: str = ""

    @applies_event
    def on_noted(self, event: Noted) -> None:
        assert event.note
        self.last = self.clean(event.note)

    def clean(self, note: str) -> str:
        return note.strip()


def test_asserts_that_pytest_rewrites_warn_nobody() -> None:
    inputs = revision_of(Notes, JsonCodec()).inputs
    assert inputs["Notes.on_noted"].startswith(CODE_FORM)
    assert not inputs["Notes.clean"].startswith(CODE_FORM)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compute_revision(Notes, JsonCodec())
    assert caught == []


def test_only_what_holds_an_assert_depends_on_optimisation(fund: Fund) -> None:
    fund.write("        return amount * rate", "        assert rate\n        return amount * rate")
    script = (
        "import json; from fund import Fund; from interlock._storage.codecs import JsonCodec; "
        "from interlock._storage.revision import revision_of; "
        "print(json.dumps(revision_of(Fund, JsonCodec()).inputs))"
    )
    plain, optimised = (
        json.loads(
            subprocess.run(  # noqa: S603 our own script
                [sys.executable, *options, "-c", script],
                env={**os.environ, "PYTHONPATH": os.pathsep.join((str(fund.path.parent), PATH))},
                capture_output=True,
                check=True,
            ).stdout
        )
        for options in ((), ("-O",))
    )
    assert {name for name in plain if plain[name] != optimised[name]} == {"Fund.fee"}
    assert not optimised["Fund.fee"].startswith(CODE_FORM)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("eval('1')", "Fund.fee: eval()"),
        ("__import__('importlib').import_module('x')", "Fund.fee: __import__()"),
        ("missing()", None),
        ("__import__", "Fund.fee: __import__()"),
        ("print(amount)", None),
        ("LOG.info(amount)", None),
        ("LOCK.cost(amount)", "LOCK in fund: the value of a Locked"),
        ("PROXY.cost(amount)", "PROXY in fund: a Proxy (RuntimeError)"),
        ("DEEP[0]", "DEEP in fund: a list (RecursionError)"),
    ],
)
def test_what_cannot_be_told_is_named(fund: Fund, code: str, told: str | None) -> None:
    globals_ = (
        "\n\nimport logging, threading\nLOG = logging.getLogger('fund')\n"
        "class Locked:\n    def __init__(self): self.lock = threading.Lock()\n"
        "    def __getstate__(self): raise TypeError('a lock')\n"
        "    def cost(self, amount): return amount\nLOCK = Locked()\n"
        "class Proxy:\n    def __getattribute__(self, name): raise RuntimeError('unbound')\n"
        "PROXY = Proxy()\nDEEP = []\nfor _ in range(9999): DEEP = [DEEP]\n"
    )
    fund.write("return amount * rate", f"return {code}")
    fund.path.write_text(fund.path.read_text() + globals_)
    cls = fund.load()
    if told is None:
        with warnings.catch_warnings():
            compute_revision(cls, JsonCodec())
        return
    with pytest.warns(RevisionWarning, match="doesn't cover") as found:
        compute_revision(cls, JsonCodec())
    assert told in str(found[0].message)
    assert found[0].filename == __file__


def test_an_import_within_a_function_that_fails_is_told(fund: Fund) -> None:
    fund.write("return amount * rate", "from nowhere import rate\n        return amount * rate")
    with pytest.warns(RevisionWarning, match=r"Fund.fee: the import of nowhere \(ModuleNotFound"):
        compute_revision(fund.load(), JsonCodec())


def lambdas(text: str, path: Path) -> list[FunctionType]:
    path.write_text(f"found = {text}\n")
    namespace: dict[str, Any] = {"__name__": "lambdas"}
    exec(compile(path.read_text(), str(path), "exec"), namespace)  # noqa: S102 our own text
    found: list[FunctionType] = namespace["found"]
    return found


@pytest.mark.parametrize(
    "text",
    [
        "[lambda: 1, lambda: 2]",
        "[lambda: 1 if (lambda: 2)() else 3, lambda: 1 if (lambda: 3)() else 3]",
        "[(lambda: 1), *map(lambda x: (lambda: x), [1])]",
        "[lambda x: x.a, lambda x: x.b]",
        "[lambda: None, lambda x: None, lambda: (lambda: 4)]",
    ],
)
def test_functions_on_one_line_are_told_apart(tmp_path: Path, text: str) -> None:
    digests = [function_digest(each) for each in lambdas(text, tmp_path / "lambdas.py")]
    assert len(set(digests)) == len(digests)
    assert not any(each.startswith(CODE_FORM) for each in digests)


def test_expressions_that_are_nested_deeply_have_a_digest(tmp_path: Path) -> None:
    terms = " + ".join(str(number) for number in range(800))
    (found,) = lambdas(f"[lambda x: x + {terms}]", tmp_path / "lambdas.py")
    assert not function_digest(found).startswith(CODE_FORM)
