"""The forms of annotations and classes."""

import types
import typing
from collections.abc import Callable
from dataclasses import is_dataclass
from enum import Enum
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    NewType,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from pydantic import BaseModel

from interlock._storage.revision_parts.labels import Form, Labels
from interlock._storage.revision_parts.owners import Owners, foreign_name, is_library

_UNIONS = (Union, types.UnionType)
_TYPING = {"typing", "typing_extensions"}


def is_annotation(value: object) -> bool:
    """Whether an object is a class or one of typing's own."""
    return isinstance(value, type) or get_origin(value) is not None or _is_of_typing(value)


class Annotations:
    """Makes the forms of annotations, and notes the classes in them that are to be looked into."""

    def __init__(self, owners: Owners, labels: Labels, form: Callable[[Any], Form]) -> None:
        self._owners = owners
        self._labels = labels
        self._form = form  # of what isn't an annotation: metadata, literals
        self._open: list[object] = []
        self.classes: list[type] = []

    def held(self, annotation: Any) -> Form:  # Any: whatever an annotation may be
        """The form of a field's type; models of other distributions are looked into, too."""
        return self._annotation(annotation, is_held=True)

    def used(self, annotation: Any) -> Form:  # Any: as above
        """The form of a type that code mentions; of another distribution its name."""
        return self._annotation(annotation, is_held=False)

    def _annotation(self, found: Any, *, is_held: bool) -> Form:  # Any: as above
        def each(items: typing.Iterable[Any]) -> tuple[Form, ...]:
            return tuple(self._annotation(item, is_held=is_held) for item in items)

        origin = get_origin(found)
        if origin is Annotated:
            return ("Annotated", *each([found.__origin__]), *map(self._form, found.__metadata__))
        if origin in _UNIONS:
            return ("Union", *each(get_args(found)))
        if origin is Literal:
            return ("Literal", *map(self._form, get_args(found)))
        if origin is not None:
            return ("of", *each([origin, *get_args(found)]))
        if isinstance(found, type):
            return ("class", self._class(found, is_held=is_held))
        if found is None:
            return ("class", "NoneType")
        if isinstance(found, list):  # of a callable's parameters
            return ("list", *each(found))
        if isinstance(found, str | ForwardRef):
            return ("name", found if isinstance(found, str) else found.__forward_arg__)
        return (
            type(found).__name__,
            str(getattr(found, "__name__", found)),
            *self._parts(found, each),
        )

    def _parts(
        self, found: Any, each: Callable[[typing.Iterable[Any]], tuple[Form, ...]]
    ) -> tuple[Form, ...]:
        """The types behind a name: of an alias, a new type, a type variable."""
        if any(found is other for other in self._open):
            return ()  # an alias that is made of itself
        self._open.append(found)
        try:
            if isinstance(found, NewType):
                return each([found.__supertype__])
            if isinstance(found, TypeVar):
                has_default = getattr(found, "has_default", bool)()
                default = [found.__default__] if has_default else []  # type: ignore[attr-defined] # 3.13
                return each([found.__bound__, *found.__constraints__, *default])
            return each([found.__value__]) if hasattr(found, "__value__") else ()
        finally:
            self._open.pop()

    def _class(self, cls: type, *, is_held: bool) -> str:
        if self._owners.is_own(cls.__module__) or (is_held and is_data(cls)):
            self.classes.append(cls)
            return self._labels.of_class(cls)
        return foreign_name(cls.__module__, cls.__qualname__)


def is_data(cls: type) -> bool:
    """Whether a class is a model, a dataclass, an enum, a NamedTuple or a TypedDict of a user's."""
    is_one = (
        issubclass(cls, BaseModel | Enum)
        or is_dataclass(cls)
        or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
        or hasattr(cls, "__required_keys__")
    )
    return is_one and not is_library(cls.__module__)


def _is_of_typing(value: object) -> bool:
    return type(value).__module__ in _TYPING
