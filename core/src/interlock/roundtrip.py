"""Whether a state survives its encoding: looked at on registration, and sampled later."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, time
from inspect import isabstract
from typing import Any, get_args

from pydantic import BaseModel

from interlock.aggregate import Aggregate
from interlock.errors import ConfigurationError


def check_defaults(cls: type[Aggregate]) -> None:
    """Raise `ConfigurationError` for a field without a default, or with one that varies."""
    required = [name for name, field in cls.model_fields.items() if field.is_required()]
    if required:
        raise ConfigurationError(
            f"{cls.__name__}: {', '.join(required)} without a default; an aggregate starts empty, "
            "so give every field one"
        )
    first, second = cls(), cls()
    for name in cls.model_fields:
        if name != "id" and not same(getattr(first, name), getattr(second, name)):
            raise ConfigurationError(
                f"{cls.__name__}.{name}: the default varies ({getattr(first, name)!r}, then "
                f"{getattr(second, name)!r}); set it from an event"
            )


def check_fields(cls: type[Aggregate]) -> None:
    """Raise `ConfigurationError` for fields that JSON would lose: looked at recursively."""
    problems = list(_problems(cls, cls.__name__, set()))
    if problems:
        raise ConfigurationError(
            "the state doesn't survive its JSON, so it can be neither cached nor snapshotted:\n"
            + "\n".join(f"- {problem}" for problem in problems)
        )


def _problems(cls: type[BaseModel], path: str, seen: set[type]) -> Iterator[str]:
    if cls in seen:
        return
    seen.add(cls)
    for name in cls.__private_attributes__:
        yield f"{path}.{name} is a private attribute; make it a field"
    for name, field in cls.model_fields.items():
        where = f"{path}.{name}"
        if field.alias or field.validation_alias or field.serialization_alias:
            yield f"{where} has an alias; name the field as its JSON key"
        if field.exclude or field.exclude_if:
            yield f"{where} is excluded from the JSON; include it"
        yield from _annotation_problems(field.annotation, where, seen)


def _annotation_problems(
    annotation: Any, where: str, seen: set[type]
) -> Iterator[str]:  # Any: a type form
    for argument in get_args(annotation):
        yield from _annotation_problems(argument, where, seen)
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return
    if annotation is BaseModel or isabstract(annotation) or annotation.__subclasses__():
        yield (
            f"{where} is typed with the base class {annotation.__name__}, and a subclass's own "
            "fields would be lost; annotate it with a union of the classes"
        )
    else:
        yield from _problems(annotation, where, seen)


def same(left: object, right: object) -> bool:
    """Whether two values are equal, in type too, all the way down; times in their zones."""
    if type(left) is not type(right):
        return False
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return len(left) == len(right) and all(
            same(one, other) for one, other in zip(left.items(), right.items(), strict=True)
        )
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, BaseModel) and isinstance(right, BaseModel):
        return same(left.__dict__, right.__dict__) and same(left.model_extra, right.model_extra)
    if is_dataclass(left) and is_dataclass(right):
        return all(
            same(getattr(left, field.name), getattr(right, field.name)) for field in fields(left)
        )
    if isinstance(left, datetime | time) and isinstance(right, datetime | time):
        # A zone with rules (zoneinfo's have a key) comes back as a fixed offset.
        zones = [getattr(value.tzinfo, "key", None) for value in (left, right)]
        return left == right and left.utcoffset() == right.utcoffset() and zones[0] == zones[1]
    return bool(left == right)
