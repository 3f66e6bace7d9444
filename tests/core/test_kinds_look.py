"""The oracle tells apart what code can tell apart, and nothing else."""

import re
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, TypeAdapter

from kinds.look import look
from kinds.shapes import (
    Address,
    Card,
    Color,
    Derived,
    Draft,
    Loose,
    Measured,
    Name,
    Noting,
    Payment,
    Pin,
    Place,
    Point,
    Point3,
    Position,
    Size,
    Submitted,
    Unit,
)
from kinds.words import endless

NOON = datetime(2030, 3, 31, 12, tzinfo=UTC)
ROW = [0]
PLACE = Address(city="Rome")
DIFFERENT: dict[str, tuple[object, object]] = {
    "a truth and a number": (True, 1),
    "a number and a float": (1, 1.0),
    "zero and minus zero": (0.0, -0.0),
    "not a number and nothing": (float("nan"), None),
    "an exponent": (Decimal("1.1"), Decimal("1.10")),
    "a Decimal's minus zero": (Decimal(0), Decimal("-0")),
    "text and a member": ("kg", Unit.KILO),
    "a number and a member": (1, Size.SMALL),
    "a member and its value": (Color.RED, "red"),
    "text and a subclass of it": ("a", Name("a")),
    "text and bytes": ("a", b"a"),
    "a list and a tuple": ([1], (1,)),
    "a tuple and a named one": ((1, 0), Position(1)),
    "a set and a frozen one": ({1}, frozenset({1})),
    "a bound": (deque([1]), deque([1], 3)),
    "an answer": (defaultdict(int, a=1), defaultdict(lambda: 100, a=1)),
    "no answer": (defaultdict[str, Any](None, a=1), defaultdict[str, Any](dict, a=1)),
    "a dict and one that answers": ({"a": 1}, defaultdict(int, a=1)),
    "a dict and one that counts": ({"a": 1}, Counter("a")),
    "a dict and an ordered one": ({"a": 1}, OrderedDict(a=1)),
    "the order of a dict": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "keys of another type": ({1: 1}, {"1": 1}),
    "an offset": (NOON, NOON.astimezone(timezone(timedelta(hours=1)))),
    "no zone": (NOON, NOON.replace(tzinfo=None)),
    "a zone's key": (NOON, NOON.replace(tzinfo=ZoneInfo("UTC"))),
    "an offset's name": (NOON, NOON.replace(tzinfo=timezone(timedelta(0), "GMT"))),
    "the second of two hours": (NOON, NOON.replace(fold=1)),
    "a time's offset": (time(1), time(1, tzinfo=UTC)),
    "flags": (re.compile("a"), re.compile("a", re.IGNORECASE)),
    "classes that look alike": (Draft(), Submitted()),
    "a class and its base": (Payment(), Card()),
    "a dataclass and its base": (Point(1), Point3(1)),
    "a field": (Pin(1), Pin(2)),
    "a private attribute": (Noting(), Noting().with_note("a")),
    "a further name": (Loose(), Loose(color="red")),
    "names that were never set": (Address(city=""), Address()),
    "a cached property": (Measured(), Measured().measured()),
    "one list in two places": ([ROW, ROW], [[0], [0]]),
    "one model in two places": ([PLACE, PLACE], [Address(city="Rome"), Address(city="Rome")]),
    "one model in tuples": (((PLACE,), (PLACE,)), ((PLACE,), (Address(city="Rome"),))),
    "another of two": ([ROW, [0], ROW], [ROW, [0], [0]]),
    "a list in itself and in another": (endless(), [endless()]),
}
SAME: dict[str, tuple[object, object]] = {
    "not a number": (float("nan"), float("nan")),
    "the order of a set": ({1, 9, 17}, {17, 9, 1}),
    "UTC by another class": (NOON, TypeAdapter(datetime).validate_json(b'"2030-03-31T12:00:00Z"')),
    "an offset by another class": (
        NOON.astimezone(timezone(timedelta(hours=5, minutes=45))),
        TypeAdapter(datetime).validate_json(b'"2030-03-31T17:45:00+05:45"'),
    ),
    "an enum's second name": (Color.RED, Color.CRIMSON),
    "one frozen object in two places": ([Place(), Place()], [Place()] * 2),
    "what a model makes itself": (Derived(number=3), Derived(number=3)),
    "a list in itself": (endless(), endless()),
}


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_code_can_tell_apart_is_told_apart(pair: tuple[object, object]) -> None:
    assert look(pair[0]) != look(pair[1])


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME.keys())
def test_what_code_can_not_tell_apart_is_the_same(pair: tuple[object, object]) -> None:
    assert look(pair[0]) == look(pair[1])


def test_alone_a_value_is_seen_without_sharing_and_unset_names_and_what_is_cached() -> None:
    pairs: list[tuple[Any, Any]] = [
        ([ROW, ROW], [[0], [0]]),
        (Address(city=""), Address()),
        (Measured(), Measured().measured()),
    ]
    assert all(look(one, alone=True) == look(two, alone=True) for one, two in pairs)


def test_no_equality_of_a_user_is_asked() -> None:
    class Alike(BaseModel):
        number: int

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment] # as Python makes it

    assert look(Alike(number=1)) != look(Alike(number=2))
