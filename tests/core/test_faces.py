"""What one imports from, and what that loads."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import interlock

PUBLIC = {
    "interlock",
    "interlock.application",
    "interlock.application.aggregates",
    "interlock.backends",
    "interlock.domain",
    "interlock.errors",
    "interlock.routing",
    "interlock.sync",
    "interlock.testing",
}
"""What others import. `interlock.cli` is a command, and its modules the core's own."""

REPOSITORY = Path(__file__).parents[2]


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has after a statement."""
    code = f"{statement}; import sys, json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(  # noqa: S603 our own statements
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "face",
    [
        "interlock",
        "interlock.application",
        "interlock.application.aggregates",
        "interlock.backends",
        "interlock.domain",
        "interlock.routing",
        "interlock.sync",
        "interlock.testing",
    ],
)
def test_a_face_has_what_it_lists(face: str) -> None:
    module = import_module(face)
    assert all(getattr(module, name) is not None for name in module.__all__)


def test_a_protocol_loads_no_builder() -> None:
    loaded = loaded_by("from interlock.application.aggregates import AggregateCacheBackend")
    assert not loaded & {"interlock._app", "interlock._plugins", "interlock._config", "pluggy"}


def test_the_lazy_face_says_what_it_lacks() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Bilder'"):
        _ = import_module("interlock.application").Bilder


class TestPublicModules:
    """What isn't listed here may change with any version."""

    def test_everything_else_is_private_or_the_command(self) -> None:
        package = Path(interlock.__file__).parent
        modules = {path.stem for path in package.iterdir() if path.suffix == ".py" or path.is_dir()}
        public = {name.split(".")[1] for name in PUBLIC if "." in name}
        assert {name for name in modules if not name.startswith("_")} == public | {"cli"}

    def test_the_root_shows_public_names_only(self) -> None:
        assert dir(interlock) == sorted(interlock.__all__)
        assert interlock.__version__ == version("interlock")

    @pytest.mark.parametrize("name", sorted(set(interlock.__all__) - {"__version__"}))
    def test_a_name_of_the_root_is_the_same_wherever_it_is_exported(self, name: str) -> None:
        others = map(import_module, PUBLIC - {"interlock"})
        found = [
            getattr(module, name) for module in others if name in getattr(module, "__all__", ())
        ]
        assert all(value is getattr(interlock, name) for value in found)

    @pytest.mark.parametrize("folder", ["docs", "plugins", "tests/conformance"])
    def test_others_import_nothing_else(self, folder: str) -> None:
        private = {
            f"{path.relative_to(REPOSITORY)}: {name}"
            for path in (REPOSITORY / folder).rglob("*")
            if "_reference" not in path.parts  # made of the core's own inside
            for name in _imported(path)
            if name.split(".")[0] == "interlock" and name not in PUBLIC
        }
        assert private == set()

    def test_neither_do_the_templates(self) -> None:
        text = "".join(
            path.read_text("utf-8")
            for path in (Path(interlock.__file__).parent / "cli" / "templates").rglob("*")
            if path.is_file()
        )
        assert set(re.findall(r"from (interlock(?:\.\w+)*) import", text)) <= PUBLIC


def _imported(path: Path) -> Iterator[str]:
    """The modules that a Python file or the Python blocks of a page import."""
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                yield str(node.module)
            elif isinstance(node, ast.Import):
                yield from (each.name for each in node.names)
    elif path.suffix == ".md" and "adr" not in path.parts:
        found = re.findall(
            r"^\s*(?:from (interlock(?:\.\w+)*) import|import (interlock(?:\.\w+)*)$)",
            path.read_text("utf-8"),
            re.MULTILINE,
        )
        yield from (first or second for first, second in found)
