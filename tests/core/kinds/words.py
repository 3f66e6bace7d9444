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

from kinds.shapes import (
    Address,
    Aliased,
    AliasedDict,
    Bag,
    Box,
    ByCard,
    ByCash,
    Card,
    Cash,
    Chest,
    Color,
    Derived,
    Draft,
    Growing,
    Id,
    Instant,
    Leaf,
    Less,
    Loose,
    May,
    Measured,
    Name,
    Noting,
    Numbers,
    Opaque,
    Options,
    Out,
    Outer,
    Paid,
    PaidDict,
    PaidRoot,
    PaidToo,
    PaidTuple,
    Pair,
    Payment,
    Pin,
    Place,
    Point,
    Point3,
    Position,
    Purse,
    Shape,
    Size,
    Spot,
    Square,
    Submitted,
    T,
    Unit,
)

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


def aliased(inner: int) -> Aliased:
    made = Aliased(**{"in": 0})
    made.inner = inner
    return made


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
