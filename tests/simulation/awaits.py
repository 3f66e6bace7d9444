"""The places where the engine waits: all of them by its code, and where a task waits now."""

import ast
import asyncio
import gc
import inspect
import sys
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import interlock._engine

_ENGINE = Path(interlock._engine.__file__).parent
_CHAIN = (Coroutine, Generator, AsyncGenerator)


@dataclass(frozen=True, slots=True, order=True)
class Await:
    """One `await`, `async for` or `async with`; `first` and `last` are its lines in the file."""

    file: str
    function: str
    first: int
    last: int
    text: str

    def __str__(self) -> str:
        return f"{self.file} {self.function}: {self.text}"


@dataclass
class Reached:
    """Where the engine waited when a task was cancelled, and when its process crashed."""

    cancelled: set[Await] = field(default_factory=set)
    crashed: set[Await] = field(default_factory=set)

    def add(self, other: "Reached") -> None:
        """Add what another run reached."""
        self.cancelled |= other.cancelled
        self.crashed |= other.crashed

    def missing(self) -> "Reached":
        """Give the opposite."""
        return Reached(set(engine_awaits()) - self.cancelled, set(engine_awaits()) - self.crashed)


@cache
def engine_awaits() -> frozenset[Await]:
    """Enumerate the engine's."""
    return frozenset(each for path in sorted(_ENGINE.glob("*.py")) for each in _awaits_of(path))


def waits_at(task: asyncio.Task[Any]) -> set[Await]:
    """Find where in the engine the task waits, from its outermost coroutine to the innermost."""
    frames = _frames(task.get_coro())
    found = (_await_at(frame.f_code.co_filename, frame.f_lineno) for frame in frames)
    return {each for each in found if each is not None}


def waits_here() -> set[Await]:
    """Find where in the engine the running task would wait if it did so now."""
    frame: FrameType | None = sys._getframe()
    found = set()
    while frame is not None:
        found.add(_await_at(frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return {each for each in found if each is not None}


def _awaits_of(path: Path) -> Iterator[Await]:
    def walk(node: ast.AST, function: str) -> Iterator[Await]:
        for child in ast.iter_child_nodes(node):
            name = function
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{function}.{child.name}".lstrip(".")
            ends = {
                ast.Await: lambda each: [each],
                ast.AsyncFor: lambda each: [each.iter],
                ast.AsyncWith: lambda each: [item.context_expr for item in each.items],
            }.get(type(child))
            if ends is not None:
                parts = ends(child)
                text = ", ".join(map(ast.unparse, parts))
                first, last = child.lineno, parts[-1].end_lineno  # type: ignore[attr-defined] # all have them
                if not isinstance(child, ast.Await):
                    text = f"async {'for' if isinstance(child, ast.AsyncFor) else 'with'} {text}"
                yield Await(path.name, name, first, last or first, text)
            yield from walk(child, name)

    return walk(ast.parse(path.read_text("utf-8")), "")


def _frames(link: object) -> Iterator[FrameType]:
    """The frames of what waits for what, up to a future."""
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        frame, following = _step(link)
        if frame is not None:
            yield frame
        link = following


def _step(link: object) -> tuple[FrameType | None, object]:
    if inspect.iscoroutine(link):
        return link.cr_frame, link.cr_await
    if inspect.isasyncgen(link):
        return link.ag_frame, link.ag_await
    if inspect.isgenerator(link):
        frame = link.gi_frame
        # A step that was taken by hand, as of a call that may not wait, is in a variable.
        steps = None if frame is None else frame.f_locals.get("steps")
        return frame, link.gi_yieldfrom or steps
    if isinstance(link, asyncio.Future):
        return None, None
    # An iterator over a coroutine or over an asynchronous generator, which doesn't tell what of.
    inner = [each for each in gc.get_referents(link) if isinstance(each, _CHAIN)]
    return None, inner[0] if inner else None


@cache
def _await_at(path: str, line: int) -> Await | None:
    if Path(path).parent != _ENGINE:
        return None
    name = Path(path).name
    inside = [
        each for each in engine_awaits() if each.file == name and each.first <= line <= each.last
    ]
    return min(inside, key=lambda each: each.last - each.first, default=None)
