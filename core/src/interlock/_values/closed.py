"""Types whose JSON loses nothing as long as each value has exactly the type that is declared.

One check of a state of such a type tells that its record is exact, without decoding it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from itertools import chain, product
from math import isfinite, prod
from operator import attrgetter
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import TzInfo

from interlock._values.comparing import Kinds
from interlock._values.schemas import Schema, schema_of

Check = Callable[[Collection[Any], list[int]], bool]  # Any: whatever a field holds
"""Whether the JSON of all these values, which have the types that are declared, is exact.

Notes the ids of the mutable objects that it meets, and `UNSET` if a model below the root has unset
names: those its JSON can't say.
"""
UNSET = 0
Walk = Callable[[Any, list[int]], bool]  # Any: an object of the class, or of another
"""As `Check`, of one object; its own unset names aren't noted."""

_SHAPES = 64
_SAFE_CONFIG = frozenset(
    {"title", "from_attributes", "extra_fields_behavior", "validate_default"}
    | {"validate_assignment", "validate_by_name", "validate_by_alias"}
)
_fields_set_of = attrgetter("__pydantic_fields_set__")


class _NotClosedError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Closed:
    """The types that a value may have, and what else is to be looked at."""

    types: frozenset[type]
    check: Check | None = None


def closed_walk(cls: type[BaseModel], kinds: Kinds) -> Walk | None:
    """The check of an object of a model class; None if the class isn't closed."""
    schema, definitions = schema_of(cls)
    compiler = _Compiler(definitions, kinds)
    try:
        schema = compiler.resolved(schema)
        return compiler.root(schema) if schema["type"] == "model" else None
    except _NotClosedError:
        return None


