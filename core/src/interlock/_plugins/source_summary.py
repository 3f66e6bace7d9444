"""Reads from a plugin's source what it registers, without running it.

What is installed can be listed so without trusting it. Whatever source can't tell, since a kind or
a summary is computed there, isn't told.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint
from typing import Any

from interlock._plugins.specs import BackendKind, StrategyKind

_SPECS = ("BackendSpec", "StrategySpec", "CodecSpec")
_FIELDS = ("name", "kind", "summary")
_COMMANDS = "interlock_register_commands"


Kind = BackendKind | StrategyKind | None
"""Of a backend what it keeps, of a strategy what it is about; None of anything else."""


@dataclass(frozen=True, slots=True)
class Glance:
    """The kinds that an entry point registers under its name, each with its summary.

    `error` is why there is no source that could tell.
    """

    told: tuple[tuple[Kind, str], ...] = ()
    has_commands: bool = False
    error: str | None = None

    @property
    def kinds(self) -> tuple[BackendKind | StrategyKind, ...]:
        """The kinds that are told."""
        return tuple(kind for kind, _ in self.told if kind is not None)

    def summary(self, kind: Kind = None) -> str:
        """The summary of a kind; of None all there are."""
        found = [text for of, text in self.told if text and kind in (of, None)]
        return "; ".join(dict.fromkeys(found))


def glance_at(point: EntryPoint) -> Glance:
    """Read what an entry point registers from its source."""
    name = point.value.partition(":")[0].strip()
    try:
        found = _found(name)
        if found is None:
            return Glance(error=f"there is no module {name!r}")
        text = getattr(found.loader, "get_source", lambda _: None)(name)
        tree = ast.parse(text or "")
    except Exception as error:  # noqa: BLE001 whatever a finder, a loader or the parser raises
        return Glance(error=f"{name!r} can't be read: {type(error).__name__}: {error}")
    if point.group == "interlock.extensions":
        summary = (ast.get_docstring(tree) or "").partition("\n")[0]
        return Glance(((None, summary),), has_commands=any(map(_is_commands, ast.walk(tree))))
    return Glance(
        tuple(
            (spec.get("kind"), spec.get("summary") or "")
            for spec in _specs(tree)
            if spec.get("name") == point.name
        )
    )


def _found(module: str) -> ModuleSpec | None:
    """Find a module's file without importing its packages, as `importlib.util.find_spec` would."""
    name, folders, spec = "", None, None
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        spec = next(_candidates(name, folders), None)
        if spec is None:
            return None
        folders = spec.submodule_search_locations
    return spec


def _candidates(name: str, folders: Iterable[str] | None) -> Iterator[ModuleSpec]:
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None if folders is None else list(folders))
        if spec is not None:
            yield spec


def _specs(tree: ast.AST) -> Iterator[dict[str, Any]]:  # Any: a spec's fields
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) in _SPECS:
            given = dict(zip(("name", "kind"), node.args, strict=False))
            given |= {word.arg: word.value for word in node.keywords if word.arg is not None}
            yield {
                name: _value(given[name]) for name in ("name", "kind", "summary") if name in given
            }


def _value(node: ast.expr) -> object:
    """A text, or the kind that is named; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Attribute):
        for kinds in (BackendKind, StrategyKind):
            if _last_name(node.value) == kinds.__name__ and node.attr in kinds.__members__:
                return kinds[node.attr]
    return None


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_commands(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == _COMMANDS
