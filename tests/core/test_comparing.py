"""Two values are the same if nothing that anybody can do with them tells them apart."""

import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, ConfigDict, PrivateAttr
from pydantic_core import TzInfo

from interlock._values.comparing import Kinds, difference


class Color(StrEnum):
    RED = "red"


class Switch(Enum):
    ON = 1
    OFF = 0


class Shape(BaseModel):
    sides: int = 0


class Square(Shape):
    length: int = 0


class Agreeing(BaseModel):
    """Equal to everything, for whoever asks it."""

    x: int = 0

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment] # as Python does for a class with __eq__


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Hidden(BaseModel):
    _x: int = PrivateAttr(default=0)

    @classmethod
    def of(cls, x: int) -> "Hidden":
        made = cls()
        made._x = x
        return made


class Constant(BaseModel):
    model_config = ConfigDict(frozen=True)
    x: Any = 0

    @cached_property
    def twice(self) -> Any:
        return self.x * 2


class Counted(BaseModel):
    items: list[int] = []

    @cached_property
    def total(self) -> int:
        return sum(self.items)


@dataclass
class Point:
    x: object = 0


@dataclass(slots=True)
class Slotted:
    x: object = 0


class Pair(NamedTuple):
    left: object
    right: object = 0


class Plain:
    def __init__(self, x: object) -> None:
        self.x = x


class Slots:
    __slots__ = ("x",)

    def __init__(self, x: object) -> None:
        self.x = x


class Text(str):
    __slots__ = ()


class Items(list[int]):
    pass


TWO_HOURS = timedelta(hours=2)
NOON = datetime(2030, 7, 1, 12)  # noqa: DTZ001 the zones are what it is about


def hundred() -> int:
    return 100


def made(value: int) -> Callable[[], int]:
    return lambda: value


