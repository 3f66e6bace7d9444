"""Whose code a revision covers: the application's, not that of other distributions."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from interlock._storage.codecs import JsonCodec
from interlock._storage.revision import Revision, revision_of

SHOP = """
    import acme
    from acme import AMOUNT, Money, Stamp, cost, retried
    from pydantic import BaseModel, Field
    from interlock.domain import Aggregate
    from interlock.routing import applies_event

    class Paid(acme.Event):
        money: Money = Money()

    class Order(acme.Base):
        total: int = Field(default_factory=acme.start)

        @applies_event
        @retried
        def was_paid(self, event: Paid) -> None:
            self.total += cost(1) + AMOUNT + acme.cost(2) + Stamp().seconds() + self.fee()
"""
ACME = """
    import functools
    from dataclasses import dataclass
    from pydantic import BaseModel
    from interlock.domain import Aggregate

    AMOUNT = 1
    LOCAL = 2

    def start():
        return 3

    def cost(amount):
        return LOCAL

    def retried(function):
        @functools.wraps(function)
        def inner(*args):
            return function(*args)
        return inner

    @dataclass
    class Money:
        cents: int = 4
        def plus(self):
            return self.cents + cost(5)

    class Stamp:
        def seconds(self):
            return 6

    class Event(BaseModel):
        def described(self):
            return 7

    class Base(Aggregate):
        def fee(self):
            return cost(8)
"""


@pytest.fixture
def revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Revision]]:
    """The revision of an order, its modules in folders; what is installed has a distribution."""
    runs = iter(range(10))

    def revision(acme: str, installed: str = "", *, shop: str = SHOP, folder: str = "lib") -> Any:
        place = tmp_path / str(next(runs)) / folder
        place.mkdir(parents=True)
        for name, text in {"shop": shop, "acme": acme}.items():
            (place / f"{name}.py").write_text(dedent(text))
            sys.modules.pop(name, None)
        for number, names in enumerate(filter(None, installed.split(";"))):
            info = place / f"dist{number}-1.0.dist-info"
            info.mkdir()
            (info / "RECORD").write_text("".join(f"{n}.py,sha256=x,1\n" for n in names.split()))
        monkeypatch.syspath_prepend(place)
        return revision_of(import_module("shop").Order, JsonCodec())

    yield revision
    for name in ("shop", "acme"):
        sys.modules.pop(name, None)


def changed(old: Revision, new: Revision) -> set[str]:
    return {name for name, _ in old.inputs.items() ^ new.inputs.items()}


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ("AMOUNT = 1", "AMOUNT = 9", "AMOUNT in shop"),  # a constant that own code loads
        ("return 3", "return 9", "Order fresh state"),  # what it made of an own default
        ("cents: int = 4", "cents: int = 9", "Money fields"),  # a dataclass that an event holds
        ("return self.cents +", "return 9 +", "Money.plus"),
        ("LOCAL = 2", "LOCAL = 9", None),
        ("return LOCAL", "return 9", None),
        ("return 6", "return 9", None),
        ("return function(*args)", "return function(*args) or 9", None),
    ],
)
def test_of_another_distribution_only_what_is_held_counts(
    revision: Callable[..., Revision], before: str, after: str, name: str | None
) -> None:
    """Of one that has no base of an own aggregate or event."""
    shop = SHOP.replace("acme.Event", "BaseModel").replace("acme.Base", "Aggregate")
    shop = shop.replace(" + self.fee()", "")
    assert ACME.count(before) == 1
    old = revision(ACME, "acme", shop=shop)
    new = revision(ACME.replace(before, after), "acme", shop=shop)
    fields = {"Paid fields"} if name == "Money fields" else set()  # its default is money
    assert changed(old, new) - fields == ({name} if name else set())


@pytest.mark.parametrize(
    "place",
    [("", "src"), ("acme shop", "site-packages"), ("", "site-packages"), ("shop", "lambda")],
)
@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ("LOCAL = 2", "LOCAL = 9", "LOCAL in acme"),
        ("return function(*args)", "return function(*args) or 9", "Order.was_paid"),
        ("return 6", "return 9", "Stamp.seconds"),
        ("return 7", "return 9", "Event.described"),
        ("return cost(8)", "return 9", "Base.fee"),
    ],
)
def test_what_no_other_distribution_installed_is_the_applications(
    revision: Callable[..., Revision], place: tuple[str, str], before: str, after: str, name: str
) -> None:
    installed, folder = place
    assert ACME.count(before) == 1
    old = revision(ACME, installed, folder=folder)
    new = revision(ACME.replace(before, after), installed, folder=folder)
    assert changed(old, new) - {"LOCAL in acme", "cost in acme"} - {name} == set()
    assert name in changed(old, new)


def test_a_distribution_that_has_a_base_of_an_own_class_counts(
    revision: Callable[..., Revision],
) -> None:
    old = revision(ACME, "acme;shop")
    new = revision(ACME.replace("LOCAL = 2", "LOCAL = 9"), "acme;shop")
    assert changed(old, new) == {"LOCAL in acme"}


def test_where_it_is_installed_does_not_matter(revision: Callable[..., Revision]) -> None:
    values = {
        revision(ACME, installed, folder=folder).value
        for installed, folder in (("", "src"), ("acme shop", "site-packages"), ("acme;shop", "a"))
    }
    assert len(values) == 1
