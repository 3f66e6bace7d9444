"""The text that a loaded function was compiled from, if it is still there."""

import ast
import functools
import linecache
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

from interlock._storage.revision_parts.syntax import (
    Function,
    code_form,
    constant,
    digest,
    tree_digest,
)

CODE_FORM = f"code-{sys.version_info.major}.{sys.version_info.minor}-"
"""How digests begin that are of code objects: another version of Python has others."""


class NoSourceError(Exception):
    """There is no text that the function was compiled from."""


def function_digest(function: FunctionType) -> str:
    """The digest of what a function does when it is called.

    It is of the function's syntax tree where the text compiles to the loaded code, else of the
    code object and begins with `CODE_FORM`. Raises `NoSourceError` if there is no text at all.
    """
    code = function.__code__
    linecache.checkcache(code.co_filename)
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    if not text:
        raise NoSourceError(function.__qualname__)
    return _compiled(text).digest_of(code) or f"{CODE_FORM}{digest(code_form(code))}"


def is_rewritten_by_pytest(namespace: Mapping[str, Any]) -> bool:  # Any: a module's globals
    """Whether pytest rewrote the module's asserts, so that those functions differ from the text."""
    loader = namespace.get("__loader__") or getattr(namespace.get("__spec__"), "loader", None)
    return type(loader).__module__.partition(".")[0] == "_pytest"


class _Text:
    """A module's text: its code objects by qualified name, its functions by line and name."""

    def __init__(self, text: str) -> None:
        self._codes: defaultdict[str, list[CodeType]] = defaultdict(list)
        self._nodes: defaultdict[tuple[int, str], list[Function]] = defaultdict(list)
        self._digests: dict[CodeType, str | None] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the import has told them
            try:
                tree = ast.parse(text)
                module = compile(tree, "<text>", "exec", dont_inherit=True)
            except (SyntaxError, ValueError):  # another text than the one that was imported
                return
        for code in _nested(module):
            self._codes[code.co_qualname].append(code)
        for node in ast.walk(tree):
            if isinstance(node, Function):
                self._nodes[_first_line(node), getattr(node, "name", "<lambda>")].append(node)

    def digest_of(self, code: CodeType) -> str | None:
        """The digest of the tree that the code object was compiled from; None if it isn't here."""
        form = code_form(code)
        equal = [each for each in self._codes.get(code.co_qualname, ()) if code_form(each) == form]
        if not equal:
            return None
        found = min(equal, key=lambda each: abs(each.co_firstlineno - code.co_firstlineno))
        if found not in self._digests:
            self._digests[found] = self._digest(found)
        return self._digests[found]

    def _digest(self, code: CodeType) -> str | None:
        nodes = self._nodes[code.co_firstlineno, code.co_name]
        if len(nodes) > 1:  # several lambdas on a line
            nodes = [node for node in nodes if _holds(node, code)]
        return tree_digest(nodes[-1]) if nodes else None  # the innermost


@functools.lru_cache(maxsize=8)
def _compiled(text: str) -> _Text:
    return _Text(text)


def _nested(code: CodeType) -> Iterator[CodeType]:
    for item in code.co_consts:
        if isinstance(item, CodeType):
            yield item
            yield from _nested(item)


def _first_line(node: Function) -> int:
    if isinstance(node, ast.Lambda) or not node.decorator_list:
        return node.lineno
    return node.decorator_list[0].lineno


def _holds(node: Function, code: CodeType) -> bool:
    """Whether the code's instructions stand where the node's body does.

    Where no instruction has a column, as without debug ranges or for a constant on Python 3.12, a
    lambda's code is compared with what the node alone compiles to.
    """
    body = node.body if isinstance(node, ast.Lambda) else node
    start = (body.lineno, body.col_offset)
    end = (body.end_lineno or body.lineno, body.end_col_offset or body.col_offset)
    places = [
        ((line, column), (end_line, end_column))
        for line, end_line, column, end_column in code.co_positions()
        if line and end_line and column is not None and end_column is not None and end_column
    ]
    if places or not isinstance(node, ast.Lambda):
        return all(start <= first and last <= end for first, last in places)
    alone = compile(ast.Expression(node), "<text>", "eval", dont_inherit=True)
    return any(_instructions(each) == _instructions(code) for each in _nested(alone))


def _instructions(code: CodeType) -> tuple[object, ...]:
    """The instructions of a code object, whatever it is nested in."""
    items = (_instructions(i) if isinstance(i, CodeType) else constant(i) for i in code.co_consts)
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, *items)
