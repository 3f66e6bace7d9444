"""The parts of a class that decide a state: its fields, its settings, its members."""

import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import groupby
from types import FunctionType
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from interlock._model.aggregate import Aggregate
from interlock._storage.revision_parts.forms import Forms
from interlock._storage.revision_parts.labels import Form
from interlock._storage.revision_parts.owners import Owners, is_framework
from interlock._storage.revision_parts.wrappers import functions_in, is_generated, wrapped_in

_ROUTING = {"former_names", "reads_revisions", "revision", "schema_version", "type_name"}
_GIVEN = {"_abc_impl", "_asdict", "_fields", "_field_defaults", "_make", "_replace", "model_config"}
"""Attributes of classes that their author didn't write, or that are inputs of their own."""

_DOCUMENTS = {
    *("field_title_generator", "hide_input_in_errors", "json_schema_extra"),
    *("json_schema_mode_override", "json_schema_serialization_defaults_required", "defer_build"),
    *("model_title_generator", "plugin_settings", "protected_namespaces", "schema_generator"),
    *("title", "use_attribute_docstrings", "validation_error_cause"),
}
"""Settings of a model's configuration that change nothing stored or computed."""

_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_DECORATOR = ("fields", "mode", "when_used", "alias")


def users_bases(cls: type, owners: Owners) -> list[type]:
    """The class and its bases, without those of libraries."""
    return [base for base in cls.__mro__ if not owners.is_library(base.__module__)]


def _bases(cls: type, forms: Forms, owners: Owners) -> Form:
    """The order of bases, and a metaclass that is no library's."""

    def label(base: type) -> str:
        if not owners.is_library(base.__module__):
            return forms.label(base)
        return "framework" if is_framework(base.__module__) else base.__name__

    labels = [each for each, _ in groupby(map(label, cls.__mro__))]  # of a framework any number
    kind = type(cls)
    return (*labels, *(() if owners.is_library(kind.__module__) else (forms.form(kind),)))


def _config(cls: type, forms: Forms, _: Owners) -> Form:
    """Pydantic's settings, without what they document."""
    given = {**getattr(cls, "model_config", {}), **getattr(cls, "__pydantic_config__", {})}
    named, aliased = given.pop("populate_by_name", False), given.pop("validate_by_alias", True)
    if given.pop("validate_by_name", named or not aliased):
        given["validate_by"] = "name and alias" if aliased else "name"  # however it was said
    given = {name: value for name, value in sorted(given.items()) if name not in _DOCUMENTS}
    return forms.form(given) if given else ()


def _fields(cls: type, forms: Forms, _: Owners) -> Form:
    """The fields of a model and the like; the members of an enum."""
    return tuple(_content(cls, forms))


def _validators(cls: type, forms: Forms, _: Owners) -> Form:
    """Which members are validators and serializers, and of what."""
    return tuple(_decorators(cls, forms))


TRAITS: Mapping[str, Callable[[type, Forms, Owners], Form]] = {
    "bases": _bases,
    "fields": _fields,
    "model_config": _config,
    "validators": _validators,
}
"""The form of a class as a whole; an empty form says nothing."""


def members(cls: type, owners: Owners) -> dict[str, Any]:  # Any: whatever stands in a class
    """The members that a class itself defines besides its fields, in alphabetical order."""
    left_out = _GIVEN | set(getattr(cls, "__dataclass_fields__", ()))
    left_out |= set(getattr(cls, "__members__", ())) | set(getattr(cls, "_fields", ()))
    if issubclass(cls, BaseModel):
        left_out |= _ROUTING
    return {
        name: member
        for name, member in sorted(vars(cls).items())
        if name not in left_out and not _is_given(name, member, owners)
    }


