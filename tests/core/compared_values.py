"""Values that are compared: of classes that agree with everything, hide parts or are made late."""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum, StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, PrivateAttr


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
