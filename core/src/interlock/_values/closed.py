"""Types whose JSON loses nothing as long as each value has exactly the type that is declared.

One walk over a state of such a type tells that its record is exact, without decoding it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, Flag
from itertools import product
from math import isfinite, prod
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import TzInfo

from interlock._values.comparing import Kinds

Walk = Callable[[Any, list[int]], bool]  # Any: whatever a field holds
"""Whether the JSON of a value is exact.

Notes the ids of the mutable objects that it meets, and `UNSET` for each model below the root that
has unset names: those its JSON can't say.
"""
UNSET = 0
Schema = Mapping[str, Any]  # Any: pydantic's core schema

_SHAPES = 64
_SAFE_CONFIG = frozenset(
    {"title", "frozen", "from_attributes", "extra_fields_behavior", "validate_default"}
    | {"validate_assignment", "validate_by_name", "populate_by_name"}
)


class _NotClosedError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Closed:
    """The types that a value may have, and what else is to be looked at: each, or all at once."""

    types: frozenset[type]
    walk: Walk | None = None
    walk_all: Callable[[Collection[Any]], bool] | None = None  # Any: values of these types


def closed_walk(cls: type[BaseModel], kinds: Kinds) -> Walk | None:
    """The walk over the objects of a model class; None if the class isn't closed."""
    schema: Schema = cls.__pydantic_core_schema__
    definitions: dict[str, Schema] = {}
    if schema["type"] == "definitions":
        definitions = {each["ref"]: each for each in schema["definitions"]}
        schema = schema["schema"]
    compiler = _Compiler(definitions, kinds)
    try:
        return compiler.root(compiler.resolved(schema))
    except _NotClosedError:
        return None


