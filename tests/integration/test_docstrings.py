"""Every public method says what it does, or overrides one that does.

ruff's D102 asks for a docstring on overrides too, which could only repeat what the base says.
"""

import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

_ROOT = Path(__file__).parents[2]
PACKAGES = (
    "interlock",
    *sorted(path.name for path in _ROOT.glob("plugins/*/src/*/")),
    "interlock_conformance",
)
_METHODS = (classmethod, staticmethod, property, cached_property)


def public_modules(package: str) -> Iterator[ModuleType]:
    root = import_module(package)
    yield root
    for found in pkgutil.walk_packages(root.__path__, f"{package}."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            yield import_module(found.name)


@cache
def public_classes(package: str) -> frozenset[type]:
    """The package's classes that a public module has under a public name."""
    return frozenset(
        found
        for module in public_modules(package)
        for name in dir(module)
        if not name.startswith("_") and inspect.isclass(found := getattr(module, name))
        if f"{found.__module__}.".startswith(f"{package}.")
    )


@cache
def protocols(package: str) -> frozenset[type]:
    """The protocols that a class of the package may implement: its own, and the core's."""
    classes = public_classes(package) | public_classes("interlock")
    return frozenset(base for cls in classes for base in cls.__mro__ if is_protocol(base))


def is_protocol(cls: type) -> bool:
    return bool(getattr(cls, "_is_protocol", False))


def is_method(value: object) -> bool:
    return inspect.isfunction(value) or isinstance(value, _METHODS)


def implements(cls: type, protocol: type) -> bool:
    """Whether a class has the protocol's methods: it need not derive from it."""
    names = {
        name
        for base in protocol.__mro__
        for name, value in vars(base).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }
    return bool(names) and all(callable(getattr(cls, name, None)) for name in names)


def has_docstring(package: str, cls: type, name: str) -> bool:
    kinds = [*cls.__mro__]
    if not is_protocol(cls):
        kinds += (protocol for protocol in protocols(package) if implements(cls, protocol))
    return any(getattr(vars(kind).get(name), "__doc__", None) for kind in kinds)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_method_has_a_docstring_or_overrides_one_that_has(package: str) -> None:
    without = [
        f"{cls.__module__}.{cls.__qualname__}.{name}"
        for cls in public_classes(package)
        for name, value in vars(cls).items()
        if is_method(value) and not name.startswith("_")
        if not has_docstring(package, cls, name)
    ]
    assert sorted(without) == []
