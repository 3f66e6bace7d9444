"""A model's JSON as every process writes it."""

import functools
from collections import deque
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel, RootModel
from pydantic_core import from_json, to_json

_MAY_BE_SETS = frozenset({"set", "frozenset", "any"})
_SEQUENCES = (set, frozenset, list, tuple, deque)


def canonical_json(model: BaseModel) -> bytes:
    """Encode a model as JSON with the items of sets sorted; lists keep their order."""
    data = model.__pydantic_serializer__.to_json(model)
    return to_json(_ordered(model, from_json(data))) if _may_hold_sets(type(model)) else data


@functools.cache
def _may_hold_sets(cls: type[BaseModel]) -> bool:
    return _names_a_set(cls.__pydantic_core_schema__)


def _names_a_set(schema: Any) -> bool:  # Any: a part of a core schema
    if isinstance(schema, dict):
        kind = schema.get("type")
        is_set = isinstance(kind, str) and kind in _MAY_BE_SETS
        return is_set or any(map(_names_a_set, schema.values()))
    return isinstance(schema, list | tuple) and any(map(_names_a_set, schema))


def _ordered(value: Any, json: Any) -> Any:  # Any: whatever a field holds, and its JSON
    """The JSON of a value; untouched where a serializer made something else of the value."""
    if isinstance(value, RootModel):
        return _ordered(value.root, json)
    if isinstance(json, dict):
        named = _named(value)
        if isinstance(value, Mapping) and len(value) == len(json):
            named = dict(zip(json, value.values(), strict=True))
        return {key: _ordered(named.get(key), item) for key, item in json.items()}
    if isinstance(json, list) and isinstance(value, _SEQUENCES) and len(value) == len(json):
        items = [_ordered(held, item) for held, item in zip(value, json, strict=True)]
        return sorted(items, key=to_json) if isinstance(value, set | frozenset) else items
    return json


def _named(value: Any) -> dict[str, Any]:  # Any: as above
    """The values of an object by the keys of its JSON; none without such keys."""
    cls = type(value)
    if isinstance(value, BaseModel):
        is_by_alias = cls.model_config.get("serialize_by_alias")
        named = {
            (is_by_alias and field.serialization_alias) or name: value.__dict__.get(name)
            for name, field in cls.model_fields.items()
        }
        computed = {name: getattr(value, name) for name in cls.model_computed_fields}
        return named | computed | (value.__pydantic_extra__ or {})
    if is_dataclass(value):
        return {name: getattr(value, name, None) for name in cls.__dataclass_fields__}
    return {}