class _Compiler:
    """Makes walks of core schemas; whatever it doesn't know in one makes that not closed."""

    def __init__(self, definitions: Mapping[str, Schema], kinds: Kinds) -> None:
        self._definitions = definitions
        self._kinds = kinds
        self._under: list[type] = []

    def resolved(self, schema: Schema) -> Schema:
        while schema["type"] == "definition-ref":
            _require(schema, "schema_ref")
            schema = self._definitions[schema["schema_ref"]]
        return schema

    def root(self, schema: Schema) -> Walk:
        if schema["type"] != "model":
            raise _NotClosedError
        walk = self._model_walk(schema, is_root=True)
        cls = schema["cls"]

        def walk_state(state: Any, ids: list[int]) -> bool:  # Any: as in Walk
            return type(state) is cls and walk(state, ids)

        return walk_state

    def closed(self, schema: Schema) -> _Closed:
        schema = self.resolved(schema)
        kind = schema["type"]
        if kind in _LEAVES:
            _require(schema)
            return _LEAVES[kind]
        make = _COMPOSITES.get(kind)
        if make is None:
            raise _NotClosedError
        return make(self, schema)

    def default(self, schema: Schema) -> _Closed:
        _require(schema, "default", "default_factory", "default_factory_takes_data", "schema")
        return self.closed(schema["schema"])

    def json_or_python(self, schema: Schema) -> _Closed:
        _require(schema, "json_schema", "python_schema")
        return self.closed(schema["json_schema"])

    def nullable(self, schema: Schema) -> _Closed:
        _require(schema, "schema")
        inner = self.closed(schema["schema"])
        look = inner.walk
        return _Closed(
            inner.types | {type(None)},
            look and (lambda value, ids: value is None or look(value, ids)),
        )

    def datetime(self, schema: Schema) -> _Closed:
        _require(schema, "microseconds_precision", "tz_constraint")
        constraint = schema.get("tz_constraint")
        if constraint not in (None, "aware"):
            raise _NotClosedError
        return _Closed(frozenset({datetime}), _is_aware if constraint else _is_exact_moment)

    def enum(self, schema: Schema) -> _Closed:
        _require(schema, "cls", "members", "sub_type")
        cls, members = schema["cls"], schema["members"]
        types = {type(member.value) for member in members}
        is_plain = types in ({str}, {int}) and "_missing_" not in vars(cls)
        if not is_plain or issubclass(cls, Flag) or cls.__eq__ not in _PLAIN_EQUALITY:
            raise _NotClosedError
        return _Closed(frozenset({cls}))

    def literal(self, schema: Schema) -> _Closed:
        _require(schema, "expected")
        expected = schema["expected"]
        types = frozenset(map(type, expected))
        if not types <= {str} and not types <= {int}:
            raise _NotClosedError
        values = frozenset(expected)
        return _Closed(types, lambda value, _ids: value in values)

    def list(self, schema: Schema) -> _Closed:
        _require(schema, "items_schema")
        return _Closed(frozenset({list}), self._items(schema))

    def set(self, schema: Schema) -> _Closed:
        _require(schema, "items_schema")
        items = self.closed(schema["items_schema"])
        if any(issubclass(cls, BaseModel | list | dict | set | tuple) for cls in items.types):
            raise _NotClosedError
        return _Closed(frozenset({set}), _over(items))

    def frozenset(self, schema: Schema) -> _Closed:
        walk = self.set(schema).walk
        return _Closed(frozenset({frozenset}), walk and _without_itself(walk))

    def dict(self, schema: Schema) -> _Closed:
        _require(schema, "keys_schema", "values_schema")
        if self.closed(schema["keys_schema"]) is not _LEAVES["str"]:
            raise _NotClosedError
        over_values = _over(self.closed(schema["values_schema"]))
        keys = frozenset({str})

        def walk(value: Any, ids: list[int]) -> bool:  # Any: as in Walk
            ids.append(id(value))
            return keys.issuperset(map(type, value)) and _without_itself(over_values)(
                value.values(), ids
            )

        return _Closed(frozenset({dict}), walk)

    def tuple(self, schema: Schema) -> _Closed:
        _require(schema, "items_schema", "variadic_item_index")
        items = schema["items_schema"]
        if "variadic_item_index" in schema and len(items) == 1:
            return _Closed(frozenset({tuple}), _without_itself(_over(self.closed(items[0]))))
        if "variadic_item_index" in schema:
            raise _NotClosedError
        parts = [self.closed(item) for item in items]
        shapes = _shapes(parts)
        walks = [(index, part.walk) for index, part in enumerate(parts) if part.walk is not None]

        def walk(value: Any, ids: list[int]) -> bool:  # Any: as in Walk
            return tuple(map(type, value)) in shapes and all(
                look(value[index], ids) for index, look in walks
            )

        return _Closed(frozenset({tuple}), walk)

    def _items(self, schema: Schema) -> Walk:
        if "items_schema" not in schema:
            raise _NotClosedError
        return _over(self.closed(schema["items_schema"]))

    def model(self, schema: Schema) -> _Closed:
        return _Closed(frozenset({schema["cls"]}), self._model_walk(schema, is_root=False))

    def _model_walk(self, schema: Schema, *, is_root: bool) -> Walk:
        _require(schema, "cls", "config", "schema", "custom_init", "root_model")
        cls, fields, config = schema["cls"], schema["schema"], schema.get("config", {})
        if (
            cls in self._under
            or not _is_plain_model(schema, self._kinds)
            or not config.keys() <= _SAFE_CONFIG
        ):
            raise _NotClosedError
        _require(fields, "fields", "model_name", "computed_fields")
        self._under.append(cls)
        parts = {name: self._field(field) for name, field in fields["fields"].items()}
        self._under.pop()
        names, given = tuple(parts), frozenset(parts)
        shapes = _shapes(list(parts.values()))
        walks = [(name, part.walk) for name, part in parts.items() if part.walk is not None]
        is_mutable = self._kinds[cls].can_change

        def walk(model: Any, ids: list[int]) -> bool:  # Any: as in Walk
            values = model.__dict__
            if tuple(values) != names or tuple(map(type, values.values())) not in shapes:
                return False
            if not is_root and model.__pydantic_fields_set__ != given:
                ids.append(UNSET)
            if is_mutable:
                ids.append(id(model))
            for name, look in walks:  # noqa: SIM110 a generator costs more
                if not look(values[name], ids):
                    return False
            return True

        return walk

    def _field(self, field: Schema) -> _Closed:
        _require(field, "schema", "frozen")
        return self.closed(field["schema"])