class _Compiler:
    """Makes checks of core schemas; whatever it doesn't know in one makes that not closed."""

    def __init__(self, definitions: Mapping[str, Schema], kinds: Kinds) -> None:
        self._definitions = definitions
        self._kinds = kinds
        self._under: list[type] = []

    def resolved(self, schema: Schema) -> Schema:
        while schema["type"] == "definition-ref":
            _require(schema, "schema_ref")
            schema = self._definitions[schema["schema_ref"]]
        return schema

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

    def of_default(self, schema: Schema) -> _Closed:
        _require(schema, "default", "default_factory", "default_factory_takes_data", "schema")
        return self.closed(schema["schema"])

    def of_json(self, schema: Schema) -> _Closed:
        _require(schema, "json_schema", "python_schema")
        return self.closed(schema["json_schema"])

    def of_nullable(self, schema: Schema) -> _Closed:
        _require(schema, "schema")
        inner = self.closed(schema["schema"])
        types, check = inner.types | {type(None)}, inner.check
        if check is None:
            return _Closed(types)
        return _Closed(
            types,
            lambda values, ids: check([value for value in values if value is not None], ids),
        )

    def of_datetime(self, schema: Schema) -> _Closed:
        _require(schema, "microseconds_precision", "tz_constraint")
        constraint = schema.get("tz_constraint")
        if constraint not in (None, "aware"):
            raise _NotClosedError
        return _Closed(frozenset({datetime}), _are_aware if constraint else _are_exact_moments)

    def of_enum(self, schema: Schema) -> _Closed:
        _require(schema, "cls", "members", "sub_type")
        cls, members = schema["cls"], schema["members"]
        types = {type(member.value) for member in members}
        is_plain = types in ({str}, {int}) and cls._missing_.__func__ is _GUESSES_NOTHING
        if not is_plain or cls.__eq__ not in _PLAIN_EQUALITY:
            raise _NotClosedError
        return _Closed(frozenset({cls}))

    def of_literal(self, schema: Schema) -> _Closed:
        _require(schema, "expected")
        expected = frozenset(schema["expected"])
        types = frozenset(map(type, expected))
        if not types <= {str} and not types <= {int}:
            raise _NotClosedError
        return _Closed(types, lambda values, _ids: expected.issuperset(values))

    def of_list(self, schema: Schema) -> _Closed:
        return _Closed(frozenset({list}), _noting(self._items(schema)))

    def of_set(self, schema: Schema) -> _Closed:
        return _Closed(frozenset({set}), _noting(self._elements(schema)))

    def of_frozenset(self, schema: Schema) -> _Closed:
        return _Closed(frozenset({frozenset}), _over(self._elements(schema)))

    def of_dict(self, schema: Schema) -> _Closed:
        _require(schema, "keys_schema", "values_schema")
        if "values_schema" not in schema:
            raise _NotClosedError
        keys, values = (self.closed(schema[name]) for name in ("keys_schema", "values_schema"))
        if keys is not _LEAVES["str"]:
            raise _NotClosedError
        over_keys, over_values = _over(keys), _over(values)

        def check(found: Collection[Any], ids: list[int]) -> bool:  # Any: as in Check
            ids += map(id, found)
            return over_keys(found, ids) and over_values([each.values() for each in found], ids)

        return _Closed(frozenset({dict}), check)

    def of_tuple(self, schema: Schema) -> _Closed:
        _require(schema, "items_schema", "variadic_item_index")
        items = schema["items_schema"]
        if "variadic_item_index" in schema and len(items) == 1:
            return _Closed(frozenset({tuple}), _over(self.closed(items[0])))
        if "variadic_item_index" in schema:
            raise _NotClosedError
        parts = [self.closed(item) for item in items]
        shapes = _shapes(parts)

        def check(found: Collection[Any], ids: list[int]) -> bool:  # Any: as in Check
            return shapes.issuperset([tuple(map(type, value)) for value in found]) and all(
                part.check is None or part.check([value[index] for value in found], ids)
                for index, part in enumerate(parts)
            )

        return _Closed(frozenset({tuple}), check)

    def root(self, schema: Schema) -> Walk:
        cls, parts = schema["cls"], self._fields(schema)
        names, shapes = tuple(parts), _shapes(parts.values())
        checks = [(name, part.check) for name, part in parts.items() if part.check is not None]

        def walk(model: Any, ids: list[int]) -> bool:  # Any: as in Walk
            values = model.__dict__
            if type(model) is not cls or tuple(values) != names:
                return False
            if tuple(map(type, values.values())) not in shapes:
                return False
            ids.append(id(model))
            for name, check in checks:  # noqa: SIM110 a generator costs more
                if not check((values[name],), ids):
                    return False
            return True

        return walk

    def of_model(self, schema: Schema) -> _Closed:
        cls, parts = schema["cls"], self._fields(schema)
        orders, given, shapes = {tuple(parts)}, set(parts), _shapes(parts.values())
        checks = [(name, part.check) for name, part in parts.items() if part.check is not None]
        can_change = self._kinds[cls].can_change

        def check(models: Collection[Any], ids: list[int]) -> bool:  # Any: as in Check
            values = [model.__dict__ for model in models]
            if not orders.issuperset(map(tuple, values)) or not shapes.issuperset(
                [tuple(map(type, each.values())) for each in values]
            ):
                return False
            if can_change:
                ids += map(id, models)
            if not all(map(given.__eq__, map(_fields_set_of, models))):
                ids.append(UNSET)
            return all(look([each[name] for each in values], ids) for name, look in checks)

        return _Closed(frozenset({cls}), check)

    def _fields(self, schema: Schema) -> dict[str, _Closed]:
        _require(schema, "cls", "config", "schema", "custom_init", "root_model")
        cls, fields = schema["cls"], schema["schema"]
        if cls in self._under or not _is_plain_model(schema, self._kinds):
            raise _NotClosedError
        _require(fields, "fields", "model_name", "computed_fields")
        self._under.append(cls)
        parts = {name: self._field(field) for name, field in fields["fields"].items()}
        self._under.pop()
        return parts

    def _field(self, field: Schema) -> _Closed:
        _require(field, "schema", "frozen")
        return self.closed(field["schema"])

    def _items(self, schema: Schema) -> _Closed:
        _require(schema, "items_schema")
        if "items_schema" not in schema:
            raise _NotClosedError
        return self.closed(schema["items_schema"])

    def _elements(self, schema: Schema) -> _Closed:
        items = self._items(schema)
        if any(issubclass(cls, BaseModel | tuple | frozenset) for cls in items.types):
            raise _NotClosedError
        return items


