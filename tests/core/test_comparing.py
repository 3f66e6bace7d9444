"""Two values are the same if nothing that anybody can do with them tells them apart."""

import io
import re
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import PurePosixPath
from types import FunctionType
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


class Lax(Enum):
    """Its members are equal, for whoever asks them."""

    ONE = 1
    TWO = 2

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = Enum.__hash__


class Holder(BaseModel):
    held: Any = None
    other: Any = None


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Hidden(BaseModel):
    _x: int = PrivateAttr(default=0)

    @classmethod
    def of(cls, x: int) -> "Hidden":
        made = cls()
        made._x = x
        return made


class Late(BaseModel):
    """Its private attribute may not be there yet."""

    _x: int = PrivateAttr()

    @classmethod
    def of(cls, x: int) -> "Late":
        made = cls()
        made._x = x
        return made


class Noted(BaseModel):
    """Has a place for a note beside its fields."""

    __slots__ = ("note",)

    @classmethod
    def of(cls, note: str) -> "Noted":
        made = cls()
        object.__setattr__(made, "note", note)
        return made


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


class Sealed(Plain):
    """Its state is no dictionary."""

    def __getstate__(self) -> tuple[object]:
        return (self.x,)


class Global(Plain):
    """Is pickled by a name."""

    def __reduce__(self) -> str:
        return "ONE"


class Text(str):
    __slots__ = ()


class Items(list[int]):
    pass


class Entries(dict[str, int]):
    pass


@dataclass(eq=False)
class Alone:
    """Equal to nothing else."""

    x: int = 0


class Own(tzinfo):
    """A time zone of one's own."""

    def utcoffset(self, _: object) -> timedelta:
        return TWO_HOURS

    def tzname(self, _: object) -> str:
        return "own"

    def dst(self, _: object) -> None:
        return None


TWO_HOURS = timedelta(hours=2)
NOON = datetime(2030, 7, 1, 12)  # noqa: DTZ001 the zones are what it is about


def hundred() -> int:
    return 100


def made(value: int) -> Callable[[], int]:
    return lambda: value


def made_by_default(value: int) -> Callable[[], int]:
    def make(x: int = value) -> int:
        return x

    return make


def made_by_keyword(value: int) -> Callable[[], int]:
    def make(*, x: int = value) -> int:
        return x

    return make


def nameless() -> ZoneInfo:
    """A zone that was read from a file, two hours off."""
    head = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    return ZoneInfo.from_file(io.BytesIO(head + struct.pack(">lbb", 7200, 0, 0) + b"ABC\0"))


def with_attributes(**attributes: int) -> Holder:
    """A model that has just these attributes, in this order."""
    made = Holder()
    made.__dict__.clear()
    made.__dict__.update(attributes)
    return made


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
