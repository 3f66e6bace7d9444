"""Which code a record was made by: a hash over what decides how events become a state."""

import ast
import hashlib
import inspect
import io
import textwrap
import tokenize
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import CodeType
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_json

from interlock.aggregate import Aggregate, tables_of
from interlock.codecs import Codec
from interlock.declarations import Tables
from interlock.errors import ConfigurationError

Function = Callable[..., Any]  # Any: only the source is looked at
Place = tuple[str, str, str]  # the class, the member's name, and which accessor of a property

_IGNORED_TOKENS = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
_LINE_ENDS = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def own_revision(cls: type[Aggregate]) -> str | None:
    """The class's explicit `revision`, if it declares one."""
    revision = cls.__dict__.get("revision")
    if revision is None or (isinstance(revision, str) and revision):
        return revision
    raise ConfigurationError(
        f"{cls.__name__}.revision is {revision!r}; a non-empty string is wanted"
    )


def compute_revision(cls: type[Aggregate], codec: Codec) -> str:
    """A hash over schemas, defaults, appliers, event models, upcasters, codec; not handlers.

    Functions outside of these classes aren't seen. Raises `ConfigurationError` where a source can't
    be read.
    """
    tables = tables_of(cls)
    digest = hashlib.blake2b(digest_size=8)
    for part in _parts(cls, tables, codec):
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


def _parts(cls: type[Aggregate], tables: Tables, codec: Codec) -> Iterator[bytes]:
    yield tables.name.encode()
    yield codec.name.encode()
    yield _schema(cls)
    yield to_json(cls(id=UUID(int=0)))
    for place, function in _functions_that_decide(cls, tables):
        yield ".".join(place).encode()
        yield _tokens(function)
    for event_class in sorted(tables.emits, key=lambda event: event.__qualname__):
        yield _schema(event_class)
        for place, function in sorted(_functions(event_class, BaseModel).items()):
            yield ".".join(place).encode()
            yield _tokens(function)


def _schema(cls: type[BaseModel]) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # a default that JSON can't show is in the functions or nowhere
        return to_json(_undescribed(cls.model_json_schema()))


def _undescribed(schema: Any) -> Any:  # Any: a JSON schema
    """The schema without titles and descriptions: those come from names and docstrings."""
    if isinstance(schema, list):
        return [_undescribed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _undescribed(value)
        for key, value in schema.items()
        if not (key in ("title", "description") and isinstance(value, str))
    }


def _functions(cls: type, root: type) -> dict[Place, Function]:
    """The functions defined on a class and its bases below `root`.

    A class is told by its place in the order of bases too: a base may have the same name.
    """
    found = {}
    for depth, base in enumerate(cls.__mro__):
        if base is root or not issubclass(base, root):
            continue
        for name, member in vars(base).items():
            for suffix, function in _unwrapped(member):
                if not function.__module__.startswith("pydantic"):
                    found[f"{depth} {base.__name__}", name, suffix] = function
    return found


def _unwrapped(member: object) -> Iterator[tuple[str, Function]]:
    if isinstance(member, staticmethod | classmethod):
        member = member.__func__
    if isinstance(member, property):
        accessors = {"get": member.fget, "set": member.fset, "delete": member.fdel}
        for suffix, function in accessors.items():
            if function is not None:
                yield suffix, function
        return
    member = getattr(member, "wrapped", member)  # pydantic's proxy around a decorated method
    member = getattr(member, "func", member)  # functools.cached_property
    if inspect.isfunction(member):
        yield "", inspect.unwrap(member)


def _functions_that_decide(cls: type[Aggregate], tables: Tables) -> list[tuple[Place, Function]]:
    """All but the handlers and what only they call, told by the names that a function mentions."""
    functions = _functions(cls, Aggregate)
    by_name: dict[str, set[Place]] = {}
    for place in functions:
        by_name.setdefault(place[1], set()).add(place)
    handlers: set[Place] = set()
    for handler in tables.handlers.values():
        handlers |= by_name.get(handler.function.__name__, set())
    roots = set(functions) - _reachable(handlers, functions, by_name)
    decide = roots | (_reachable(roots, functions, by_name) - handlers)
    return sorted((place, functions[place]) for place in decide)


def _reachable(
    start: set[Place], functions: Mapping[Place, Function], by_name: Mapping[str, set[Place]]
) -> set[Place]:
    found, todo = set(start), list(start)
    while todo:
        for name in _names(functions[todo.pop()].__code__):
            new = by_name.get(name, set()) - found
            found |= new
            todo.extend(new)
    return found


def _names(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def _tokens(function: Function) -> bytes:
    """The function's tokens, without comments, docstrings and layout."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise ConfigurationError(
            f"the source of {function.__qualname__} can't be read, so a change of it would go "
            'unseen; set `revision = "1"` on the aggregate and raise it whenever what events mean '
            "changes"
        ) from error
    docstrings, is_after_one = _docstring_lines(source), False
    kept = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _IGNORED_TOKENS:
            continue
        is_docstring = token.type == tokenize.STRING and token.start[0] in docstrings
        ends_one = is_after_one and token.type == tokenize.NEWLINE
        if not is_docstring and not ends_one:
            kept.append("" if token.type in _LINE_ENDS else token.string)
        is_after_one = is_docstring
    return "\0".join(kept).encode()


def _docstring_lines(source: str) -> set[int]:
    """The lines on which a docstring begins."""
    lines = set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            lines.add(node.body[0].lineno)
    return lines
