"""Values that hold no others, and how each type of them is compared."""

import marshal
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from math import copysign
from pathlib import PurePath
from re import Pattern
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Secret, SecretBytes, SecretStr
from pydantic.networks import _BaseMultiHostUrl, _BaseUrl
from pydantic_core import TzInfo

FLAT = frozenset({int, str, bool, float, type(None)})
"""`marshal`'s version 2 tells these apart exactly: -0.0 from 0.0, True from 1; NaN equals NaN.

It doesn't tell bytes from a bytearray.
"""
BY_EQUALITY: frozenset[type] = frozenset({int, str, bool, bytes, type(None), date, timedelta})
BY_TEXT: frozenset[type] = frozenset({Decimal, float, Fraction, complex, range})
ATOMS = BY_EQUALITY | BY_TEXT | {UUID, datetime, time}
"""Types of values that can't change and hold nothing."""
BY_IDENTITY: tuple[type, ...] = (Enum, type, FunctionType, BuiltinFunctionType, ModuleType)
IMMUTABLE: tuple[type, ...] = (
    *(*BY_EQUALITY, *BY_TEXT, *BY_IDENTITY, UUID, datetime, time, tzinfo, Pattern, PurePath),
    *(IPv4Address, IPv4Network, IPv6Address, IPv6Network, tuple, frozenset),
    *(Secret, SecretBytes, SecretStr, _BaseUrl, _BaseMultiHostUrl),
)


def counted(values: Iterable[object]) -> tuple[Counter[object], list[object]]:
    """The elements of a set that can be counted by type and value, and the rest."""
    atoms, rest = Counter[object](), []
    for value in values:
        cls = type(value)
        if cls in BY_TEXT:
            atoms[cls, exact_text(value)] += 1
        elif isinstance(value, Enum):
            atoms[cls, id(value)] += 1
        elif cls in BY_EQUALITY or cls is UUID:
            atoms[cls, value] += 1
        else:
            rest.append(value)
    return atoms, rest


def are_flat(one: object, other: object) -> bool:
    try:
        return marshal.dumps(one, 2) == marshal.dumps(other, 2)  # type: ignore[arg-type] # if not
    except ValueError:  # something else stands in the other
        return False


def exact_text(value: Any) -> object:  # Any: a number
    if type(value) is float:
        return (value, copysign(1.0, value)) if value == value else "nan"  # noqa: PLR0124 NaN isn't
    return str(value)


def zone_name(zone: object) -> object:
    """The name of a zone, which tells zones of one offset apart; a bare offset has none."""
    if isinstance(zone, ZoneInfo):
        return zone.key or id(zone)
    if type(zone) is timezone:
        name = zone.tzname(None)
        return None if name == timezone(zone.utcoffset(None)).tzname(None) else name
    return None if type(zone) is TzInfo else id(zone)
