"""Finding a fragment in a source, and replacing it."""

import ast
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import partial
from string import Formatter
from typing import Any, cast

from interlock_conformance.mutation.errors import EditError
from interlock_conformance.mutation.fragments import Fragment, Kind, code
from interlock_conformance.mutation.targets import blocks

Places = Iterator[Callable[[], None]]
"""For each place, what makes the edit there."""

_READ = ast.Load()
_NAMED = (Kind.NAMED, Kind.NOTHING)


def code_places(root: ast.Module, before: Fragment, after: Fragment) -> Places:
    """The places of a fragment. Raises `EditError` if the other can't stand there."""
    match before.kind, after.kind:
        case Kind.EXPRESSION, Kind.EXPRESSION:
            yield from _expressions(root, before.nodes[0], after.nodes[0])
        case Kind.HEAD, Kind.HEAD if len(before.nodes) == 1:
            yield from _heads(root, before.nodes[0], after.nodes)
        case Kind.DECORATORS, Kind.DECORATORS | Kind.NOTHING:
            for node in ast.walk(root):
                yield from _runs(getattr(node, "decorator_list", []), before.nodes, after.nodes)
        case (Kind.HEAD | Kind.DECORATORS, _) | (_, Kind.HEAD | Kind.DECORATORS):
            kinds = f"{before.kind.name.lower()} by {after.kind.name.lower()}"
            raise EditError(f"one head, and decorators, are replaced by their like, not {kinds}")
        case Kind.NOTHING, _:
            yield partial(_end(root).extend, cast("list[ast.stmt]", after.statements))
        case _:
            for node in ast.walk(root):
                for block in blocks(node):
                    yield from _runs(block, before.statements, after.statements)
            if before.kind is Kind.NAMED and after.kind in _NAMED:
                yield from _arguments(root, before.nodes[0], after.nodes)


def text_places(root: ast.Module, before: str, after: str) -> Places:
    """The places of a text in strings and f-strings that are no docstrings."""
    for parent, node, put in _children(root):
        match node:
            case _ if isinstance(parent, ast.Expr | ast.JoinedStr | ast.FormattedValue):
                continue
            case ast.Constant(str(text)):
                make: Callable[[str], ast.expr] = ast.Constant
            case ast.JoinedStr():
                text, make = _text(node), _formatted
            case _:
                continue
        for _ in range(text.count(before)):
            yield partial(put, make(text.replace(before, after)))


def _end(root: ast.Module) -> list[ast.stmt]:
    match root.body:
        case [ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body)]:
            return body
        case [ast.ClassDef(body=body)]:
            return body
        case _:
            return root.body


def _expressions(root: ast.Module, before: ast.AST, after: ast.AST) -> Places:
    for parent, node, put in _children(root):
        if not isinstance(parent, ast.JoinedStr) and _is_same(node, before):
            yield partial(put, after)


def _children(root: ast.AST) -> Iterator[tuple[ast.AST, ast.AST, Callable[[ast.AST], None]]]:
    """Each expression with its parent, and what puts another one in its place."""
    for parent in ast.walk(root):
        for name, value in ast.iter_fields(parent):
            if isinstance(value, list):
                for place, item in enumerate(value):
                    if isinstance(item, ast.expr):
                        yield parent, item, partial(value.__setitem__, place)
            elif isinstance(value, ast.expr):
                yield parent, value, partial(setattr, parent, name)


def _heads(root: ast.Module, before: ast.AST, after: Sequence[ast.AST]) -> Places:
    for node in ast.walk(root):
        if type(node) is type(before) and code(_bare(node)) == code(before):
            yield partial(_put_head, root, node, after)


def _bare(node: ast.AST) -> ast.AST:
    """The head alone."""
    bare = copy(node)
    kept = {"body": [ast.Pass()], "orelse": [], "decorator_list": []}
    vars(bare).update({name: kept[name] for name in kept if hasattr(node, name)})
    return bare


