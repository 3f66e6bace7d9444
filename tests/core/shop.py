"""The texts of a shop whose order depends on all that an order may depend on."""

SHOP = '''
import functools
import math
import re
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, TypeVar

import rates
from annotated_types import Gt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr
from pydantic import field_serializer, field_validator, model_validator
from rates import surcharge
from typing_extensions import TypedDict

from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command, upcasts

T = TypeVar("T", bound=int)
RATE = Decimal("0.19")
LABELS = frozenset({"new", "paid", "sent"})
PATTERN = re.compile("a+b")
LAST = deque([1, 2], maxlen=4)
SHARE = Fraction(1, 3)


def whole(value: int) -> int:
    return value + 0


def times(count: int, word: str = "x"):
    def decorate(function):
        @functools.wraps(function)
        def inner(self, event):
            for _ in range(count):
                function(self, event)

        return inner

    return decorate


@functools.lru_cache(maxsize=10)
def doubled(value: int) -> int:
    return value * 2


@functools.singledispatch
def size(value: object) -> int:
    return 0


@size.register
def _(value: str) -> int:
    return 1


@contextmanager
def guarded():
    yield "guard"


tripled = lambda value: value * 3; halved = lambda value: value // 2  # fmt: skip
BY_KIND = {"card": whole, "cash": lambda value: value + 9}


class Kind(Enum):
    CARD = "card"
    CASH = "cash"

    @property
    def sign(self) -> int:
        return 1


@dataclass(frozen=True)
class Money:
    """Some money."""

    cents: int = 3
    notes: list[str] = field(default_factory=list)

    def plus(self, other: "Money") -> "Money":
        return Money(self.cents + other.cents)


class Place(NamedTuple):
    x: int
    y: int = 4

    def norm(self) -> int:
        return abs(self.x)


class Extra(TypedDict, total=False):
    weight: int


class Box(BaseModel, Generic[T]):
    item: T

    def inside(self) -> T:
        return self.item


class Tariff:
    def __init__(self, base: int) -> None:
        self.base = base

    def cost(self, amount: int) -> int:
        return self.base + amount


TARIFF = Tariff(5)


class Line(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=False)

    price: Decimal = Decimal("1.50")
    count: Annotated[int, Gt(0), AfterValidator(whole)] = 1
    _seen: int = PrivateAttr(6)

    def model_post_init(self, context: Any) -> None:
        self._seen = 7

    @field_validator("count", mode="before")
    @classmethod
    def counted(cls, value: Any) -> Any:
        return value

    @model_validator(mode="after")
    def checked(self) -> "Line":
        return self

    @field_serializer("count", when_used="json")
    def written(self, value: int) -> int:
        return value


class Paid(BaseModel):
    """An amount was paid."""

    former_names: ClassVar = ("Payed",)
    schema_version: ClassVar[int] = 2
    FEE: ClassVar[int] = 8

    amount: int = 1
    kind: Kind | None = None
    money: Money = Money()
    place: Place | None = None
    extra: Extra | None = None
    box: Box[int] | None = None
    lines: list[Line] = Field(default_factory=lambda: [Line()])
    rights: frozenset[str] = frozenset({"read", "write", "list", "share"})


class Returned(BaseModel):
    amount: int = 1


class Pay(Command[None]):
    amount: int


class Counted:
    STEP: ClassVar[int] = 10

    def step(self) -> int:
        return self.STEP


class Base(Counted, Aggregate):
    def base_fee(self, amount: int) -> int:
        return amount * 1


class Order(Base):
    """An order."""

    LIMIT: ClassVar[int] = 50
    FACTOR: ClassVar[int] = 2

    total: int = 0
    note: str = ""
    names: set[str] = {"a", "b"}
    _private: int = 11

    @handles_command
    def pay(self, command: Pay) -> None:
        """Pay."""
        if self.allowed(command.amount) and command.amount < self.LIMIT:
            self.emit(Paid(amount=command.amount))

    def allowed(self, amount: int) -> bool:
        return amount > 0

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)

    @property
    def factor(self) -> int:
        return self.FACTOR

    @functools.cached_property
    def cached(self) -> int:
        return 12

    @applies_event
    @times(1)
    def was_paid(self, event: Paid) -> None:
        """Add it."""
        self.total += self.base_fee(event.amount) * self.factor  # a comment
        self.total += int(event.amount * RATE) + event.FEE + self.step() + self.cached
        self.total += rates.fee(event.amount) + surcharge(1) + doubled(2) + tripled(3) + halved(4)
        self.total += size("x") + TARIFF.cost(1) + BY_KIND["card"](1) + len(LAST) + int(SHARE)
        self.note = f"paid {event.amount:>{5}} {{x}}" " and " f"{self.note!r}"
        with guarded() as guard:
            self.note += guard if PATTERN.match(self.note) or LABELS else ""
        from later import later

        self.total += later() + math.floor(1.5)

    @applies_event
    def was_returned(self, event: Returned) -> None: "Take it off."; self.note = "returned"

    @upcasts("Payed", schema_version=1)
    @staticmethod
    def in_cents(payload: dict) -> dict:
        return converted(payload)


def converted(payload: dict) -> dict:
    return {**payload}
'''

RATES = """
BASE = 13
UNUSED = 14


def fee(amount: int) -> int:
    return amount + deeper(amount)


def deeper(amount: int) -> int:
    return BASE


def surcharge(amount: int) -> int:
    return amount


def unused(amount: int) -> int:
    return UNUSED
"""

LATER = """
def later() -> int:
    return 15
"""
