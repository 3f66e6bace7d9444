"""Targets of edits: the source of a qualified name."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from interlock_conformance.mutation.errors import EditError

Files = Mapping[str, str]
"""Texts by relative path; those whose path ends in `.py` are code."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BLOCKS = ("body", "orelse", "finalbody")


@dataclass(frozen=True, slots=True)
class Target:
    """A module, and what defines a name in it: each definition as a module of its own."""

    path: str
    module: ast.Module
    roots: Sequence[ast.Module]
    blocks: Sequence[list[ast.stmt]] = ()
    """Those that the definitions stand in."""
    definitions: Sequence[ast.stmt] = ()

    def edited(self, files: Files) -> Files:
        """The files, with the definitions as the roots are now. Raises `EditError`."""
        for root, block, definition in zip(self.roots, self.blocks, self.definitions, strict=False):
            place = block.index(definition)
            block[place : place + 1] = root.body
        for node in _holders(self.module):
            if getattr(node, "body", None) == [] and not isinstance(node, ast.Module):
                next(blocks(node)).append(ast.Pass())
        try:
            text = ast.unparse(self.module)
            compile(text, self.path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, TypeError) as error:
            raise EditError(f"{self.path}: what the edit makes is no code: {error}") from error
        return {**files, self.path: text}


def find(files: Files, name: str) -> Target:
    """The target of a name, parsed anew. Raises `EditError` unless one module defines it."""
    module, colon, plain = name.rpartition(":")
    paths = [
        path
        for path, text in files.items()
        if path.endswith(".py") and (not plain or plain in _names(text))
    ]
    if colon and (len(paths) > 1 or not plain):
        paths = [path for path in paths if _dotted(path).endswith(f".{module}")]
    if len(paths) != 1:
        places = f"in {', '.join(sorted(paths))}" if paths else "nowhere"
        raise EditError(f"{name}: has to be defined in one module, and is defined {places}")
    tree = ast.parse(files[paths[0]])
    if not plain:
        return Target(paths[0], tree, (tree,))
    found = [(block, statement) for known, block, statement in _defined(tree) if known == plain]
    roots = [ast.Module([statement], type_ignores=[]) for _, statement in found]
    return Target(paths[0], tree, roots, *zip(*found, strict=True))


def code_of(files: Files, name: str) -> str:
    """The code of a target, without layout, comments and docstrings. Raises `EditError`."""
    roots = find(files, name).roots
    for node in (node for root in roots for node in ast.walk(root)):
        for block in blocks(node):
            block[:] = [statement for statement in block if not _is_text(statement)]
    return "\n".join(map(ast.unparse, roots))


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements that a node holds."""
    found = (getattr(node, name, None) for name in _BLOCKS)
    return (block for block in found if isinstance(block, list))


def _holders(node: ast.AST) -> Iterator[ast.AST]:
    """The node, and all in it that holds statements."""
    yield node
    for block in blocks(node):
        for statement in block:
            yield from _holders(statement)
    for name in ("handlers", "cases"):
        for part in getattr(node, name, ()):
            yield from _holders(part)


def _dotted(path: str) -> str:
    return "." + path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def _names(text: str) -> frozenset[str]:
    return frozenset(name for name, _, _ in _defined(ast.parse(text)))


def _defined(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, list[ast.stmt], ast.stmt]]:
    """Definitions in a module or class, also in its `if` and `try`: name, block, statement."""
    for block in blocks(node):
        for statement in block:
            for name in _names_of(statement):
                yield prefix + name, block, statement
            if isinstance(statement, ast.ClassDef):
                yield from _defined(statement, f"{prefix}{statement.name}.")
            elif not isinstance(statement, FUNCTIONS):
                yield from _defined(statement, prefix)
    for handler in getattr(node, "handlers", ()):
        yield from _defined(handler, prefix)


def _names_of(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            yield name
        case ast.Assign(targets):
            for node in (node for target in targets for node in ast.walk(target)):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id
        case ast.AnnAssign(ast.Name(name)):
            yield name


def _is_text(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Constant(str())):
            return True
        case _:
            return False
