"""Whatever a public call takes or gives can be imported from a public module."""

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar, get_args, get_type_hints

from hypothesis.strategies import SearchStrategy

from interlock.application import Reason
from test_faces import PUBLIC

INTERNAL = {
    "interlock.application.Application.__init__",  # `ApplicationBuilder.build()` makes it
    "interlock.backends.AggregateMapper.fidelity",  # how the core compares values
    "interlock.testing.Outcome.__init__",  # `given(...).when(...)` makes it
}
"""What is no call of others, though it stands in a public class."""
OPTIONAL = {"SearchStrategy": SearchStrategy}
"""Types of libraries that the core doesn't import unless they are asked for."""


def exported() -> dict[str, object]:
    """Every public name with its module, and what it stands for."""
    found: dict[str, object] = {}
    for name in sorted(PUBLIC):
        module = import_module(name)
        listed = getattr(module, "__all__", None) or [
            each for each, value in vars(module).items() if inspect.isclass(value)
        ]
        found |= {f"{name}.{each}": getattr(module, each) for each in listed}
    return found


def signatures(thing: object) -> Iterator[tuple[str, Any]]:
    """The annotations of a function, or of a class's public attributes and methods, by name."""
    if inspect.isfunction(thing):
        yield "", get_type_hints(thing, localns=OPTIONAL)
    elif inspect.isclass(thing) and is_ours(thing):
        yield "", get_type_hints(thing)
        for name in dir(thing):
            if name.startswith("_") and name not in ("__init__", "__call__", "__aenter__"):
                continue
            member = inspect.getattr_static(thing, name)
            member = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
            if inspect.isfunction(member) and is_ours(member):
                yield f".{name}", get_type_hints(member)


def is_ours(thing: Any) -> bool:
    return str(thing.__module__).partition(".")[0] == "interlock"


def leaves(annotation: Any) -> Iterator[type]:
    """The classes that an annotation consists of."""
    if isinstance(annotation, list | tuple):
        for each in annotation:
            yield from leaves(each)
    elif isinstance(annotation, TypeVar):
        yield from leaves((annotation.__bound__, annotation.__constraints__))
    elif generic := getattr(annotation, "__pydantic_generic_metadata__", None):
        yield generic["origin"] or annotation
        yield from leaves(generic["args"])
    elif get_args(annotation):
        yield from leaves((getattr(annotation, "__origin__", None), get_args(annotation)))
    elif inspect.isclass(annotation):
        yield annotation


def missing(names: Mapping[str, object]) -> dict[str, set[str]]:
    """The classes of ours that no public module has, by the public calls that name them."""
    known = {value for value in names.values() if inspect.isclass(value)}
    found: dict[str, set[str]] = {}
    for name, thing in names.items():
        for member, hints in signatures(thing):
            public = [hint for attribute, hint in hints.items() if not attribute.startswith("_")]
            for leaf in leaves(public):
                if is_ours(leaf) and leaf not in known:
                    found.setdefault(f"{name}{member}", set()).add(leaf.__qualname__)
    return found


def test_whatever_a_public_call_takes_or_gives_is_public() -> None:
    found = missing(exported())
    assert {name: classes for name, classes in found.items() if name not in INTERNAL} == {}
    assert found.keys() >= INTERNAL


def test_a_class_that_is_not_exported_is_found() -> None:
    names = {name: thing for name, thing in exported().items() if thing is not Reason}
    assert missing(names)["interlock.application.Miss"] == {"Reason"}
