"""A revision changes when what events mean may have changed, and only then; it tells by what."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import shop
from interlock._model.aggregate import Aggregate
from interlock._storage.codecs import JsonCodec, ZlibJsonCodec
from interlock._storage.revision import Revision, own_revision, revision_of
from interlock.errors import ConfigurationError
from revision_rig import GOLDEN, TEXTS, changed, edited

CHANGES = [
    ("self.base_fee(event.amount) *", "self.base_fee(event.amount) -", "Order.was_paid"),
    ("for _ in range(count)", "for _ in range(count + 1)", "Order.was_paid"),  # a wrapper's body
    ("@times(1)", "@times(2)", "Order.was_paid"),  # what a wrapper closes over
    ('self.note = "returned"', 'self.note = "back"', "Order.was_returned"),  # after a docstring
    ("return amount * 1", "return amount * 2", "Base.base_fee"),
    ("return self.FACTOR", "return self.FACTOR + 1", "Order.factor"),
    ("return 12", "return 13", "Order.cached"),
    ("return self.STEP", "return -self.STEP", "Counted.step"),  # a base that is no aggregate
    ("super().__setattr__(name, value)", "super().__setattr__(name, 1)", "Order.__setattr__"),
    ("self._seen = 7", "self._seen = 8", "Line.model_post_init"),
    ("return converted(payload)", "return dict(converted(payload))", "Order.in_cents"),
    ("return {**payload}", "return {**payload, 'more': 1}", "converted in orders"),
    ("return value + 0", "return value + 1", "whole in orders"),  # a function in Annotated
    ("return value * 2", "return value * 4", "doubled in orders"),  # behind a cache
    ("return 0", "return 2", "size in orders"),
    (
        "def _(value: str) -> int:\n    return 1",
        "def _(value: str) -> int:\n    return 5",
        "_ in orders",
    ),
    ('yield "guard"', 'yield "other"', "guarded in orders"),
    ("value * 3;", "value * 5;", "tripled in orders"),  # one of two lambdas on a line
    ("value // 2  #", "value // 4  #", "halved in orders"),
    ("lambda value: value + 9", "lambda value: value + 8", "BY_KIND in orders"),
    ("return amount + deeper(amount)", "return deeper(amount)", "fee in rates"),
    ("return BASE", "return BASE + 1", "deeper in rates"),  # a helper's helper
    ("BASE = 13", "BASE = 14", "BASE in rates"),
    (
        "amount: int) -> int:\n    return amount\n",
        "amount: int) -> int:\n    return 1\n",
        "surcharge in rates",
    ),
    ("return 15", "return 16", "later in later"),  # imported within a function
    ('Decimal("0.19")', 'Decimal("0.20")', "RATE in orders"),
    ('Decimal("0.19")', "0.19", "RATE in orders"),
    ('{"new", "paid", "sent"}', '{"new", "paid"}', "LABELS in orders"),
    ('re.compile("a+b")', 're.compile("a*b")', "PATTERN in orders"),
    ("maxlen=4", "maxlen=5", "LAST in orders"),
    ("Fraction(1, 3)", "Fraction(2, 3)", "SHARE in orders"),
    ("Tariff(5)", "Tariff(6)", "TARIFF in orders"),
    ("return self.base + amount", "return self.base - amount", "Tariff.cost"),
    ("return Money(self.cents + other.cents)", "return self", "Money.plus"),
    ("return abs(self.x)", "return self.x", "Place.norm"),
    ("return self.item", "return 1", "Box.inside"),
    ("-> int:\n        return 1\n", "-> int:\n        return 2\n", "Kind.sign"),
    ('CASH = "cash"', 'CASH = "coins"', "Kind fields"),
    ("cents: int = 3", "cents: int = 4", "Money fields"),
    ("@dataclass(frozen=True)", "@dataclass(frozen=True, order=True)", "Money fields"),
    ("y: int = 4", "y: int = 5", "Place fields"),
    ("weight: int", "weight: float", "Extra fields"),
    ("total=False", "total=True", "Extra fields"),
    ('price: Decimal = Decimal("1.50")', "price: Decimal", "Line fields"),
    ("Gt(0)", "Gt(-1)", "Line fields"),
    ("PrivateAttr(6)", "PrivateAttr(5)", "Line fields"),
    ("str_strip_whitespace=False", "str_strip_whitespace=True", "Line model_config"),
    ('mode="before"', 'mode="after"', "Line validators"),
    ('when_used="json"', 'when_used="always"', "Line validators"),
    ("-> Any:\n        return value", "-> Any:\n        return 1", "Line.counted"),
    ('-> "Line":\n        return self', '-> "Line":\n        return Line()', "Line.checked"),
    (
        "value: int) -> int:\n        return value",
        "value: int) -> int:\n        return 1",
        "Line.written",
    ),
    ("amount: int = 1\n    kind", "amount: int = 2\n    kind", "Paid fields"),
    ("amount: int = 1\n    kind", "amount: float = 1\n    kind", "Paid fields"),
    ("kind: Kind | None = None", "kind: Kind | None = Field(None, frozen=True)", "Paid fields"),
    ("lambda: [Line()]", "lambda: [Line(count=2)]", "Paid fields"),
    ('{"read", "write", "list", "share"}', '{"read", "write", "list"}', "Paid fields"),
    ("FEE: ClassVar[int] = 8", "FEE: ClassVar[int] = 9", "Paid.FEE"),
    (
        'former_names: ClassVar = ("Payed",)',
        'former_names: ClassVar = ("Payed", "P")',
        "Paid former names",
    ),
    (
        "schema_version: ClassVar[int] = 2",
        "schema_version: ClassVar[int] = 3",
        "Paid schema version",
    ),
    (
        "class Returned(BaseModel):\n",
        'class Returned(BaseModel):\n    type_name: ClassVar = "R"\n',
        "Returned stored name",
    ),
    (
        "class Order(Base):\n",
        'class Order(Base):\n    type_name: ClassVar = "O"\n',
        "Order stored name",
    ),
    ("FACTOR: ClassVar[int] = 2", "FACTOR: ClassVar[int] = 3", "Order.FACTOR"),
    ("STEP: ClassVar[int] = 10", "STEP: ClassVar[int] = 11", "Counted.STEP"),
    ("class Base(Counted, Aggregate)", "class Base(Aggregate, Counted)", "Order bases"),
    ("total: int = 0", "total: int = 1", "Order fields, Order fresh state"),
    ('names: set[str] = {"a", "b"}', 'names: set[str] = {"a"}', "Order fields, Order fresh state"),
    ("_private: int = 11", "_private: int = 12", "Order fields, Order fresh state"),
    ('note: str = ""', 'note: str | None = ""', "Order fields"),
    ('note: str = ""', 'version: int = 0\n    note: str = ""', "Order fields"),
    ("def _(value: str)", "def _(value: int)", "size in orders"),
    ('"Payed", schema_version=1', '"Payed", schema_version=2', "Paid schema version"),
]
"""What is written, what instead, and the inputs that tell of it."""


@pytest.mark.parametrize(("before", "after", "names"), CHANGES)
def test_a_change_of_what_events_mean_changes_it_and_names_the_input(
    revision: Callable[..., Revision], before: str, after: str, names: str
) -> None:
    old, new = revision(), revision(edited(before, after))
    assert changed(old, new) == set(names.split(", "))
    assert old.value != new.value


NO_CHANGES = [
    ("if self.allowed(command.amount)", "if self.allowed(command.amount + 1)"),  # a handler
    ("return amount > 0", "return amount > 10"),  # what only a handler calls
    ("LIMIT: ClassVar[int] = 50", "LIMIT: ClassVar[int] = 60"),  # what only a handler reads
    ("class Pay(Command[None]):\n    amount: int", "class Pay(Command[None]):\n    amount: float"),
    ("return UNUSED", "return -UNUSED"),
    ("UNUSED = 14", "UNUSED = 15"),
    ("  # a comment", "  # another one"),
    ('"""Add it."""', '"""Add the amount\n\n        to the total."""'),
    ('"""An order."""', '"""Somebody\'s order."""'),
    ('"""An amount was paid."""', ""),
    ('"""Some money."""', '"""Cents."""'),
    ('        """Add it."""\n', ""),
    ('"Take it off."; ', ""),
    ("        return self.FACTOR\n", '        """The factor."""\n        return self.FACTOR\n'),
    ("return amount * 1", "pass\n        return (\n            amount * 1\n        )"),
    ("def base_fee(self, amount: int)", "def base_fee(self, amount: float)"),
    ("import math\n", "import math\n\n\n"),
    ("total=False", "total = False"),
    ("str_strip_whitespace=False", 'str_strip_whitespace=False, title="A line"'),
    ("PrivateAttr(6)", "PrivateAttr(default=6)"),
    ("Gt(0)", 'Field(gt=0, description="How many")'),
    ("kind: Kind | None = None", "kind: Optional[Kind] = Field(None, title='K', examples=[1])"),
    ('{"read", "write", "list", "share"}', '{"share", "list", "write", "read"}'),
    ('Decimal("0.19")', "Decimal('0.19')"),
    ("from rates import surcharge", "from rates import surcharge, unused"),
    ("Any, ClassVar,", "Any, ClassVar, Optional,"),
]


