"""Aggregate classes whose appliers use nothing of an aggregate but its fields.

pydantic's `__setattr__` is a large part of what a replay costs. Where appliers do no more with an
aggregate than to read and assign fields, that of a plain object does the same, and nobody can tell:
see ADR 34.
"""

import ast
import inspect
import linecache
import textwrap
from abc import ABCMeta
from collections.abc import Callable, Collection
from types import CodeType, FunctionType
from typing import Any

from pydantic import BaseModel

from interlock._model.aggregate import Aggregate, routes_of

_REACHES_ITS_CALLER = frozenset({"super", "locals", "vars", "dir", "eval", "exec"})
_SLOTS = Aggregate.__bases__[0]
_PLAIN = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}

set_class: Callable[[object, type], None] = vars(object)["__class__"].__set__
"""Gives an object another class; pydantic's `__setattr__` is for fields."""


def bare_class_of(cls: type[Aggregate]) -> type[BaseModel] | None:
    """The class that an aggregate has while events are folded onto it; None if it keeps its own.

    It has the fields' places and no rules for them. Found out at the first call.
    """
    try:
        found: type[BaseModel] | None = cls.__dict__["__interlock_bare__"]
    except KeyError:
        found = _bare_class(cls) if _uses_fields_alone(cls) else None
        type.__setattr__(cls, "__interlock_bare__", found)
    return found


def _uses_fields_alone(cls: type[Aggregate]) -> bool:
    appliers = {entry.apply for entry in routes_of(cls).events.values()}
    return _has_no_rules(cls) and all(_is_of(cls.model_fields, each) for each in appliers)


def _has_no_rules(cls: type[Aggregate]) -> bool:
    """Whether any value may be assigned to any field, and nothing else happens."""
    config = cls.model_config
    is_checked = config.get("validate_assignment") or config.get("frozen")
    return (
        not is_checked
        and not any(field.frozen for field in cls.model_fields.values())
        and cls.__setattr__ is BaseModel.__setattr__
        and cls.__getattribute__ is object.__getattribute__
    )


def _bare_class(cls: type[Aggregate]) -> type[BaseModel] | None:
    # By ABCMeta's own __new__: pydantic's would make validators, which nobody asks for.
    bare = ABCMeta.__new__(type(cls), cls.__name__, (_SLOTS,), dict(_PLAIN))
    try:
        set_class(cls.__new__(cls), bare)
    except TypeError:  # it has slots of its own
        return None
    return bare


def _is_of(fields: Collection[str], applier: Callable[..., Any]) -> bool:
    """Whether the applier, by its source, uses its first parameter for these fields alone."""
    if type(applier) is not FunctionType:
        return False
    code = applier.__code__
    itself = code.co_varnames[0]
    function = _source_of(code)
    if function is None or itself in code.co_cellvars:
        return False
    of_fields = {
        id(node.value)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr in fields
    }
    return all(
        id(node) in of_fields if node.id == itself else node.id not in _REACHES_ITS_CALLER
        for node in ast.walk(function)
        if isinstance(node, ast.Name)
    )


def _source_of(code: CodeType) -> ast.FunctionDef | None:
    """The source of a function; None unless it compiles to this very code."""
    try:
        lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
        module = ast.parse(textwrap.dedent("".join(inspect.getblock(lines))))
        constants = compile(module, "", "exec", dont_inherit=True).co_consts
        function = module.body[0]
    except (SyntaxError, ValueError, IndexError):
        return None
    is_same = any(
        (each.co_code, each.co_names, each.co_varnames)
        == (code.co_code, code.co_names, code.co_varnames)
        for each in constants
        if isinstance(each, CodeType)
    )
    return function if isinstance(function, ast.FunctionDef) and is_same else None
