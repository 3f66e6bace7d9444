"""Reads and writes durations as they stand in a configuration."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PART = re.compile(r"([0-9]++(?:\.[0-9]++)?+)(ms|s|m|h|d)")
_LONGEST = timedelta(days=36_500)
_SIZES = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}
_PATTERN = r"^(([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+|[+-]?P.+)$"
_AS_JSON = {
    "anyOf": [{"type": "string", "pattern": _PATTERN}, {"type": "number"}],
    "title": "duration",
}


def parse_duration(value: object) -> object:
    """Parse `"250ms"`, `"5s"`, `"1h30m"`, `"30d"` to a timedelta; return anything else as it is.

    pydantic takes it from there: numbers are seconds, and ISO 8601 works.
    """
    if not isinstance(value, str) or re.fullmatch(f"(?:{_PART.pattern})+", value) is None:
        return value
    try:
        parts = [timedelta(**{_UNITS[unit]: float(size)}) for size, unit in _PART.findall(value)]
        return sum(parts, timedelta())
    except OverflowError:
        return timedelta.max


def duration_text(delta: timedelta) -> str:
    """Write a duration as `parse_duration` reads it."""
    rest, text = delta // timedelta(microseconds=1), ""
    for unit, size in _SIZES.items():
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text + (f"{rest / 1000:g}ms" if rest else "") or "0s"


def _bounded(delta: timedelta) -> timedelta:
    """Limit a duration to a hundred years, which clocks and drivers can handle."""
    if abs(delta) > _LONGEST:
        raise ValueError(f"wanted a duration of at most {duration_text(_LONGEST)}")
    return delta


def _or_never(value: object) -> object:
    if value is None:
        raise ValueError('wanted a duration, or "never"')
    return None if value == "never" else parse_duration(value)


Duration = Annotated[
    timedelta,
    AfterValidator(_bounded),
    BeforeValidator(parse_duration),
    WithJsonSchema(_AS_JSON),
]
"""A timedelta field that also takes `"5s"`; for the configuration models of plugins."""

Ttl = Annotated[
    Annotated[timedelta, Field(gt=timedelta(0)), AfterValidator(_bounded)] | None,
    BeforeValidator(_or_never),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": f"^never$|{_PATTERN}"}, {"type": "number"}],
            "title": 'duration or "never"',
        }
    ),
]
"""How long an entry lives: a duration above 0, or `"never"`, which gives None."""
