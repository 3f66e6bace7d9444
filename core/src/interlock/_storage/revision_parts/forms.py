"""Canonical forms of loaded objects: the same for equal objects in every process.

A form is a nested tuple of texts. The application's own classes and functions stand in it by their
label alone and are noted as mentioned, so that each is looked into once, for itself.
"""

import copyreg
import functools
import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from types import FunctionType
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from interlock._storage.revision_parts.annotations import Annotations, is_annotation
from interlock._storage.revision_parts.labels import Form, Labels
from interlock._storage.revision_parts.owners import Owners, foreign_name
from interlock._storage.revision_parts.syntax import constant, digest
from interlock._storage.revision_parts.text import (
    CODE_FORM,
    NoSourceError,
    function_digest,
    is_rewritten_by_pytest,
)
from interlock._storage.revision_parts.wrappers import (
    closure_of,
    functions_in,
    is_compiled,
    is_found_by_name,
    is_generated,
    wrapped_in,
)

_CONSTANTS = (bool, int, float, complex, str, bytes, type(None), type(...))
_TEXTS = (Decimal, Fraction, UUID, PurePath)  # what versions of Python take apart differently
_SERVICES = {
    *("asyncio", "contextvars", "io", "logging", "os", "random", "socket", "thread", "threading"),
    *("interlock", "weakref"),
}
"""Modules whose objects do something, and hold nothing that decides."""

_FIELD = (
    *("alias", "validation_alias", "serialization_alias", "exclude", "exclude_if"),
    *("discriminator", "frozen", "init", "init_var", "kw_only", "validate_default"),
)
"""Settings of a field, beside its metadata, that do more than document it."""


class NotPlainError(Exception):
    """An object that isn't looked into where it was found."""


