"""What the examples of the catalogue are written with; each is evaluated among these names."""

import itertools
import math
import re
from abc import ABC, abstractmethod
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, IntFlag, StrEnum
from fractions import Fraction
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, TypeVar
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

from pydantic import (
    AliasChoices,
    AliasPath,
    Base64Bytes,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    HttpUrl,
    Json,
    PlainSerializer,
    PrivateAttr,
    RootModel,
    Secret,
    SecretBytes,
    SecretStr,
    SerializeAsAny,
    StringConstraints,
    Tag,
    WrapSerializer,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
)
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypeAliasType, TypedDict

T = TypeVar("T")


class Color(Enum):
    RED = "red"
    BLUE = "blue"
    CRIMSON = "red"  # noqa: PIE796 a second name is a kind too


class Pair(Enum):
    ONE = (1, 2)


class Size(IntEnum):
    SMALL = 1


class Unit(StrEnum):
    KILO = "kg"


class May(IntFlag):
    READ = 1
    WRITE = 2


class Name(str):
    __slots__ = ()


class Id(UUID):
    """As a database's driver has one of its own."""


class Instant(datetime):
    pass


class Payment(BaseModel):
    amount: int = 0


class Card(Payment):
    number: str = ""


class Cash(BaseModel):
    coins: tuple[int, ...] = ()


class ByCard(BaseModel):
    kind: Literal["card"] = "card"
    number: str = ""


class ByCash(BaseModel):
    kind: Literal["cash"] = "cash"
    number: str = ""


class Draft(BaseModel):
    pass


class Submitted(BaseModel):
    pass


class Shape(BaseModel, ABC):
    @abstractmethod
    def area(self) -> int: ...


class Square(Shape):
    length: int = 0

    def area(self) -> int:
        return self.length**2


class Box(BaseModel, Generic[T]):
    item: T


class Address(BaseModel):
    street: str = ""
    city: str = ""


class Place(BaseModel):
    model_config = ConfigDict(frozen=True)

    city: str = ""


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")


class Leaf(BaseModel):
    inner: int = Field(0, alias="in")


class Out(BaseModel):
    hidden: int = Field(0, exclude=True)


@dataclass
class Outer:
    out: Out


@pydantic_dataclass
class Aliased:
    inner: int = Field(0, alias="in")


class AliasedDict(TypedDict):
    inner: Annotated[int, Field(alias="in")]


def aliased(inner: int) -> Aliased:
    made = Aliased(**{"in": 0})
    made.inner = inner
    return made


class Noting(BaseModel):
    _note: str = PrivateAttr("")

    def with_note(self, note: str) -> "Noting":
        self._note = note
        return self


class Derived(BaseModel):
    number: int = 0
    _square: int = PrivateAttr(0)

    def model_post_init(self, context: Any) -> None:
        self._square = self.number**2


class Growing(BaseModel):
    number: int = 0

    def model_post_init(self, context: Any) -> None:
        self.number += 1


class Less(BaseModel):
    number: int = 0
    other: int = 0

    @model_serializer(mode="wrap")
    def less(self, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {name: item for name, item in handler(self).items() if name != "number"}


class Measured(BaseModel):
    sides: list[int] = []

    @cached_property
    def total(self) -> int:
        return sum(self.sides)

    def measured(self) -> "Measured":
        assert self.total >= 0
        return self


@dataclass
class Point:
    x: int = 0


@dataclass
class Point3(Point):
    z: int = 0


@dataclass(frozen=True, slots=True)
class Pin:
    x: int = 0


@pydantic_dataclass
class Spot:
    x: int = 0


@dataclass
class Paid:
    by: Payment


@pydantic_dataclass
class PaidToo:
    by: Payment


class PaidTuple(NamedTuple):
    by: Payment


class PaidDict(TypedDict):
    by: Payment


class PaidRoot(RootModel[Payment]):
    pass


class Numbers(RootModel[list[int]]):
    pass


class Options(TypedDict, total=False):
    size: int
    color: str


class Position(NamedTuple):
    x: int
    y: int = 0


@dataclass(unsafe_hash=True)
class Purse:
    coins: int = 0


@dataclass(eq=False)
class Bag:
    coins: int = 0


class Chest(BaseModel):
    coins: int = 0

    def __hash__(self) -> int:
        return id(self)


class Opaque:
    pass


ONE_CHEST, ONE_PURSE = Chest(), Purse()
COUNTED = itertools.count()
NewPayment = NewType("NewPayment", Payment)
Payments = TypeAliasType("Payments", list[Payment])
Leaves = TypeAliasType("Leaves", list[Leaf])
Cents = Annotated[Decimal, PlainSerializer(lambda value: float(round(value, 2)), return_type=float)]
Exact = Annotated[Decimal, PlainSerializer(lambda value: format(value, "f"), return_type=str)]
Wrapped = Annotated[str, WrapSerializer(lambda value, handler: handler(value))]
Shouted = Annotated[str, WrapSerializer(lambda value, handler: handler(value).upper())]
Stripped = Annotated[str, StringConstraints(strip_whitespace=True)]
Rounded = Annotated[Decimal, BeforeValidator(lambda value: round(Decimal(value), 2))]


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def hundred() -> int:
    return 100


def changed(value: Any) -> None:
    """Change the first mutable object in it in place, to what its type allows."""
    if isinstance(value, defaultdict):
        value["new"] += 1
    elif isinstance(value, dict) and value:
        key = next(iter(value))
        value[key] = value.pop(key)
    elif isinstance(value, list | deque) and value:
        value.append(value[0])
    elif isinstance(value, set):
        value.add(99)
    elif isinstance(value, Address | Box):
        value.__setattr__(*next(iter(vars(value).items())))
    elif isinstance(value, Point):
        value.x += 1
    elif isinstance(value, tuple):
        for item in value:
            changed(item)
