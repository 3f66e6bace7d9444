"""The owner of a module: the application, the standard library, or another distribution."""

import functools
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

_FAMILY = {"interlock", "pydantic", "pydantic_core", "annotated_types", "typing_extensions"}
_INSTALLED = {"site-packages", "dist-packages"}


def is_library(module: str) -> bool:
    """Whether a module is of the standard library, of pydantic, or of Interlock itself."""
    return is_framework(module) or _is_standard(module.partition(".")[0])


def is_framework(module: str) -> bool:
    """Whether a module is of pydantic or of Interlock, whose classes may change their bases."""
    return module.partition(".")[0] in _FAMILY


class Owners:
    """Tells the code of some classes' distributions from that of others.

    What no distribution is installed for, a folder of sources, counts as their own.
    """

    def __init__(self, classes: Iterable[type]) -> None:
        self._modules = {cls.__module__ for cls in classes}
        self._own: set[str] = set()
        for module in self._modules:
            self._own |= _distributions(module)

    def is_library(self, module: object) -> bool:
        """Whether a module is a library's, and none of these classes stands in it."""
        return isinstance(module, str) and module not in self._modules and is_library(module)

    def is_own(self, module: object) -> bool:
        """Whether the module that has this name is one of theirs."""
        if not isinstance(module, str) or module in self._modules:
            return True  # also what was made from a text, by whoever
        if is_library(module):
            return False
        found = _distributions(module)
        return not found or not found.isdisjoint(self._own)


def foreign_name(module: object, qualname: str) -> str:
    """How what another distribution defines is told; the standard library moves things about."""
    qualname = qualname.rpartition("<locals>.")[2]
    if not isinstance(module, str) or is_library(module):
        return qualname
    return f"{module.partition('.')[0]}:{qualname}"


@functools.cache
def _is_standard(top: str) -> bool:
    if top not in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(top), "__file__", None)
    if file is None:  # built in
        return True
    return any(Path(file).is_relative_to(folder) for folder in _standard_folders())


@functools.cache
def _standard_folders() -> set[str]:
    return {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}


def _distributions(module: str) -> frozenset[str]:
    """The distributions that installed the module; none for what wasn't installed."""
    loaded = sys.modules.get(module)
    spec = getattr(loaded, "__spec__", None)
    name = spec.name if module == "__main__" and spec is not None else module
    file = getattr(loaded, "__file__", None)
    return frozenset() if file is None else _distributions_of(name, file)


@functools.cache
def _distributions_of(name: str, file: str) -> frozenset[str]:
    folders = Path(file).absolute().parents
    depth = name.count(".") + (Path(file).stem == "__init__")
    return _installed(folders[min(depth, len(folders) - 1)], name.partition(".")[0])


@functools.cache
def _installed(folder: Path, top: str) -> frozenset[str]:
    found = set()
    for record in folder.glob("*.dist-info/RECORD"):
        text = "\n" + record.read_text(encoding="utf-8", errors="replace")
        if f"\n{top}/" in text or f"\n{top}." in text:
            found.add(record.parent.name)
    if not found and folder.name in _INSTALLED:
        return frozenset({top})
    return frozenset(found)
