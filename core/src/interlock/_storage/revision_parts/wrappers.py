"""Functions, and what they may be wrapped in."""

import functools
import inspect
import types
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import FunctionType
from typing import Any

_WRAPPERS: Mapping[type, tuple[str, ...]] = {
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    property: ("fget", "fset", "fdel"),
    types.MethodType: ("__func__", "__self__"),
    functools.cached_property: ("func",),
    functools.partial: ("func", "args", "keywords"),
    functools.partialmethod: ("func", "args", "keywords"),
    functools.singledispatchmethod: ("func", "dispatcher"),
    type(functools.cache(len)): ("__wrapped__",),
}
"""Wrappers of functions that aren't functions, each with the attribute that holds the function."""


def wrapped_in(value: Any) -> list[Any]:  # Any: whatever stands in a class
    """The parts of a wrapper that is no function; none for another object."""
    found = (names for kind, names in _WRAPPERS.items() if isinstance(value, kind))
    return [getattr(value, name) for name in next(found, ())]


def is_generated(function: FunctionType) -> bool:
    """Whether a dataclass or a NamedTuple made the function from its fields."""
    return function.__code__.co_filename.startswith("<") and (
        function.__code__.co_qualname.startswith("__create_fn__.")
        or str(function.__globals__.get("__name__")).startswith("namedtuple_")
    )


def closure_of(function: FunctionType) -> dict[str, Any]:  # Any: whatever a function closes over
    """The closure of a function, and the function that it wraps."""
    held = {}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        if name != "__class__":  # the class that defines it, whose members are inputs themselves
            with suppress(ValueError):  # nothing is in it yet
                held[name] = cell.cell_contents
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None and not any(value is wrapped for value in held.values()):
        held["wrapped"] = wrapped
    return held


def is_compiled(value: object) -> bool:
    """Whether something is a function that has no code object."""
    kind = type(value)
    is_known = kind.__module__ == "builtins" or "cython" in kind.__name__
    return is_known and inspect.isroutine(value)


def is_found_by_name(function: FunctionType) -> bool:
    """Whether a function is what stands under its name in its module."""
    first, *rest = function.__qualname__.split(".")
    found = function.__globals__.get(first)
    for name in rest:
        found = inspect.getattr_static(found, name, None)
    return getattr(found, "__func__", found) is function


def functions_in(member: object) -> Iterator[FunctionType]:
    """The functions that a member consists of, wrappers and what they wrap."""
    todo, done = [member], set[int]()
    while todo:
        found = todo.pop()
        if id(found) in done:
            continue
        done.add(id(found))
        if isinstance(found, FunctionType):
            yield found
            todo += closure_of(found).values()
        elif callable(found):
            todo.append(getattr(found, "__wrapped__", None))
        todo += wrapped_in(found)