def _require(schema: Schema, *known: str) -> None:
    """Nothing but these keys, and those that never matter, may stand in the schema."""
    if not schema.keys() <= {"type", "ref", "metadata", *known}:
        raise _NotClosedError


def _is_plain_model(schema: Schema, kinds: Kinds) -> bool:
    cls, config = schema["cls"], schema.get("config", {})
    return not (
        schema.get("root_model")
        or schema.get("custom_init")
        or schema["schema"]["type"] != "model-fields"
        or config.get("extra_fields_behavior") == "allow"
        or cls.__private_attributes__
        or kinds[cls].slots
    )


def _shapes(parts: list[_Closed]) -> Collection[tuple[type, ...]]:
    if prod(len(part.types) for part in parts) > _SHAPES:
        raise _NotClosedError
    return frozenset(product(*(part.types for part in parts)))


def _over(items: _Closed) -> Walk:
    """The walk over a collection, which notes the collection itself too."""
    types, look, look_at_all = items.types, items.walk, items.walk_all

    def walk(values: Any, ids: list[int]) -> bool:  # Any: as in Walk
        ids.append(id(values))
        if not types.issuperset(map(type, values)):
            return False
        if look_at_all is not None:
            return look_at_all(values)
        if look is not None:
            for value in values:
                if not look(value, ids):
                    return False
        return True

    return walk


def _without_itself(walk: Walk) -> Walk:
    """The same walk over what is immutable: that may stand at several places."""

    def walk_inside(value: Any, ids: list[int]) -> bool:  # Any: as in Walk
        inside: list[int] = []
        is_exact = walk(value, inside)
        ids += inside[1:]
        return is_exact

    return walk_inside


def _is_exact_moment(value: datetime, _ids: list[int]) -> bool:
    zone = value.tzinfo
    if value.fold:
        return False
    if type(zone) is TzInfo:
        offset = zone.utcoffset(None)
        return offset is None or offset.seconds % 60 == 0  # an offset is written in minutes
    return zone is None or zone is UTC


def _is_aware(value: datetime, ids: list[int]) -> bool:
    return value.tzinfo is not None and _is_exact_moment(value, ids)


_PLAIN_EQUALITY = (Enum.__eq__, str.__eq__, int.__eq__)
_LEAVES: Mapping[str, _Closed] = {
    "none": _Closed(frozenset({type(None)})),
    "bool": _Closed(frozenset({bool})),
    "str": _Closed(frozenset({str})),
    "uuid": _Closed(frozenset({UUID})),
    "date": _Closed(frozenset({date})),
    "int": _Closed(frozenset({int})),  # a long one is looked for in the JSON
    "float": _Closed(
        frozenset({float}),
        lambda value, _ids: isfinite(value),
        lambda values: all(map(isfinite, values)),
    ),
    "decimal": _Closed(
        frozenset({Decimal}),
        lambda value, _ids: value.is_finite(),
        lambda values: all(map(Decimal.is_finite, values)),
    ),
}
_COMPOSITES: Mapping[str, Callable[[_Compiler, Schema], _Closed]] = {
    "default": _Compiler.default,
    "json-or-python": _Compiler.json_or_python,
    "nullable": _Compiler.nullable,
    "datetime": _Compiler.datetime,
    "enum": _Compiler.enum,
    "literal": _Compiler.literal,
    "list": _Compiler.list,
    "set": _Compiler.set,
    "frozenset": _Compiler.frozenset,
    "dict": _Compiler.dict,
    "tuple": _Compiler.tuple,
    "model": _Compiler.model,
}