@pytest.mark.parametrize(("before", "after"), NO_CHANGES)
def test_a_change_of_handlers_comments_docstrings_or_layout_does_not(
    revision: Callable[..., Revision], before: str, after: str
) -> None:
    texts = edited(before, after)
    if "Optional" in after:
        texts = edited("NamedTuple, TypeVar", "NamedTuple, Optional, TypeVar", texts)
    assert changed(revision(), revision(texts)) == set()
    assert revision().value == revision(texts).value


def test_the_same_values_under_each_others_names_are_a_change(
    revision: Callable[..., Revision],
) -> None:
    both = edited(
        "class Returned(BaseModel):", "class Returned(BaseModel):\n    former_names: ClassVar = ()"
    )
    old_is_paid = edited('("Payed",)', '("Payed", "Old")', both)
    old_is_returned = edited("ClassVar = ()", 'ClassVar = ("Old",)', both)
    names = {"Paid former names", "Returned former names"}
    assert changed(revision(old_is_paid), revision(old_is_returned)) == names


def test_which_function_an_imported_name_means_is_told(revision: Callable[..., Revision]) -> None:
    texts = {**TEXTS, "rates": f"{shop.RATES}\n\ndef discount(amount):\n    return 0\n"}
    line = "from rates import surcharge"
    straight = edited(line, f"{line}, discount", texts)
    straight = edited("+ surcharge(1) +", "+ surcharge(1) - discount(1) +", straight)
    crossed = edited(f"{line}, discount", f"{line} as discount, discount as surcharge", straight)
    assert changed(revision(straight), revision(crossed)) == {"Order.was_paid"}


