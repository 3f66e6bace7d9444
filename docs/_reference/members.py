"""A name's documentation as Markdown, made of its source: signatures as they are written there."""

import ast
import inspect
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from types import ModuleType

_WIDTH = 88
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def documented(face: str, name: str) -> str:
    """A heading for the name, what it is, and what its docstring says; so of a class's members."""
    home, node, text = _found(import_module(face), name)
    parts = [f"### `{name}`"]
    if isinstance(node, ast.ClassDef):
        parts += [*_class(node), *_members(node)]
    elif isinstance(node, _Function):
        parts += [_block(_signature(node, hidden=())), _docstring(node)]
    elif node is not None:
        parts += [_block(ast.unparse(node)), text]
    else:
        parts.append(f"Defined in `{home}`.")
    return "\n\n".join(part for part in parts if part)


def _found(module: ModuleType, name: str) -> tuple[str, ast.stmt | None, str]:
    """The module that defines a name, its statement there, and the text that stands below it."""
    tree = _tree(module)
    for statement, text in _with_texts(tree.body):
        if name in _defined(statement):
            return module.__name__, statement, text
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                if name == (alias.asname or alias.name) and node.module.startswith("interlock"):
                    return _found(import_module(node.module), alias.name)
    return module.__name__, None, ""


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _with_texts(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """Each statement, and the string right below it."""
    for statement, after in zip(body, [*body[1:], None], strict=True):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        text = after.value.value if is_text else ""  # type: ignore[union-attr] # it was seen to be
        yield statement, inspect.cleandoc(text) if isinstance(text, str) else ""


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.ClassDef | _Function):
        return [statement.name]
    targets: Sequence[ast.expr] = [statement.target] if isinstance(statement, ast.AnnAssign) else []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _class(node: ast.ClassDef) -> Iterator[str]:
    bases = [ast.unparse(base) for base in node.bases if not ast.unparse(base).startswith("_")]
    yield _block(f"class {node.name}" + (f"({', '.join(bases)})" if bases else ""))
    yield _docstring(node)


def _members(node: ast.ClassDef) -> Iterator[str]:
    for statement, text in _with_texts(node.body):
        names = [name for name in _defined(statement) if _is_public(name)]
        if not names:
            continue
        if isinstance(statement, _Function):
            is_property = any("property" in ast.unparse(d) for d in statement.decorator_list)
            if any(".setter" in ast.unparse(d) for d in statement.decorator_list):
                continue
            yield _block(_signature(statement, hidden=("self", "cls"), is_property=is_property))
            yield _docstring(statement)
        elif not isinstance(statement, ast.ClassDef):
            yield _block(ast.unparse(statement))
            yield text


def _is_public(name: str) -> bool:
    return name in ("__init__", "__new__") or not (name.startswith("_") or name == "model_config")


def _signature(node: _Function, *, hidden: Sequence[str], is_property: bool = False) -> str:
    returns = "" if node.returns is None else ast.unparse(node.returns)
    if is_property:
        return f"{node.name}: {returns}"
    arguments = [each for each in _arguments(node.args) if each not in hidden]
    head = f"{'async ' if isinstance(node, ast.AsyncFunctionDef) else ''}def {node.name}"
    tail = f" -> {returns}" if returns else ""
    line = f"{head}({', '.join(arguments)}){tail}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{head}(", *(f"    {each}," for each in arguments), f"){tail}"])


def _arguments(found: ast.arguments) -> Iterator[str]:
    plain = [*found.posonlyargs, *found.args]
    defaults = [None] * (len(plain) - len(found.defaults)) + list(found.defaults)
    for place, (argument, default) in enumerate(zip(plain, defaults, strict=True), 1):
        yield _argument(argument, default)
        if place == len(found.posonlyargs):
            yield "/"
    if found.vararg is not None:
        yield f"*{ast.unparse(found.vararg)}"
    elif found.kwonlyargs:
        yield "*"
    for argument, default in zip(found.kwonlyargs, found.kw_defaults, strict=True):
        yield _argument(argument, default)
    if found.kwarg is not None:
        yield f"**{ast.unparse(found.kwarg)}"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    if default is None:
        return ast.unparse(argument)
    sign = "=" if argument.annotation is None else " = "
    return f"{ast.unparse(argument)}{sign}{ast.unparse(default)}"


def _docstring(node: ast.ClassDef | _Function) -> str:
    return ast.get_docstring(node) or ""


def _block(code: str) -> str:
    return f"```python\n{code}\n```"