def _content(cls: type, forms: Forms) -> Iterator[Form]:
    if issubclass(cls, BaseModel):
        yield from _model(cls, forms)
    elif issubclass(cls, Enum):
        yield from ((name, forms.form(member.value)) for name, member in cls.__members__.items())
    elif is_dataclass(cls):
        yield from _dataclass(cls, forms)
    elif (issubclass(cls, tuple) and hasattr(cls, "_fields")) or hasattr(cls, "__required_keys__"):
        yield from ((name, forms.held(hint)) for name, hint in _hints(cls).items())
        for name in ("_field_defaults", "__total__", "__required_keys__"):
            if hasattr(cls, name):
                yield (name, forms.form(getattr(cls, name)))


def _model(cls: type[BaseModel], forms: Forms) -> Iterator[Form]:
    if not cls.__pydantic_complete__:
        cls.model_rebuild(raise_errors=False)
    generic = cls.__pydantic_generic_metadata__
    yield from (forms.held(each) for each in (*generic["args"], *generic["parameters"]))
    for name, field in cls.model_fields.items():
        if not _is_aggregates(cls, name):
            yield (name, forms.field(field))
    for name, private in cls.__private_attributes__.items():
        yield (name, forms.form(private.default), forms.form(private.default_factory))


def _dataclass(cls: type, forms: Forms) -> Iterator[Form]:
    parameters = getattr(cls, "__dataclass_params__", None)
    for name in ("eq", "frozen", "order"):
        yield (name, forms.form(getattr(parameters, name, None)))
    hints = _hints(cls)
    pydantics: Mapping[str, FieldInfo] = getattr(cls, "__pydantic_fields__", {})
    for field in fields(cls):
        default = (forms.form(field.default), forms.form(field.default_factory))
        settings = {"init": field.init, "kw_only": field.kw_only, **field.metadata}
        hint = hints.get(field.name, field.type)
        more = [forms.field(pydantics[field.name])] if field.name in pydantics else []
        yield (field.name, forms.held(hint), *default, forms.form(settings), *more)


def _is_aggregates(cls: type, name: str) -> bool:
    """Whether a class has a field or a decorated method as `Aggregate` declares it."""
    if not issubclass(cls, Aggregate):
        return False
    below = cls.__mro__[: cls.__mro__.index(Aggregate)]
    declared = (name in vars(base) or name in inspect.get_annotations(base) for base in below)
    return name in _aggregates_names() and not any(declared)


@functools.cache
def _aggregates_names() -> set[str]:
    return set(Aggregate.model_fields).union(*decorated(Aggregate).values())


def _decorators(cls: type, forms: Forms) -> Iterator[Form]:
    for kind, found in decorated(cls).items():
        for name, decorator in sorted(found.items()):
            told = {each: getattr(decorator.info, each, None) for each in _DECORATOR}
            if kind.endswith("serializers"):
                told["return_type"] = decorator.info.return_type
            if not _is_aggregates(cls, name):
                yield (kind, name, forms.form(told))


def decorated(cls: type) -> dict[str, Mapping[str, Any]]:  # Any: pydantic's own descriptions
    """Pydantic's validators, serializers and computed fields of a class, by their kind."""
    decorators = getattr(cls, "__pydantic_decorators__", None)
    kinds = () if decorators is None else (each.name for each in fields(decorators))
    found = {kind: getattr(decorators, kind) for kind in sorted(kinds)}
    return {kind: members for kind, members in found.items() if isinstance(members, dict)}


def _hints(cls: type) -> dict[str, Any]:  # Any: annotations
    with suppress(Exception):  # of whatever an annotation raises that can't be resolved
        return typing.get_type_hints(cls, include_extras=True)
    return dict(getattr(cls, "__annotations__", {}))


def _is_given(name: str, member: object, owners: Owners) -> bool:
    """Whether Python or a library put it there, and no code of a user's is in it."""
    if name.startswith("__pydantic") or isinstance(member, _SLOTS):
        return True
    if name.startswith("_") and name.endswith("_"):
        if not (isinstance(member, FunctionType) or wrapped_in(member)):
            return True
    elif str(getattr(member, "__module__", "")).partition(".")[0] != "pydantic":
        return False
    return all(
        is_generated(function) or owners.is_library(function.__globals__.get("__name__"))
        for function in functions_in(member)
    )
