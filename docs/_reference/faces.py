"""The names that a face offers, each documented by its docstring."""

from importlib import import_module
from inspect import isclass

from interlock import errors
from members import documented


def names(face: str, *chosen: str) -> str:
    """Every name in the face's `__all__`, or those that are chosen."""
    return "\n\n".join(documented(face, name) for name in _chosen(face, chosen))


def directives(face: str, *chosen: str) -> str:
    """The same for the site, where mkdocstrings makes links of types and names."""
    options = ""
    if face == errors.__name__:
        options = "\n    options: { show_bases: true, merge_init_into_class: false }"
    return "\n\n".join(f"::: {face}.{name}{options}" for name in _chosen(face, chosen))


def _chosen(face: str, chosen: tuple[str, ...]) -> list[str]:
    if face == errors.__name__:
        return _errors()
    return list(chosen or import_module(face).__all__)


def _errors() -> list[str]:
    """In the order of the module: what is derived from comes first."""
    return [name for name, value in vars(errors).items() if isclass(value) and _is_own(value)]


def _is_own(value: type) -> bool:
    return value.__module__ == errors.__name__