class Forms:
    """Makes the forms of one input, and notes what stands in them."""

    def __init__(self, owners: Owners, labels: Labels, also_own: str | None = None) -> None:
        self._owners = owners
        self._labels = labels
        self._annotations = Annotations(owners, labels, self.form)
        self._open: dict[int, str] = {}  # what is being looked into, and how deep
        self._known: dict[int, Form] = {}
        self._held: list[object] = []
        self._is_plain_only = False
        self._also_own = also_own  # a package whose functions are looked into here as well
        self.classes = self._annotations.classes
        self.functions: list[FunctionType] = []
        """The functions that are mentioned by their label."""
        self.seen: list[FunctionType] = []
        """The functions whose code is part of the form."""
        self.has_code_form = False
        self.not_from_text: list[str] = []
        self.untold: list[str] = []

    def form(self, value: Any) -> Form:  # Any: whatever a program holds
        """The form of any object; a digest of it where it is long, so that it stays short."""
        if type(value) in _CONSTANTS:
            return (constant(value),)
        key = id(value)
        if key in self._open:
            return ("again", self._open[key])
        if key not in self._known:
            self._open[key] = str(len(self._open))
            try:
                found = self._looked_into(value)
            finally:
                del self._open[key]
            is_short = all(isinstance(part, str) for part in found)
            self._known[key] = found if is_short else ("digest", digest(found))
            self._held.append(value)  # so that no other object gets its id
        return self._known[key]

    def _looked_into(self, value: Any) -> Form:
        try:
            return self._container(value) or self._callable(value) or self._object(value)
        except (NoSourceError, NotPlainError):
            raise
        except Exception as error:  # whatever an object raises that is looked at
            if len(self._open) > 1:
                raise  # the whole can't be told, of which it is a part
            self.untold.append(f"a {type(value).__qualname__} ({type(error).__name__})")
            return ("untold", type(value).__qualname__)

    def member(self, member: Any) -> Form:  # Any: whatever stands in a class
        """The form of what a class defines: of a method its code."""
        if isinstance(member, staticmethod | classmethod):
            return (type(member).__name__, self.member(member.__func__))
        if isinstance(member, FunctionType):
            return self._function(member, is_member=True)
        return self.form(member)

    def field(self, field: FieldInfo) -> Form:
        """A pydantic field, without what documents it."""
        is_generated = field.alias_priority == 1  # by the alias generator, when pydantic got to it
        settings = {
            name: value
            for name in _FIELD
            if (value := getattr(field, name, None)) not in (None, False)
            and not (is_generated and name.endswith("alias"))
        }
        return (
            "field",
            self._annotations.held(field.annotation),
            self.form(field.default),
            self.form(field.default_factory),
            self.form(settings),
            *map(self.form, field.metadata),
        )

    def is_named(self, value: Any) -> bool:  # Any: whatever a module holds
        """Whether a name is all of an object's form, so that code that loads it can hold this."""
        try:
            return self._is_named(value)
        except Exception:  # noqa: BLE001 of a proxy that stands for nothing yet
            return False

    def _is_named(self, value: Any) -> bool:
        if not isinstance(value, FunctionType):
            return is_annotation(value) or is_compiled(value) or _is_service(value)
        if self._owners.is_own(value.__globals__.get("__name__")):
            return is_found_by_name(value)
        names = (each.__globals__.get("__name__") for each in functions_in(value))
        return not any(map(self._owners.is_own, names))

    def label(self, cls: type) -> str:
        """The label of a class that is an input itself."""
        return self._labels.of_class(cls)

    def held(self, annotation: Any) -> Form:  # Any: whatever an annotation may be
        """The form of an annotation of a field: what such fields hold is looked into."""
        return self._annotations.held(annotation)

    def code(self, function: FunctionType) -> Form:
        """A function as it is: its code, defaults, closure, and what it wraps."""
        self.seen.append(function)
        with self._plain_only(is_on=False):
            return (
                "def",
                self._digest(function),
                self.form(function.__defaults__),
                self.form(function.__kwdefaults__),
                *((name, self.form(value)) for name, value in sorted(closure_of(function).items())),
                *self._plain_ones(function.__dict__),
            )

    def _container(self, value: Any) -> Form | None:
        kind = type(value)
        if kind in (list, tuple):
            return (kind.__name__, *map(self.form, value))
        if kind in (set, frozenset):
            return (kind.__name__, *sorted(map(self.form, value), key=ascii))
        if kind in (dict, types.MappingProxyType):
            return ("dict", *((self.form(key), self.form(item)) for key, item in value.items()))
        if isinstance(value, Enum):
            return ("member", self.form(kind), value.name)
        if is_annotation(value):
            return self._annotations.used(value)
        return ("text", kind.__name__, str(value)) if isinstance(value, _TEXTS) else None

    def _callable(self, value: Any) -> Form | None:
        if isinstance(value, FunctionType):
            return self._function(value)
        parts = wrapped_in(value)
        if parts:
            return (type(value).__name__, *map(self.form, parts))
        if isinstance(value, types.ModuleType):
            return ("module", foreign_name(None, value.__name__))
        if isinstance(getattr(value, "__wrapped__", None), FunctionType):
            return ("wrapper", type(value).__qualname__, self.form(value.__wrapped__))
        if not is_compiled(value):
            return None
        owner, name = getattr(value, "__self__", None), value.__name__
        if owner is not None and not isinstance(owner, types.ModuleType):
            return ("method", self.form(owner), name)
        holder = getattr(value, "__objclass__", value)
        module = getattr(holder, "__module__", None) or "builtins"
        if self._owners.is_own(module):
            raise NoSourceError(value.__qualname__)
        return ("foreign", foreign_name(module, value.__qualname__))

    def _function(self, function: FunctionType, *, is_member: bool = False) -> Form:
        module = function.__globals__.get("__name__")
        if is_generated(function):
            return ("generated",)
        if self._owners.is_own(module):
            if is_member or not is_found_by_name(function):
                return self.code(function)
            self.functions.append(function)
            return ("function", self._labels.of_function(function))
        name = foreign_name(module, function.__qualname__)
        if self._also_own is not None and self._also_own == str(module).partition(".")[0]:
            try:
                return self.code(function)
            except NoSourceError:
                return ("foreign", name)
        held = closure_of(function)
        if "validate_call_wrapper" in held:
            held["annotations"] = inspect.unwrap(function).__annotations__
        return ("foreign", name, *self._plain_ones(held))

    def _plain_ones(self, named: Mapping[str, Any]) -> list[Form]:
        """The values of a wrapper's closure or a function's attributes that have a form."""
        found: list[Form] = []
        for name, value in sorted(named.items()):
            if not name.startswith("__"):
                with self._plain_only(is_on=True), suppress(NotPlainError):
                    found.append((name, self.form(value)))
        return found

    @contextmanager
    def _plain_only(self, *, is_on: bool) -> Iterator[None]:
        before, self._is_plain_only = self._is_plain_only, is_on
        try:
            yield
        finally:
            self._is_plain_only = before

    def _digest(self, function: FunctionType) -> str:
        found = function_digest(function)
        if found.startswith(CODE_FORM):
            self.has_code_form = True
            if not is_rewritten_by_pytest(function.__globals__):
                self.not_from_text.append(function.__qualname__)
        return found

    def _object(self, value: Any) -> Form:
        """An object of any class: what it was made from, by its own account."""
        cls = type(value)
        if _is_service(value):
            return ("service", cls.__name__)
        if isinstance(value, FieldInfo):
            return self.field(value)
        if self._is_plain_only:
            raise NotPlainError
        if isinstance(value, TypeAdapter):
            adapted, config = value._type, value._config  # noqa: SLF001 it has no other word for it
            return ("adapter", self._annotations.used(adapted), self.form(config))
        if isinstance(value, BaseModel):
            state = {name: value.__dict__.get(name) for name in cls.model_fields}
            rest = (value.__pydantic_extra__, value.__pydantic_private__)
            return ("model", self.form(cls), self.form(state), *map(self.form, rest))
        if is_dataclass(value):
            return ("data", self.form(cls), self.form(_given(value)))
        if isinstance(value, re.Pattern):
            return ("pattern", self.form(value.pattern), str(value.flags))
        return self._taken_apart(value)

    def _taken_apart(self, value: Any) -> Form:
        cls = type(value)
        take_apart: Callable[[Any], Any] | None = copyreg.dispatch_table.get(cls)
        try:
            parts = take_apart(value) if take_apart else value.__reduce_ex__(4)
        except Exception:  # noqa: BLE001 whatever a class raises that can't be taken apart
            self.untold.append(f"the value of a {cls.__qualname__}")
            return ("untold", self.form(cls))
        if isinstance(parts, str):
            return ("named", parts)
        made_by, arguments, state, items, pairs = (*parts, None, None, None)[:5]
        if isinstance(state, dict):
            cached = {name for name in state if _is_cached(cls, name)}
            state = {name: item for name, item in state.items() if name not in cached}
        return (
            *("object", self.form(cls), self.form(made_by)),
            *(self.form(arguments), self.form(state)),
            *(self.form(list(more)) for more in (items, pairs) if more is not None),
        )


def _given(value: Any) -> dict[str, Any]:  # Any: a dataclass's object, and what it holds
    """The fields that differ from their defaults: libraries add fields."""
    given = {
        each.name: (getattr(value, each.name, MISSING), each.default) for each in fields(value)
    }
    return {name: found for name, (found, default) in given.items() if found is not default}


def _is_cached(cls: type, name: object) -> bool:
    found = inspect.getattr_static(cls, str(name), None)
    return isinstance(found, functools.cached_property)


def _is_service(value: object) -> bool:
    return type(value).__module__.partition(".")[0].lstrip("_") in _SERVICES