DIFFERENT: list[tuple[Any, Any]] = [
    (1, True),
    (1, 1.0),
    (0.0, -0.0),
    (Decimal("1.10"), Decimal("1.1")),
    (Decimal(0), Decimal("-0")),
    (Color.RED, "red"),
    ("red", Text("red")),
    (Switch.ON, Switch.OFF),
    ((1,), [1]),
    ([1], [True]),
    ([1, 2], [1]),
    ([0.0], [-0.0]),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"a": True}),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
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
    (frozenset({1}), {1}),
    ({1}, {True}),
    ({1}, {1.0}),
    ({1, 2}, {1, 3}),
    ({0.0}, {-0.0}),
    ({Color.RED}, {"red"}),
    ({Pair(1)}, {Pair(2)}),
    (Shape(), Square()),
    (Shape(sides=1), Shape(sides=2)),
    (Agreeing(x=1), Agreeing(x=2)),
    (Open(x=1), Open(x=2)),
    (Open(x=1), Open()),
    (Hidden.of(1), Hidden.of(2)),
    (Point(1), {"x": 1}),
    (Point(1), Point(1.0)),
    (Slotted(1), Slotted(2)),
    (Pair(1, 2), (1, 2)),
    (Pair(1, 2), Pair(1, 3)),
    (Plain(1), Plain(2)),
    (Slots(1), Slots(2)),
    (Items([1]), [1]),
    (Items([1]), Items([2])),
    (re.compile("a"), re.compile("a", re.IGNORECASE)),
    (PurePosixPath("a"), PurePosixPath("b")),
    (UUID(int=1), UUID(int=2)),
    (timedelta(1), timedelta(2)),
    (date(2030, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 as above
    (NOON, NOON.replace(tzinfo=UTC)),
    (NOON, NOON.replace(fold=1)),
    (NOON.replace(tzinfo=timezone(TWO_HOURS)), NOON.replace(tzinfo=UTC) - TWO_HOURS),
    (NOON.replace(tzinfo=ZoneInfo("Europe/Berlin")), NOON.replace(tzinfo=timezone(TWO_HOURS))),
    (NOON.replace(tzinfo=ZoneInfo("Europe/Berlin")), NOON.replace(tzinfo=ZoneInfo("Europe/Rome"))),
    (NOON.replace(tzinfo=timezone(TWO_HOURS, "CEST")), NOON.replace(tzinfo=timezone(TWO_HOURS))),
    (time(12), time(12, tzinfo=UTC)),
    (time(12), time(12, fold=1)),
    (int, float),
    (hundred, made),
]


@pytest.mark.parametrize("is_state", [False, True])
@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_values_that_differ(one: Any, other: Any, is_state: bool) -> None:  # noqa: FBT001 a parameter
    for left, right in ((one, other), (other, one), ([one], [other]), (Point(one), Point(other))):
        assert difference(left, right, Kinds(), is_state=is_state) is not None


SAME: list[Callable[[], Any]] = [
    *(lambda value=value: value for value in (None, 1, 2**70, "x", True, -0.0, b"x", Color.RED)),
    lambda: float("nan"),
    lambda: [float("nan")],
    lambda: Decimal("NaN"),
    lambda: Decimal("1.10"),
    lambda: {"a": [1, {2, 3}], "b": (1, "a")},
    lambda: deque([1, [2]], maxlen=3),
    lambda: defaultdict(list, a=[1]),
    lambda: defaultdict(made(1)),
    lambda: OrderedDict(a=1),
    lambda: Counter("aab"),
    lambda: {frozenset({1}), Color.RED, 1.5, Pair(1, (2,))},
    lambda: {Constant(x=1), Constant(x=2)},
    lambda: Square(length=2),
    lambda: Agreeing(x=1),
    lambda: Open(x=[1]),
    lambda: Hidden.of(1),
    lambda: Point([1]),
    lambda: Slotted([1]),
    lambda: Pair(1, [2]),
    lambda: Plain({"a": 1}),
    lambda: Slots([1]),
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


class Holder(BaseModel):
    left: Any = None
    right: Any = None


def held(left: Any, right: Any) -> Holder:
    return Holder(left=left, right=right)


@dataclass
class Twice:
    left: Any
    right: Any = field(default=None)


@pytest.mark.parametrize("make", [Shape, list, dict, set, deque, Point, lambda: Plain(1)])
def test_one_object_at_two_places_of_a_state_is_not_two(make: Callable[[], Any]) -> None:
    one = make()
    for kind in (held, Twice):
        together, apart = kind(one, one), kind(make(), make())
        for pair in ((together, apart), (apart, together)):
            assert difference(*pair, Kinds(), is_state=True) is not None
            assert difference(*pair, Kinds(), is_state=False) is None
        back = make()
        assert difference(together, kind(back, back), Kinds(), is_state=True) is None


@pytest.mark.parametrize(
    "one", ["x", 10**30, (1, 2), Constant(x=1), frozenset({1}), NOON, Color.RED]
)
def test_what_cannot_change_may_stand_at_two_places(one: Any) -> None:
    other = (*one,) if isinstance(one, tuple) else one
    assert (
        difference(
            Holder(left=one, right=one), Holder(left=other, right=one), Kinds(), is_state=True
        )
        is None
    )


def test_names_that_are_unset_count_in_states_alone() -> None:
    one, other = Holder(left=Shape()), Holder(left=Shape(sides=0))
    assert difference(one, other, Kinds(), is_state=False) is None
    found = difference(one, other, Kinds(), is_state=True)
    assert str(found) == "$.left: a Shape comes back with other names unset"


def test_a_cached_property_counts_where_it_may_be_out_of_date() -> None:
    def counted() -> Counted:
        made = Counted(items=[1])
        assert made.total == 1
        return made

    def constant(x: Any) -> Constant:
        made = Constant(x=x)
        assert made.twice
        return made

    for value, back in ((counted(), Counted(items=[1])), (constant(1), Constant(x=1))):
        assert difference(value, back, Kinds(), is_state=True) is None
    assert difference([constant(1)], [Constant(x=1)], Kinds(), is_state=True) is None
    assert difference([counted()], [Counted(items=[1])], Kinds(), is_state=False) is None
    for value, back in ((counted(), Counted(items=[1])), (constant([1]), Constant(x=[1]))):
        found = difference([value], [back], Kinds(), is_state=True)
        assert found is not None
        assert "a cached property of what can change" in str(found)
