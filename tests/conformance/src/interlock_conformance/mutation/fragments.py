"""Fragments of code in edits, which aren't whole modules."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from textwrap import dedent

from interlock_conformance.mutation.errors import EditError


class Kind(Enum):
    """The kinds of fragments."""

    NOTHING = auto()
    EXPRESSION = auto()
    STATEMENTS = auto()
    NAMED = auto()
    """One statement: `name=value`, as arguments and defaults are written too."""
    HEAD = auto()
    DECORATORS = auto()


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of code."""

    kind: Kind
    nodes: Sequence[ast.AST]

    @property
    def code(self) -> str:
        """The code in the one layout that is compared."""
        return "\n".join(map(code, self.nodes))

    @property
    def statements(self) -> list[ast.AST]:
        """The nodes, where an expression is a statement too."""
        return [ast.Expr(node) if isinstance(node, ast.expr) else node for node in self.nodes]


def parse(text: str) -> Fragment:
    """A fragment's nodes. Raises `EditError`."""
    text = dedent(text).strip()
    try:
        if text.endswith(":"):
            return Fragment(Kind.HEAD, _headed(text))
        if text.startswith("@") and len(body := ast.parse(f"{text}\ndef _(): pass").body) == 1:
            return Fragment(Kind.DECORATORS, getattr(body[0], "decorator_list", []))
        body = _statements(text)
    except SyntaxError as error:
        raise EditError(f"no expression, statements, head or decorators: {text!r}") from error
    match body:
        case []:
            return Fragment(Kind.NOTHING, body)
        case [ast.Expr(value)]:
            return Fragment(Kind.EXPRESSION, [value])
        case [ast.Assign([ast.Name()])]:
            return Fragment(Kind.NAMED, body)
        case _:
            return Fragment(Kind.STATEMENTS, body)


def code(node: ast.AST) -> str:
    """A node's code in the one layout that is compared."""
    return ast.unparse(ast.fix_missing_locations(node))


def _statements(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except SyntaxError:
        return ast.parse(f"({text}\n)").body  # an expression of several lines


def _headed(text: str) -> Sequence[ast.AST]:
    """A head, and the statements before it."""
    if text.startswith("except"):
        (statement,) = ast.parse(f"try: pass\n{text} pass").body
        handlers: Sequence[ast.AST] = getattr(statement, "handlers", [])
        return handlers
    nodes = ast.parse(f"{text.removeprefix('el')} pass").body
    match getattr(nodes[-1], "body", None):
        case [ast.Pass()]:
            return nodes
        case _:
            raise SyntaxError("the last line is within another statement")
