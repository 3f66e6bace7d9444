"""Forms of code that don't depend on layout, docstrings or positions.

A syntax tree's form is the same on every version of Python; a code object's form is its compiler's
own, and tells two code objects of one compiler apart.
"""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import Any

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_LEFT_OUT = {"ctx", "kind", "type_comment"}  # what follows from the place, or means nothing


def digest(form: object) -> str:
    """16 hexadecimal digits of a form: nested tuples of text."""
    return _digest(ascii(form))


def constant(value: Any) -> str:  # Any: whatever stands for itself in a source
    """A constant's type and value in ASCII: the same on every version, integers of any length."""
    if isinstance(value, int):  # hexadecimal: decimal digits are limited
        return f"{type(value).__name__} {value:x}"
    if isinstance(value, tuple | frozenset):
        items = map(constant, value)
        ordered = sorted(items) if isinstance(value, frozenset) else items
        return f"{type(value).__name__} ({', '.join(ordered)})"
    return f"{type(value).__name__} {value!a}"


def tree_digest(function: Function) -> str:
    """The digest of a function's parameters and body; of those that `python -O` changes, with that.

    Left out are decorators, defaults and annotations, which aren't part of the code that runs when
    it is called, and statements that do nothing.
    """
    body = function.body if isinstance(function.body, list) else [function.body]
    words = list(_words([*_parameters(function.args), *_that_act(body)]))
    found = _digest("\0".join(words))
    depends_on_debug = any(word.startswith("Assert ") for word in words)
    if depends_on_debug or constant("__debug__") in words:
        return f"{found} debug {__debug__}"
    return found


def code_form(code: CodeType) -> tuple[object, ...]:
    """The form of a code object, without where it came from: no file, no lines."""
    return (
        code.co_name,
        code.co_qualname,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags,
        code.co_code,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_exceptiontable,
        *(
            code_form(item) if isinstance(item, CodeType) else constant(item)
            for item in code.co_consts
        ),
    )


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _parameters(arguments: ast.arguments) -> list[str]:
    kinds = {
        "/": arguments.posonlyargs,
        "": arguments.args,
        "*": [arguments.vararg] if arguments.vararg else [],
        "=": arguments.kwonlyargs,
        "**": [arguments.kwarg] if arguments.kwarg else [],
    }
    return [f"{kind}{argument.arg}" for kind, found in kinds.items() for argument in found]


def _words(root: Sequence[object]) -> Iterator[str]:
    """A tree in words, each node's fields or length before these. They are ASCII without NUL.

    Not by recursion: expressions may be nested deeper than calls.
    """
    todo: list[object] = [root]
    while todo:
        item = todo.pop()
        if isinstance(item, ast.AST):
            fields = {name: _field_of(item, name) for name in item._fields if name not in _LEFT_OUT}
            names = [name for name, value in fields.items() if value is not None and value != []]
            yield " ".join([type(item).__name__, *names])
            todo += [fields[name] for name in reversed(names)]
        elif isinstance(item, list):
            yield f"[{len(item)}"
            todo += reversed(item)
        else:
            yield constant(item)


def _field_of(node: ast.AST, name: str) -> object:
    value = getattr(node, name, None)
    if isinstance(node, ast.JoinedStr):
        return _joined(node.values)
    return _that_act(value) if isinstance(value, list) else value


def _that_act(nodes: Sequence[object]) -> list[object]:
    """All but `pass` and constants that stand alone, as docstrings do."""
    return [
        node
        for node in nodes
        if not isinstance(node, ast.Pass)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]


def _joined(values: list[ast.expr]) -> list[ast.expr]:
    """The parts of an f-string, adjacent text joined: versions of Python cut it differently."""
    merged: list[ast.expr] = []
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            last = merged[-1] if merged else None
            if isinstance(last, ast.Constant) and isinstance(last.value, str):
                merged[-1] = ast.Constant(last.value + value.value)
                continue
            if not value.value:
                continue
        merged.append(value)
    return merged
