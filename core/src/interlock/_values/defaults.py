"""Defaults that objects share: what changes it in one changes it in the others."""

from collections import deque
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import SchemaValidator
from pydantic_core.core_schema import any_schema

from interlock._values.atoms import ATOMS
from interlock._values.comparing import Kinds
from interlock._values.schemas import Schema, inner_schemas, schema_of


def shared_default(cls: type[BaseModel], kinds: Kinds) -> str | None:
    """The fault of a default that can change and is one object in all; None if there is none.

    Looks into everything that a field may hold.
    """
    schema, definitions = schema_of(cls)
    todo, seen = [(cls.__name__, schema)], set[str]()
    while todo:
        where, schema = todo.pop()
        if schema["type"] == "definition-ref":
            reference = schema["schema_ref"]
            if reference not in seen:
                seen.add(reference)
                todo.append((where, definitions[reference]))
            continue
        if schema["type"] == "default":
            problem = shared(where, *_two_defaults(schema), kinds)
            if problem is not None:
                return problem
        for name, inner in inner_schemas(schema):
            todo.append((where if name is None else f"{where}.{name}", inner))
    return None


def shared(where: str, one: object, other: object, kinds: Kinds) -> str | None:
    """The fault of two defaults that hold one object which can change; None if there is none."""
    mine = {id(value) for value in _mutable(one, kinds)}
    for value in _mutable(other, kinds):
        if id(value) in mine:
            return (
                f"{where}: two new objects share one {type(value).__name__}, and what changes one "
                "changes the other; give the field a default_factory that makes a new one, or make "
                "the class immutable (frozen=True)"
            )
    return None


def _two_defaults(schema: Schema) -> tuple[object, object]:
    """The defaults of two objects that lack the value; None if they can't matter or be had."""
    if type(schema.get("default", schema)) in ATOMS or schema.get("default_factory_takes_data"):
        return None, None
    default = SchemaValidator({**schema, "schema": any_schema()}).get_default_value
    try:
        one, other = default(), default()
    except Exception:  # noqa: BLE001 whatever a user's factory raises
        return None, None
    return one and one.value, other and other.value


def _mutable(value: Any, kinds: Kinds) -> Iterator[object]:  # Any: whatever a field holds
    todo, seen = [value], set[int]()
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if kinds[type(value)].can_change:
            yield value
        if isinstance(value, BaseModel):
            for part in (value.__dict__, value.__pydantic_extra__, value.__pydantic_private__):
                todo += (part or {}).values()
        elif isinstance(value, dict):
            todo += [*value, *value.values()]
        elif isinstance(value, list | tuple | set | frozenset | deque):
            todo += value
        elif is_dataclass(value) and not isinstance(value, type):
            todo += [getattr(value, name, None) for name in value.__dataclass_fields__]
