"""The classes whose instances are the examples of the catalogue."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum, IntFlag, StrEnum
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, RootModel, model_serializer
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypedDict

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
