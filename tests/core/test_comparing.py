"""Two values are the same if nothing that anybody can do with them tells them apart."""

import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from types import FunctionType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic_core import TzInfo

from compared_values import (
    NOON,
    TWO_HOURS,
    Agreeing,
    Alone,
    Color,
    Entries,
    Global,
    Hidden,
    Holder,
    Items,
    Late,
    Lax,
    Noted,
    Open,
    Own,
    Pair,
    Plain,
    Point,
    Sealed,
    Shape,
    Slots,
    Slotted,
    Square,
    Switch,
    Text,
    hundred,
    made,
    made_by_default,
    made_by_keyword,
    nameless,
    with_attributes,
)
from interlock._values.comparing import Kinds, difference

DIFFERENT: list[tuple[Any, Any]] = [
    (1, True),
    (1, 1.0),
    (0.0, -0.0),
    (Decimal("1.10"), Decimal("1.1")),
    (Decimal(0), Decimal("-0")),
    (Color.RED, "red"),
    ("red", Text("red")),
    (Switch.ON, Switch.OFF),
    (Lax.ONE, Lax.TWO),
    (complex(0, 0.0), complex(0, -0.0)),
    (range(0), range(1, 1)),
    (b"a", bytearray(b"a")),
    ((1,), [1]),
    ([1], [True]),
    ([1, 2], [1]),
    ([0.0], [-0.0]),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"a": True}),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"a": 1, "b": 2}, {"a": 1}),
    ({"a": UUID(int=1)}, {"a": UUID(int=2)}),
    ({"a": UUID(int=1), "b": 2}, {"a": UUID(int=1)}),
    ({1: "x"}, {"1": "x"}),
    ({1: "x"}, {True: "x"}),
    ({"a": 1}, OrderedDict(a=1)),
    (Counter("a"), {"a": 1}),
    (deque([1], maxlen=3), deque([1])),
    (deque([1]), deque([2])),
    (defaultdict(int, a=1), defaultdict(list, a=1)),
    (defaultdict(int, a=1), {"a": 1}),
    (defaultdict(hundred), defaultdict(int)),
    (defaultdict(made(1)), defaultdict(made(2))),
    (defaultdict(made_by_default(1)), defaultdict(made_by_default(2))),
    (defaultdict(made_by_keyword(1)), defaultdict(made_by_keyword(2))),
    (frozenset({1}), {1}),
    ({1}, {True}),
    ({1}, {1.0}),
    ({1, 2}, {1, 3}),
    ({0.0}, {-0.0}),
    ({Color.RED}, {"red"}),
    ({Pair(1)}, {Pair(2)}),
    ({Pair(1)}, {Pair(1), Pair(2)}),
    ({Alone(1), Alone(2)}, {Alone(1), Alone(1)}),
    (Shape(), Square()),
    (Shape(sides=1), Shape(sides=2)),
    (Agreeing(x=1), Agreeing(x=2)),
    (Open(x=1), Open(x=2)),
    (Open(x=1), Open()),
    (Hidden.of(1), Hidden.of(2)),
    (Late.of(1), Late()),
    (Noted.of("a"), Noted.of("b")),
    (Noted.of("a"), Noted()),
    (with_attributes(held=1, other=2), with_attributes(other=2, held=1)),
    (with_attributes(held=1, other=2), with_attributes(held=1)),
    (Point(1), {"x": 1}),
    (Point(1), Point(1.0)),
    (Slotted(1), Slotted(2)),
    (Pair(1, 2), (1, 2)),
    (Pair(1, 2), Pair(1, 3)),
    (Plain(1), Plain(2)),
    (Slots(1), Slots(2)),
    (Sealed(1), Sealed(2)),
    (Global(1), Global(2)),
    (Entries(a=1), Entries(a=2)),
    (Items([1]), [1]),
    (Items([1]), Items([2])),
    (re.compile("a"), re.compile("a", re.IGNORECASE)),
    (PurePosixPath("a"), PurePosixPath("b")),
    (UUID(int=1), UUID(int=2)),
    (timedelta(1), timedelta(2)),
    (date(2030, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 as above
    (NOON, NOON.replace(tzinfo=UTC)),
    (NOON, NOON.replace(fold=1)),
    (NOON, NOON + timedelta(microseconds=1)),
    (NOON.replace(tzinfo=timezone(TWO_HOURS)), NOON.replace(tzinfo=UTC) - TWO_HOURS),
    (NOON.replace(tzinfo=ZoneInfo("Europe/Berlin")), NOON.replace(tzinfo=timezone(TWO_HOURS))),
    (NOON.replace(tzinfo=ZoneInfo("Europe/Berlin")), NOON.replace(tzinfo=ZoneInfo("Europe/Rome"))),
    (NOON.replace(tzinfo=timezone(TWO_HOURS, "CEST")), NOON.replace(tzinfo=timezone(TWO_HOURS))),
    (NOON.replace(tzinfo=nameless()), NOON.replace(tzinfo=timezone(TWO_HOURS))),
    (NOON.replace(tzinfo=Own()), NOON.replace(tzinfo=timezone(TWO_HOURS))),
    (time(12), time(13)),
    (time(12), time(12, tzinfo=UTC)),
    (time(12), time(12, tzinfo=ZoneInfo("Europe/Berlin"))),
    (time(12), time(12, fold=1)),
    (int, float),
    (hundred, made),
    (hundred, FunctionType(hundred.__code__, {})),
]


def of_model(value: object) -> Holder:
    return Holder.model_construct(held=value)


@pytest.mark.parametrize("is_state", [False, True])
@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_values_that_differ(one: Any, other: Any, is_state: bool) -> None:  # noqa: FBT001 a parameter
    for left, right in ((one, other), (other, one)):
        for within in (lambda value: value, lambda value: [value], Point, of_model):
            found = difference(within(left), within(right), Kinds(), is_state=is_state)
            assert found is not None


SAME: list[Callable[[], Any]] = [
    *(lambda value=value: value for value in (None, 1, 2**70, "x", True, -0.0, b"x", Color.RED)),
    lambda: float("nan"),
    lambda: [float("nan")],
    lambda: Decimal("NaN"),
    lambda: complex("nan"),
    lambda: Decimal("1.10"),
    lambda: {"a": [1, {2, 3}], "b": (1, "a")},
    lambda: deque([1, [2]], maxlen=3),
    lambda: defaultdict(list, a=[1]),
    lambda: defaultdict(made(1)),
    lambda: defaultdict(made_by_keyword(1)),
    lambda: OrderedDict(a=1),
    lambda: Counter("aab"),
    lambda: {frozenset({1}), Color.RED, 1.5, Pair(1, (2,))},
    lambda: {Alone(1), Alone(2)},
    lambda: Square(length=2),
    lambda: Agreeing(x=1),
    lambda: Open(x=[1]),
    lambda: Hidden.of(1),
    lambda: Point([1]),
    lambda: Slotted([1]),
    lambda: Pair(1, [2]),
    lambda: Plain({"a": 1}),
    lambda: Slots([1]),
    lambda: Sealed([1]),
    lambda: Noted.of("a"),
    Late,
    lambda: Entries(a=1),
    lambda: Items([1]),
    lambda: re.compile("a"),
    lambda: PurePosixPath("a"),
    lambda: UUID(int=1),
    lambda: NOON,
    lambda: NOON.replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
    lambda: time(12, tzinfo=UTC),
    lambda: hundred,
]


@pytest.mark.parametrize("is_state", [False, True])
@pytest.mark.parametrize("make", SAME)
def test_values_that_are_the_same(make: Callable[[], Any], is_state: bool) -> None:  # noqa: FBT001 as above
    assert difference(make(), make(), Kinds(), is_state=is_state) is None
    assert difference([make()], [make()], Kinds(), is_state=is_state) is None


@pytest.mark.parametrize("offset", [timedelta(0), TWO_HOURS, -TWO_HOURS])
def test_an_offset_is_the_same_whoever_writes_it(offset: timedelta) -> None:
    one = NOON.replace(tzinfo=timezone(offset))
    other = NOON.replace(tzinfo=TzInfo(int(offset.total_seconds())))
    assert difference(one, other, Kinds(), is_state=True) is None
    assert difference(one, other.replace(tzinfo=TzInfo(60)), Kinds(), is_state=True) is not None


def test_what_cannot_be_taken_apart_differs() -> None:
    generator = (number for number in [0])
    found = difference([generator], [generator], Kinds(), is_state=False)
    assert str(found) == "$[0]: a generator can't be compared with what comes back"


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (Point(Shape()), Point(Square()), "$.x: a Shape comes back as a Square"),
        (Pair([Shape(sides=1)]), Pair([Shape(sides=2)]), "$.left[0].sides: an int comes back with"),
        ({"ann@x.org": 1}, {"ann@x.org": None}, "$[0]: an int comes back as None"),
        ({"ann@x.org": 1}, {"bob@x.org": 1}, "$[0]: its key: a str comes back with another value"),
        (Plain([1]), Plain((1,)), "$.x: a list comes back as a tuple"),
        (Open(card=4111), Open(card="4111"), "$.card: an int comes back as a str"),
    ],
)
def test_a_difference_tells_where_and_never_what_stood_there(
    one: Any, other: Any, told: str
) -> None:
    found = str(difference(one, other, Kinds(), is_state=False))
    assert found.startswith(told)
    assert "ann" not in found
    assert "4111" not in found