def _require(schema: Schema, *known: str) -> None:
    """Nothing but these keys, and those that never matter, may stand in the schema."""
    if not schema.keys() <= {"type", "ref", "metadata", *known}:
        raise _NotClosedError


def _is_plain_model(schema: Schema, kinds: Kinds) -> bool:
    cls, config = schema["cls"], schema.get("config", {})
    return not (
        schema.get("custom_init")
        or schema["schema"]["type"] != "model-fields"
        or not config.keys() <= _SAFE_CONFIG
        or config.get("extra_fields_behavior") == "allow"
        or kinds[cls].slots
    )


def _shapes(parts: Collection[_Closed]) -> frozenset[tuple[type, ...]]:
    if prod(len(part.types) for part in parts) > _SHAPES:
        raise _NotClosedError
    return frozenset(product(*(part.types for part in parts)))


def _over(items: _Closed) -> Check:
    """The check of collections by what they hold."""
    types, check = items.types, items.check

    def check_items(found: Collection[Any], ids: list[int]) -> bool:  # Any: as in Check
        if not types.issuperset(map(type, chain.from_iterable(found))):
            return False
        return check is None or check(list(chain.from_iterable(found)), ids)

    return check_items


def _noting(items: _Closed) -> Check:
    """As `_over`, of collections that can change."""
    check_items = _over(items)

    def check(found: Collection[Any], ids: list[int]) -> bool:  # Any: as in Check
        ids += map(id, found)
        return check_items(found, ids)

    return check


def _is_exact_moment(value: datetime) -> bool:
    zone = value.tzinfo
    if value.fold:
        return False
    if type(zone) is TzInfo:
        offset = zone.utcoffset(None)
        return offset is None or offset.seconds % 60 == 0  # an offset is written in minutes
    return zone is None or zone is UTC


def _are_exact_moments(values: Collection[datetime], _ids: list[int]) -> bool:
    return all(map(_is_exact_moment, values))


def _are_aware(values: Collection[datetime], ids: list[int]) -> bool:
    return all(value.tzinfo is not None for value in values) and _are_exact_moments(values, ids)


_GUESSES_NOTHING = Enum._missing_.__func__  # type: ignore[attr-defined] # a class method has one
_PLAIN_EQUALITY = (Enum.__eq__, str.__eq__, int.__eq__)
_LEAVES: Mapping[str, _Closed] = {
    "none": _Closed(frozenset({type(None)})),
    "bool": _Closed(frozenset({bool})),
    "str": _Closed(frozenset({str})),
    "uuid": _Closed(frozenset({UUID})),
    "date": _Closed(frozenset({date})),
    "int": _Closed(frozenset({int})),  # a long one is looked for in the JSON
    "float": _Closed(frozenset({float}), lambda values, _ids: all(map(isfinite, values))),
    "decimal": _Closed(
        frozenset({Decimal}), lambda values, _ids: all(map(Decimal.is_finite, values))
    ),
}
_COMPOSITES: Mapping[str, Callable[[_Compiler, Schema], _Closed]] = {
    "default": _Compiler.of_default,
    "json-or-python": _Compiler.of_json,
    "nullable": _Compiler.of_nullable,
    "datetime": _Compiler.of_datetime,
    "enum": _Compiler.of_enum,
    "literal": _Compiler.of_literal,
    "list": _Compiler.of_list,
    "set": _Compiler.of_set,
    "frozenset": _Compiler.of_frozenset,
    "dict": _Compiler.of_dict,
    "tuple": _Compiler.of_tuple,
    "model": _Compiler.of_model,
}
