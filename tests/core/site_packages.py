"""Distributions that a test installs in a folder of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PathDistribution
from pathlib import Path
from textwrap import dedent

import pytest

from interlock._plugins.catalogue import Catalogue

GOOD = """
from pydantic import BaseModel, ConfigDict
from interlock.backends import BackendKind, BackendSpec, hookimpl

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid")
    directory: str
    size: int = 3
    namespace: str = ""

class Cache:
    def __init__(self, config):
        self.config = config

@hookimpl
def interlock_register_backends():
    yield BackendSpec("{name}", BackendKind.CACHE, "{module}:Cache", "{module}:Config"{more})
"""


class Site:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, distribution: str, module: str, source: str, *names: str) -> None:
        """Install a distribution of one module that registers backends under the names."""
        (self.folder / f"{module}.py").write_text(dedent(source))
        info = self.folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        lines = "".join(f"{name} = {module}\n" for name in names)
        (info / "entry_points.txt").write_text(f"[interlock.backends]\n{lines}")

    def catalogue(self) -> Catalogue:
        """What is installed there."""
        return Catalogue(
            point
            for info in self.folder.glob("*.dist-info")
            for point in PathDistribution(info).entry_points
        )


@contextmanager
def site_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site whose modules can be imported for a while, in this process."""
    monkeypatch.syspath_prepend(str(folder))
    yield Site(folder)
    for module in [name for name in sys.modules if (folder / f"{name}.py").exists()]:
        del sys.modules[module]


def good(name: str, module: str, more: str = "") -> str:
    """The source of a module that registers a cache under the name."""
    return GOOD.format(name=name, module=module, more=more)