def test_where_code_stands_does_not_matter(revision: Callable[..., Revision]) -> None:
    moved = edited("\n\ndef unused", "\n\ndef whole(value):\n    return value + 0\n\n\ndef unused")
    moved = edited("def whole(value: int) -> int:\n    return value + 0\n", "", moved)
    moved = edited("from rates import surcharge", "from rates import surcharge, whole", moved)
    assert changed(revision(), revision(moved)) == {"whole in orders", "whole in rates"}
    assert revision().value == revision(moved).value


def test_what_holds_itself_has_a_revision(revision: Callable[..., Revision]) -> None:
    texts = edited("BY_KIND = {", "RING = [1]\nRING.append(RING)\nBY_KIND = {")
    texts = edited("len(LAST)", "len(RING)", texts)
    other = edited("RING = [1]", "RING = [2]", texts)
    assert changed(revision(texts), revision(other)) == {"RING in orders"}


def test_what_is_shared_over_and_over_is_looked_into_once(
    revision: Callable[..., Revision],
) -> None:
    lines = "TREE = [1]\nfor _ in range(99): TREE = [TREE, TREE]\nBY_KIND = {"
    texts = edited("len(LAST)", "len(TREE)", edited("BY_KIND = {", lines))
    assert changed(revision(texts), revision(edited("TREE = [1]", "TREE = [2]", texts))) == {
        "TREE in orders"
    }


def test_the_codec_is_part_of_it(imported: Callable[..., Any]) -> None:
    order = imported().Order
    json, compressed = revision_of(order, JsonCodec()), revision_of(order, ZlibJsonCodec())
    assert changed(json, compressed) == {"codec"}


def test_it_is_what_it_was(revision: Callable[..., Revision]) -> None:
    assert revision().value == GOLDEN


@pytest.mark.parametrize("options", [("1",), ("2", "-OO"), ("3", "-m"), ("4", "-Xno_debug_ranges")])
def test_it_is_the_same_in_every_process(tmp_path: Path, options: tuple[str, ...]) -> None:
    for name, text in TEXTS.items():
        (tmp_path / f"{name}.py").write_text(text)
    end = (
        "\n\nfrom interlock._storage.codecs import JsonCodec\n"
        "from interlock._storage.revision import compute_revision\n"
        "print(compute_revision(Order, JsonCodec()))\n"
    )
    (tmp_path / "program.py").write_text(shop.SHOP + end)
    seed, *flags = options
    done = subprocess.run(  # noqa: S603 our own program
        [sys.executable, *flags, "program" if "-m" in flags else "program.py"],
        env={**os.environ, "PYTHONHASHSEED": seed},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{GOLDEN}\n", "")


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
