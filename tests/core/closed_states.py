"""Models that are closed, and models that are not."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, Flag, StrEnum
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    RootModel,
)
from pydantic_core import core_schema
from typing_extensions import TypedDict

NOON = datetime(2030, 7, 1, 12, tzinfo=UTC)


class Color(Enum):
    RED = "red"


class Size(StrEnum):
    SMALL = "small"


class Line(BaseModel):
    count: int = 0
    price: float = 0.0


class Special(Line):
    pass


class Address(BaseModel):
    model_config = ConfigDict(frozen=True)
    city: str = ""
    tags: list[str] = []


class Place(BaseModel):
    model_config = ConfigDict(frozen=True)
    city: str = ""
    street: str = ""


class State(BaseModel):
    number: int = 0
    ratio: float = 0.0
    price: Decimal | None = None
    text: str = ""
    owner: UUID = UUID(int=0)
    at: datetime = NOON
    seen: AwareDatetime = NOON
    day: date = date(2030, 1, 1)
    color: Color = Color.RED
    size: Size | None = None
    kind: Literal["a", "b"] = "a"
    limit: float | None = None
    numbers: list[int] = []
    prices: list[Decimal] = []
    tags: set[str] = set()
    ratios: frozenset[float] = frozenset()
    counts: dict[str, int] = {}
    lines: dict[str, Line] = {}
    pair: tuple[int, Line | None] = (0, None)
    several: tuple[float, ...] = ()
    line: Line | None = None
    other: Line = Line()
    address: Address = Address()
    former: Address = Address()
    home: Place = Place(city="", street="")
    work: Place = Place(city="", street="")
    more: frozenset[float] = frozenset()
    rows: list[list[int]] = []
    groups: list[set[int]] = []
    maps: list[dict[str, int]] = []


class Grown(State):
    pass


class Tags(Flag):
    A = 1


class Guess(Enum):
    @classmethod
    def _missing_(cls, value: object) -> "Guess":
        return next(iter(cls))


class Guessing(Guess):
    RED = "red"


class Mixed(Enum):
    ONE = 1
    TWO = "2"


class Lax(Enum):
    RED = "red"

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = Enum.__hash__


class Plain(NamedTuple):
    x: int = 0


class Typed(TypedDict):
    x: int


@dataclass
class Point:
    x: int = 0


class Rooted(RootModel[int]):
    pass


class Recursive(BaseModel):
    children: list["Recursive"] = []


class Private(BaseModel):
    _x: int = PrivateAttr(default=0)


class Late(BaseModel):
    def model_post_init(self, _: Any, /) -> None:
        pass


class Slots(BaseModel):
    __slots__ = ("note",)


class Own(BaseModel):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)


WRITTEN = PlainSerializer(lambda _: 1)


class Written(BaseModel):
    x: Annotated[int, WRITTEN] = 0


def configured(**config: Any) -> type[BaseModel]:
    class Configured(BaseModel):
        model_config = ConfigDict(**config)  # type: ignore[typeddict-item] # any settings
        x: str = ""

    return Configured


class Valued(BaseModel):
    model_config = ConfigDict(use_enum_values=True)
    color: Color = Color.RED


class Aliased(BaseModel):
    x: int = Field(default=0, validation_alias="y")


class Variadic:
    """A tuple that begins with a number and goes on with texts."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, __: object) -> core_schema.CoreSchema:
        parts: list[core_schema.CoreSchema] = [core_schema.int_schema(), core_schema.str_schema()]
        return core_schema.tuple_schema(parts, variadic_item_index=1)


class Many(BaseModel):
    """As many shapes as 128."""

    a: int | None = None
    b: int | None = None
    c: int | None = None
    d: int | None = None
    e: int | None = None
    f: int | None = None
    g: int | None = None
