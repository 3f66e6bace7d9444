"""A revision changes when what events mean may have changed, and only then."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from interlock.aggregate import Aggregate
from interlock.application import ApplicationBuilder
from interlock.application.aggregates import AlwaysCache, InMemoryAggregateCacheBackend
from interlock.codecs import JsonCodec, ZlibJsonCodec
from interlock.errors import ConfigurationError
from interlock.revision import compute_revision, own_revision

SOURCE = '''
from pydantic import BaseModel, field_validator
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command, upcasts


class Pay(Command[None]):
    amount: int


class Paid(BaseModel):
    """An amount was paid."""

    amount: int = 1

    @field_validator("amount")
    @classmethod
    def positive(cls, value: int) -> int:
        return max(value, 1)


class Base(Aggregate):
    def helper(self, amount: int) -> int:
        return amount * 1

    @property
    def factor(self) -> int:
        return 1


class Account(Base):
    """An account."""

    balance: int = 0
    count: int = 0

    @handles_command
    def pay(self, command: Pay) -> None:
        """Pay."""
        if self.allowed(command.amount):
            self.emit(Paid(amount=command.amount))

    def allowed(self, amount: int) -> bool:
        return amount > 0

    @applies_event
    def apply_paid(self, event: Paid) -> None:
        """Add it."""
        self.balance += self.helper(event.amount) * self.factor  # a comment

    @staticmethod
    @upcasts("Paid", schema_version=1)
    def upcast(payload: dict) -> dict:
        return payload
'''


def load(folder: Path, source: str) -> ModuleType:
    path = folder / f"module_{len(list(folder.iterdir()))}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[path.stem]
    return module


def revision(folder: Path, source: str) -> str:
    return compute_revision(load(folder, source).Account, JsonCodec())


def edited(before: str, after: str) -> str:
    assert SOURCE.count(before) == 1
    return SOURCE.replace(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("self.balance += self.helper", "self.balance -= self.helper"),
        ("return amount * 1", "return amount * 2"),
        ("        return 1\n", "        return 2\n"),
        ("balance: int = 0", "balance: int = 5"),
        ("balance: int = 0", "balance: float = 0"),
        ("count: int = 0", "number: int = 0"),
        ("amount: int = 1", "amount: int = 2"),
        ("max(value, 1)", "max(value, 2)"),
        ("        return payload", "        return dict(payload)"),
        ("    balance: int = 0", "    type_name = 'Other'\n    balance: int = 0"),
    ],
)
def test_a_change_of_what_events_mean_changes_it(tmp_path: Path, before: str, after: str) -> None:
    assert revision(tmp_path, edited(before, after)) != revision(tmp_path, SOURCE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if self.allowed(command.amount):", "if self.allowed(command.amount + 1):"),
        ("return amount > 0", "return amount > 10"),
        ("  # a comment", "  # another one"),
        ('"""Add it."""', '"""Add the amount\n\n        to the balance."""'),
        ('"""An account."""', '"""Somebody\'s account."""'),
        ('"""An amount was paid."""', ""),
        ('        """Add it."""\n', ""),
        ("        return 1\n", '        """One."""\n        return 1\n'),
        ("self.helper(event.amount)", "self.helper(\n            event.amount\n        )"),
        (
            "class Pay(Command[None]):\n    amount: int",
            "class Pay(Command[None]):\n    amount: float",
        ),
    ],
)
def test_a_change_of_handlers_comments_docstrings_or_layout_does_not(
    tmp_path: Path, before: str, after: str
) -> None:
    assert revision(tmp_path, edited(before, after)) == revision(tmp_path, SOURCE)


def test_a_helper_shared_by_handler_and_applier_counts(tmp_path: Path) -> None:
    shared = edited("if self.allowed(command.amount):", "if self.helper(command.amount):")
    changed = shared.replace("return amount * 1", "return amount * 2")
    assert revision(tmp_path, shared) != revision(tmp_path, changed)


def test_an_override_counts_also_if_the_base_has_the_same_name(tmp_path: Path) -> None:
    override = (
        "\n\nclass Account(Account):\n    @applies_event\n"
        "    def apply_paid(self, event: Paid) -> None:\n        self.balance += event.amount - 1\n"
    )
    assert revision(tmp_path, SOURCE + override) != revision(tmp_path, SOURCE)
    other = override.replace("- 1", "- 2")
    assert revision(tmp_path, SOURCE + override) != revision(tmp_path, SOURCE + other)


def test_the_codec_is_part_of_it(tmp_path: Path) -> None:
    account = load(tmp_path, SOURCE).Account
    assert compute_revision(account, JsonCodec()) != compute_revision(account, ZlibJsonCodec())


def test_it_is_the_same_in_every_process(tmp_path: Path) -> None:
    (tmp_path / "account.py").write_text(SOURCE)
    script = (
        "from account import Account; from interlock.codecs import JsonCodec; "
        "from interlock.revision import compute_revision; "
        "print(compute_revision(Account, JsonCodec()))"
    )
    found = {
        subprocess.run(  # noqa: S603 our own script
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


def test_an_explicit_revision_is_the_classes_own() -> None:
    class Explicit(Aggregate):
        revision = "7"

    class Derived(Explicit):
        pass

    assert own_revision(Explicit) == "7"
    assert own_revision(Derived) is None


@pytest.mark.parametrize("value", ["", 7])
def test_an_explicit_revision_that_is_no_name_is_refused(value: object) -> None:
    bad = type("Bad", (Aggregate,), {"revision": value, "__module__": __name__})
    with pytest.raises(ConfigurationError, match="a non-empty string is wanted"):
        own_revision(bad)


def test_without_source_an_explicit_revision_is_wanted_where_anything_is_kept() -> None:
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(SOURCE, namespace)  # noqa: S102 a class without a source is the point
    account = namespace["Account"]
    ApplicationBuilder().register_aggregate(account).build()
    builder = ApplicationBuilder().register_aggregate(
        account, cache_strategy=AlwaysCache, cache_backend=InMemoryAggregateCacheBackend
    )
    with pytest.raises(ConfigurationError, match=r'can\'t be read.*set `revision = "1"`'):
        builder.build()
