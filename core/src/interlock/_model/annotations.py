"""Resolves annotations of methods, and compares a handler's return type with its command's."""

import inspect
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from interlock._model.command import answer_of
from interlock.errors import ConfigurationError

_PROMOTED = ((int, float), (int | float, complex), (bytearray | memoryview, bytes))
"""Types that type checkers accept for a class from which they aren't derived."""
_HOLD_ITEMS = (list, set, frozenset, dict)


def parameter_type(function: Callable[..., object]) -> Any:  # Any: a type form
    """Resolve the annotation of the parameter after `self`, and no other one.

    Raises `ConfigurationError` if it can't be resolved.
    """
    parameter = list(inspect.signature(function).parameters.values())[1]
    if parameter.annotation is inspect.Parameter.empty:
        raise ConfigurationError(
            f"{function.__qualname__}: {parameter.name!r} has no annotation; repeat that of the "
            "method which is overridden"
        )
    try:
        return _resolved(parameter.annotation, _namespace(function))
    except Exception as error:
        raise ConfigurationError(
            f"{function.__qualname__}: {_written(parameter.annotation)}, the annotation of "
            f"{parameter.name!r}, can't be resolved ({error}); import the class outside of `if "
            "TYPE_CHECKING:`, define it at module level, or leave out `from __future__ import "
            "annotations`"
        ) from error


def check_answer(function: Callable[..., object], command: type) -> None:
    """Raise `ConfigurationError` for a handler whose return type contradicts its command.

    What has no annotation, or can't be resolved or compared, may be right.
    """
    annotation = inspect.signature(function).return_annotation
    if annotation is inspect.Signature.empty:
        return
    try:
        found = _resolved(annotation, _namespace(function))
        promised = _resolved(answer_of(command), vars(sys.modules[command.__module__]))
        if may_be(found, promised):
            return
    except Exception:  # noqa: BLE001 an annotation is whatever somebody wrote
        return
    returned, wanted = _written(found), _written(promised)
    raise ConfigurationError(
        f"{function.__qualname__} returns {returned}, and {command.__name__} is a "
        f"Command[{wanted}]: dispatch would promise the one and give the other; change the "
        f"handler's annotation, or write `class {command.__name__}(Command[{returned}])`"
    )


def may_be(found: Any, wanted: Any) -> bool:  # Any: type forms
    """Whether a value of the type `found` may be of the type `wanted`.

    Only what can't be is told: a type variable, a form that isn't known and a class that can't be
    asked about may be anything.
    """
    others = list(_alternatives(wanted))
    return all(any(_one_may_be(one, other) for other in others) for one in _alternatives(found))


def _one_may_be(found: Any, wanted: Any) -> bool:  # Any: type forms
    cls, base = _class(found), _class(wanted)
    if found == wanted or cls is None or base is None or cls is object:
        return True
    if cls is base and cls in _HOLD_ITEMS:
        return all(map(may_be, get_args(found), get_args(wanted)))
    return _passes_for(cls, base) or (
        issubclass(cls, Awaitable) and may_be((get_args(found) or (Any,))[-1], wanted)
    )


def _passes_for(cls: type, base: type) -> bool:
    try:
        is_derived = issubclass(cls, base)
    except TypeError:
        return True  # a protocol or a TypedDict answers nothing
    return is_derived or any(issubclass(cls, one) and base is other for one, other in _PROMOTED)


def _alternatives(form: Any) -> Iterator[Any]:  # Any: type forms
    """The types of a union, without the names that were given to them; else the form itself."""
    while isinstance(form, NewType) or type(form).__name__ == "TypeAliasType":
        form = form.__supertype__ if isinstance(form, NewType) else form.__value__
    origin = get_origin(form)
    if origin is Union or origin is UnionType:
        for each in get_args(form):
            yield from _alternatives(each)
    elif origin is Literal:
        yield from map(type, get_args(form))
    elif origin is Annotated:
        yield from _alternatives(get_args(form)[0])
    else:
        yield NoneType if form is None else form


def _written(form: Any) -> str:  # Any: a type form
    if isinstance(form, str):
        return form
    return "None" if form is NoneType else inspect.formatannotation(form)


def _class(form: Any) -> type | None:  # Any: a type form
    """The class of a form, less what stands in its brackets; None for another kind of form."""
    generic = getattr(form, "__pydantic_generic_metadata__", {}).get("origin")
    found = generic or get_origin(form) or form
    return found if isinstance(found, type) and Any not in found.__mro__ else None


def _resolved(annotation: object, namespace: Mapping[str, Any]) -> Any:  # Any: names' values
    holder = SimpleNamespace(__annotations__={"it": annotation})
    return get_type_hints(holder, dict(namespace))["it"]


def _namespace(function: Callable[..., object]) -> Mapping[str, Any]:  # Any: as above
    """The namespace in which a function's annotations are evaluated."""
    found = inspect.unwrap(function)
    parameters = getattr(found, "__type_params__", ())
    return {**getattr(found, "__globals__", {}), **{each.__name__: each for each in parameters}}
