"""What code can see of a value, as text: the oracle's comparison, with nothing of Interlock's own.

Two values whose texts are equal answer alike, whoever asks: by type, sign, exponent, bound,
missing key, order, zone, unset name, private attribute, or by a change made through one reference
and read through another.
"""

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import PurePath
from types import FunctionType, NoneType
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from interlock.domain import Aggregate

Text = Callable[[Any], str]


def look(value: object, *, alone: bool = False) -> str:
    """The text of a value; `alone` leaves out what is shared and which names were never set."""
    return _Walk(is_alone=alone).text(value)


class _Walk:
    def __init__(self, *, is_alone: bool) -> None:
        self._is_alone = is_alone
        self._numbers: dict[int, int] = {}
        self._around: set[int] = set()

    def text(self, value: object) -> str:
        cls: type = type(value)
        name, leaf = _read_as(cls)
        if leaf is None and not _has_parts(value):
            leaf = repr  # of the standard library or pydantic
        if leaf is not None:
            return f"{name} {leaf(value)}"
        if id(value) in self._around:
            return f"{name} around this"
        if not self._is_alone and is_mutable(value):
            if id(value) in self._numbers:
                return f"{name} that is number {self._numbers[id(value)]}"
            self._numbers[id(value)] = len(self._numbers)
        self._around.add(id(value))
        parts = list(self._parts(value))
        self._around.discard(id(value))
        return f"{name}({', '.join(parts)})"

    def _parts(self, value: object) -> Iterator[str]:
        if isinstance(value, BaseModel):
            yield from self._model(value)
        elif isinstance(value, dict):
            yield from (f"{self.text(key)}: {self.text(item)}" for key, item in value.items())
            if isinstance(value, defaultdict):
                yield f"else {_answer(value.default_factory)}"
        elif isinstance(value, set | frozenset):
            yield from sorted(map(self.text, value))
        elif isinstance(value, list | tuple | deque):
            yield from map(self.text, value)
            if isinstance(value, deque):
                yield f"at most {value.maxlen}"
        elif is_dataclass(value):
            names = {field.name for field in fields(value)} | set(getattr(value, "__dict__", ()))
            yield from self._named({name: getattr(value, name) for name in names})
        else:
            yield from self._named(getattr(value, "__dict__", {}))

    def _model(self, model: BaseModel) -> Iterator[str]:
        # Cached properties are no state of an aggregate, and an event is read anew each time.
        ignored = self._is_alone or isinstance(model, Aggregate)
        cached = cached_names(model) if ignored else frozenset[str]()
        yield from self._named({k: v for k, v in model.__dict__.items() if k not in cached})
        yield from self._named(model.__pydantic_private__ or {})
        if model.__pydantic_extra__ is not None:
            yield f"extra {self.text(model.__pydantic_extra__)}"
        if not self._is_alone and not isinstance(model, Aggregate):
            yield f"set {sorted(model.model_fields_set)}"

    def _named(self, values: dict[str, object]) -> Iterator[str]:
        yield from (f"{name}={self.text(values[name])}" for name in sorted(values))


def cached_names(model: BaseModel) -> frozenset[str]:
    """The names of its cached properties."""
    return _cached_names(type(model))


@lru_cache(maxsize=100)
def _cached_names(cls: type[BaseModel]) -> frozenset[str]:
    return frozenset(
        name
        for base in cls.__mro__
        for name, member in vars(base).items()
        if isinstance(member, cached_property)
    )


def _answer(factory: Callable[[], object] | None) -> str:
    return "nothing" if factory is None else look(factory())


def is_mutable(value: object) -> bool:
    cls: type = type(value)
    return _makes_mutable(cls)


@lru_cache(maxsize=1000)
def _makes_mutable(cls: type) -> bool:
    if issubclass(cls, BaseModel):
        return not cls.model_config.get("frozen")
    if is_dataclass(cls):
        return not getattr(cls, "__dataclass_params__").frozen  # noqa: B009 mypy knows none
    return not issubclass(cls, tuple | frozenset)


@lru_cache(maxsize=1000)
def _read_as(cls: type) -> tuple[str, Text | None]:
    """The name of a class; and the text of its instances, unless it is made of parts."""
    name = f"{cls.__module__}.{cls.__qualname__}".removeprefix("builtins.")
    return name, next((text for kinds, text in _LEAVES if issubclass(cls, kinds)), None)


def _has_parts(value: object) -> bool:
    return isinstance(value, _CONTAINERS) or is_dataclass(value) or hasattr(value, "__dict__")


def _integer(value: int) -> str:
    return hex(value)  # decimal digits are limited


def _seconds(value: timedelta | None) -> str:
    return "none" if value is None else f"{value.days}d {value.seconds}s {value.microseconds}us"


def _clock(value: datetime | time) -> str:
    naive = value.replace(tzinfo=None).isoformat()
    return f"{naive} fold {value.fold} offset {_seconds(value.utcoffset())}{_zone(value.tzinfo)}"


def _zone(zone: tzinfo | None) -> str:
    """Its key, or the name that somebody gave it; a fixed offset has neither."""
    named = isinstance(zone, timezone) and len(zone.__reduce__()[1]) > 1
    name = zone.tzname(None) if zone is not None and named else getattr(zone, "key", None)
    return "" if name is None else f" {name}"


_CONTAINERS = (BaseModel, dict, set, frozenset, list, tuple, deque)
_LEAVES: tuple[tuple[type | tuple[type, ...], Text], ...] = (
    (NoneType, lambda _: ""),
    (Enum, lambda value: f"{value.name} {look(value.value)}"),
    (bool, repr),
    (int, _integer),
    (float, float.__repr__),
    (str, str.__repr__),
    (bytes, bytes.__repr__),
    (complex, repr),
    (Decimal, Decimal.__str__),
    (Fraction, str),
    ((datetime, time), _clock),
    (date, date.isoformat),
    (timedelta, _seconds),
    (UUID, str),
    (PurePath, str),
    (re.Pattern, lambda value: f"{value.pattern!r} {value.flags}"),
    (tzinfo, repr),
    ((type, FunctionType), lambda value: f"{value.__module__}.{value.__qualname__}"),
)
