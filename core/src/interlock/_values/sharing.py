"""The details beside a state's JSON in its record: unset names, shared objects."""

import functools
from collections import deque
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from interlock._values.atoms import ATOMS
from interlock._values.comparing import Kinds

Step = str | int
"""A name of a model or a dataclass; a position in a sequence, or of an entry in a mapping."""
Path = tuple[Step, ...]


def details_of(state: BaseModel, kinds: Kinds) -> bytes:
    """Write a state's details as JSON; empty if its payload says everything.

    `unset` pairs names with the paths of the models in which they are unset, `shared` lists for
    each mutable object that stands at several places the paths of these.
    """
    first: dict[int, Path] = {}
    shared: dict[int, list[Path]] = {}
    unset: dict[tuple[str, ...], list[Path]] = {}

    def visit(path: Path, value: Any) -> None:  # Any: whatever a field holds
        if kinds[type(value)].can_change:
            if id(value) in first:
                shared.setdefault(id(value), [first[id(value)]]).append(path)
                return
            first[id(value)] = path
        if isinstance(value, BaseModel):
            names = _unset(value)
            if names:
                unset.setdefault(names, []).append(path)
        for step, item in _children(value):
            if type(item) not in ATOMS:
                visit((*path, step), item)

    visit((), state)
    details: dict[str, object] = {}
    if unset:
        details["unset"] = list(unset.items())
    if shared:
        details["shared"] = list(shared.values())
    return to_json(details) if details else b""


def restore(state: BaseModel, details: bytes) -> None:
    """Make of a decoded state what its details say. Raises what bad details lead to."""
    unset, shared = _parsed(details)
    for names, paths in unset:
        for path in paths:
            _follow(state, path).__pydantic_fields_set__.difference_update(names)
    for first, *others in shared:
        value = _follow(state, first)
        for path in others:
            if path[: len(first)] == first:
                raise ValueError("an object that stands in itself")
            *parent, step = path
            _set(_follow(state, parent), step, value)


@functools.lru_cache(maxsize=1024)
def _parsed(details: bytes) -> tuple[list[Any], list[Any]]:  # Any: JSON values
    parsed = from_json(details)
    return parsed.get("unset", []), parsed.get("shared", [])


def _unset(model: BaseModel) -> tuple[str, ...]:
    names = (*type(model).model_fields, *(model.__pydantic_extra__ or ()))
    given = model.__pydantic_fields_set__
    return tuple(name for name in names if name not in given)


def _children(value: Any) -> Iterator[tuple[Step, Any]]:  # Any: whatever a field holds
    """The values within a value, each by its step; none for a set, which has no order."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            if name in value.__dict__:
                yield name, value.__dict__[name]
        yield from (value.__pydantic_extra__ or {}).items()
    elif isinstance(value, list | tuple | deque | dict):
        items = value.values() if isinstance(value, dict) else value
        if not ATOMS.issuperset(map(type, items)):
            yield from enumerate(items)
    elif is_dataclass(value):
        for name in value.__dataclass_fields__:
            if hasattr(value, name):
                yield name, getattr(value, name)


def _follow(value: Any, path: Path | list[Step]) -> Any:  # Any: as above
    for step in path:
        value = dict(_children(value))[step] if isinstance(step, str) else _at(value, step)
    return value


def _at(value: Any, position: int) -> Any:  # Any: as above
    return value[_key(value, position)] if isinstance(value, dict) else value[position]


def _key(value: dict[Any, Any], position: int) -> Any:  # Any: as above
    return list(value)[position]


def _set(parent: Any, step: Step, value: object) -> None:  # Any: as above
    if isinstance(parent, BaseModel):
        extra = parent.__pydantic_extra__ or {}
        if step not in extra and step not in type(parent).model_fields:
            raise KeyError(step)
        (extra if step in extra else parent.__dict__)[step] = value
    elif isinstance(parent, dict):
        parent[_key(parent, int(step))] = value
    elif isinstance(parent, list | deque):
        parent[int(step)] = value
    elif isinstance(parent, tuple):
        return  # it can't be changed: the comparison that follows says so
    elif step in parent.__dataclass_fields__:
        object.__setattr__(parent, str(step), value)
    else:
        raise KeyError(step)
