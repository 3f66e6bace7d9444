"""States of nested models, and how they are drawn."""

from datetime import UTC, date, datetime, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Literal
from uuid import UUID

from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import TzInfo

from interlock.domain import Aggregate


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1


class Size(StrEnum):
    SMALL = "small"


class Line(BaseModel):
    sku: str = ""
    price: Decimal = Decimal(0)
    at: datetime = datetime(2030, 1, 1, tzinfo=UTC)
    note: str | None = None
    size: Size = Size.SMALL


class Address(BaseModel):
    model_config = ConfigDict(frozen=True)
    city: str = ""


class Order(Aggregate):
    lines: list[Line] = []
    by_sku: dict[str, Line] = {}
    tags: set[str] = set()
    codes: frozenset[int] = frozenset()
    pair: tuple[int, str] = (0, "")
    numbers: tuple[float, ...] = ()
    when: date | None = None
    owner: UUID | None = None
    color: Color = Color.RED
    level: Level = Level.LOW
    kind: Literal["a", "b"] = "a"
    address: Address = Address()
    other: Address = Address()


class Constrained(Order):
    count: Annotated[int, Field(ge=0)] = 0


values = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.decimals(), st.dates()),
    *(st.uuids(), st.sampled_from([*Color, *Level, *Size, "a", "b", "c"]), st.datetimes()),
    st.datetimes(timezones=st.sampled_from([UTC, TzInfo(3600), TzInfo(61), timezone.max])),
)


lines = st.builds(
    lambda fields: Line.model_construct(**fields),
    st.fixed_dictionaries(
        {"sku": values, "price": values, "at": values, "note": values, "size": values}
    ),
)


composites = st.one_of(
    values,
    st.lists(values | lines, max_size=3),
    st.dictionaries(st.text(max_size=3) | st.integers(), values | lines, max_size=3),
    st.sets(st.text() | st.integers(), max_size=3),
    st.frozensets(st.integers() | st.text(), max_size=3),
    st.tuples(values, values),
    st.lists(values).map(tuple),
)


shared = st.builds(Address, city=st.text(max_size=3))