def _put_head(root: ast.AST, old: ast.AST, new: Sequence[ast.AST]) -> None:
    head = new[-1]
    for name in ("body", "orelse", "decorator_list"):
        if hasattr(head, name):
            setattr(head, name, getattr(old, name, []))
        elif getattr(old, name, []):
            raise EditError(f"a head that loses what its statement has as {name}: {code(head)}")
    for parent in ast.walk(root):
        for _, value in ast.iter_fields(parent):
            if isinstance(value, list) and old in value:
                place = value.index(old)
                value[place : place + 1] = new


def _runs(items: list[Any], before: Sequence[ast.AST], after: Sequence[ast.AST]) -> Places:
    """The places of nodes that follow each other."""
    for place in range(len(items) - len(before) + 1):
        part = slice(place, place + len(before))
        if all(map(_is_same, items[part], before)):
            yield partial(items.__setitem__, part, after)


def _arguments(root: ast.Module, before: ast.AST, after: Sequence[ast.AST]) -> Places:
    """The places of `name=value` as an argument and as a parameter's default."""
    new = [_argument(node) for node in after]
    for node in ast.walk(root):
        if isinstance(node, ast.Call | ast.ClassDef):
            yield from _runs(node.keywords, [_argument(before)], new)
        if isinstance(node, ast.arguments):
            for names, defaults in _defaults(node):
                for place, (name, value) in enumerate(zip(names, defaults, strict=True)):
                    if value and _is_same(ast.keyword(name.arg, value), _argument(before)):
                        yield partial(_put_default, name, defaults, place, new)


def _argument(node: ast.AST) -> ast.keyword:
    match node:
        case ast.Assign([ast.Name(name)], value):
            return ast.keyword(name, value)
        case _:
            raise EditError(f"no argument: {code(node)}")


def _defaults(
    node: ast.arguments,
) -> Iterator[tuple[Sequence[ast.arg], list[ast.expr] | list[ast.expr | None]]]:
    """The parameters that have defaults, or may have some, with these."""
    positional = [*node.posonlyargs, *node.args]
    yield positional[len(positional) - len(node.defaults) :], node.defaults
    yield node.kwonlyargs, node.kw_defaults


def _put_default(
    name: ast.arg, defaults: list[Any], place: int, new: Sequence[ast.keyword]
) -> None:
    if not new:
        raise EditError(f"{name.arg}: a default can be replaced, not deleted")
    name.arg, defaults[place] = str(new[0].arg), new[0].value


def _is_same(node: ast.AST, wanted: ast.AST) -> bool:
    """Whether the code is, wherever it is read."""
    return (
        type(node) is type(wanted)
        and isinstance(getattr(node, "ctx", _READ), ast.Load)
        and code(node) == code(wanted)
    )


def _text(string: ast.JoinedStr) -> str:
    """The text between an f-string's quotes."""
    parts = []
    for part in string.values:
        match part:
            case ast.Constant(value):
                parts.append(str(value).replace("{", "{{").replace("}", "}}"))
            case ast.FormattedValue(value, conversion, spec):
                kind = f"!{chr(conversion)}" if conversion > 0 else ""
                rest = f":{_text(spec)}" if isinstance(spec, ast.JoinedStr) else ""
                parts.append(f"{{{code(value)}{kind}{rest}}}")
    return "".join(parts)


def _formatted(text: str) -> ast.JoinedStr:
    """The f-string with this between its quotes. Raises `EditError`."""
    values: list[ast.expr] = []
    try:
        for literal, field, spec, conversion in Formatter().parse(text):
            if literal:
                values.append(ast.Constant(literal))
            if field is not None:
                value = ast.parse(field, mode="eval").body
                kind = ord(conversion) if conversion else -1
                values.append(ast.FormattedValue(value, kind, _formatted(spec) if spec else None))
    except (ValueError, SyntaxError) as error:
        raise EditError(f"no f-string with plain expressions in its braces: {text!r}") from error
    return ast.JoinedStr(values)
