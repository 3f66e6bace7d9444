"""The correct backends that mutants are made from: their text, and how one is tested."""

import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import invalidate_caches
from importlib.resources import files as resources
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from pydantic import TypeAdapter

from interlock.backends import Duration
from interlock_conformance.cases import (
    CacheConformance,
    EventStoreConformance,
    SnapshotConformance,
)
from interlock_conformance.checks import Check
from interlock_conformance.gallery.file_suite import make_in_a_file
from interlock_conformance.gallery.line_server import LineServer
from interlock_conformance.gallery.shelf_suites import SHELF_SUITES, shelf_spec
from interlock_conformance.mutation import Files
from interlock_conformance.outcomes import Outcome, Result, make_check
from interlock_conformance.subject import NODE_HOOKS, Suite

_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)
_PACKAGE = "interlock_conformance.gallery"
_KINDS = {"EVENTS": "events", "SNAP": "snapshots", "CACHE": "cache", "PLUG": "events"}
_METADATA = """Metadata-Version: 2.4
Name: interlock-shelf-{kind}
Version: 1.0
License-Expression: MIT
Requires-Dist: interlock
Requires-Dist: shelf-driver
"""
_POINTS = "[interlock.backends]\nshelf-{kind} = interlock_shelf_{kind}.plugin\n"
_MODULES = ("__init__.py", "plugin.py", "config.py", "backend.py", "py.typed")


@dataclass(frozen=True, slots=True)
class Reference:
    """A correct backend as text. `make` makes one check of the backend that the files hold."""

    files: Callable[[], Files]
    make: Callable[[Check, Files], Result]


def reference_for(check: Check, base: str) -> Reference:
    """The reference that a check's mutants are made from."""
    if base in _MODULES_OF:
        module, make = _MODULES_OF[base]
        return Reference(lambda: _module_file(module), make)
    kind = _KINDS[check.kind]
    return Reference(lambda: _shelf_files(kind), _make_installed)


def _shelf_files(kind: str) -> Files:
    """A plugin's files as they are installed; MANIFEST says which of them are."""
    package = f"interlock_shelf_{kind}"
    folder = resources(_PACKAGE)
    texts = {f"{package}/{name}": (folder / package / name).read_text("utf-8") for name in _MODULES}
    texts["shelf_driver.py"] = (folder / "shelf_driver.py").read_text("utf-8")
    information = f"{package}-1.0.dist-info"
    return {
        **texts,
        f"{information}/METADATA": _METADATA.format(kind=kind),
        f"{information}/entry_points.txt": _POINTS.format(kind=kind),
        f"{information}/top_level.txt": f"{package}\n",
        "shelf_driver-1.0.dist-info/METADATA": (
            "Metadata-Version: 2.4\nName: shelf-driver\nVersion: 1.0\n"
        ),
        "shelf_driver-1.0.dist-info/top_level.txt": "shelf_driver\n",
        "MANIFEST": "".join(f"{path}\n" for path in texts),
    }


def _module_file(name: str) -> Files:
    return {name: (resources(_PACKAGE) / name).read_text("utf-8")}


def _make_installed(check: Check, files: Files) -> Result:
    suite = SHELF_SUITES[check.kind]
    with TemporaryDirectory(prefix="interlock-gallery-") as folder, _installed(files, Path(folder)):
        url = f"shelf://{folder}/shelf.db"
        if not suite.is_named:
            # An instance first: a name is looked for in the whole environment, at each opening.
            promised = {"capabilities": shelf_spec(suite.name).capabilities}
            result = make_check(check, type(suite.__name__, (suite,), promised)(url))
            if result.outcome is not Outcome.CANNOT_TELL:
                return result
        named = type(suite.__name__, (suite,), {"is_named": True})
        return make_check(check, named(url))


@contextmanager
def _installed(files: Files, folder: Path) -> Iterator[None]:
    """The files as installed packages, for this process and for those that it starts."""
    listed = set(files["MANIFEST"].splitlines())
    for path, text in files.items():
        if ".dist-info/" in path or path in listed:
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace(f"{_PACKAGE}.", ""), "utf-8")
    sys.path.insert(0, str(folder))
    invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if _is_shelf(name)]:
            del sys.modules[name]


def _is_shelf(module: str) -> bool:
    return module.partition(".")[0].startswith(("interlock_shelf_", "shelf_driver"))


def _make_in_memory(check: Check, files: Files) -> Result:
    module = _executed(files)
    base, name = _SUITES_AND_NAMES[check.kind]

    def make(suite: object) -> object:
        return getattr(module, name)()

    members: dict[str, object] = {"backend": make}
    if check.kind == "EVENTS":
        members["snapshots"] = lambda _: module.Snapshots()
    suite: type[Suite] = type("Memory", (base,), members)
    return make_check(check, suite())


def _make_over_network(check: Check, files: Files) -> Result:
    module = _executed(files)
    base, name = _SUITES_AND_NAMES[check.kind]
    server = LineServer()

    def make(suite: object, url: str | None = None, timeout: str | None = None) -> object:
        address = f"line://127.0.0.1:{server.port}" if url is None else url
        bound = _DURATION.validate_python("10s" if timeout is None else timeout)
        return getattr(module, name)(address, bound)

    members = {"backend": make, "url": f"line://127.0.0.1:{server.port}"}
    promised = {"CACHE": "notifies", "EVENTS": "read_many"}.get(check.kind)
    capabilities = frozenset({"shared", promised} - {None})
    suite: type[Suite] = type("Network", (base,), {**members, "capabilities": capabilities})
    try:
        return make_check(check, suite())
    finally:
        server.stop()


def _make_in_a_file(check: Check, files: Files) -> Result:
    return make_in_a_file(check, _executed(files), *_SUITES_AND_NAMES[check.kind])


def _make_in_nodes(check: Check, files: Files) -> Result:
    module = _executed(files)
    base, name = _SUITES_AND_NAMES[check.kind]
    log: list[object] = []
    nodes = [module.Node(log) for _ in range(2)]

    def backends(suite: object) -> list[object]:
        return [getattr(module, name)(node) for node in nodes]

    def hook(does: str) -> Callable[[object, int], Awaitable[None]]:
        async def at_node(suite: object, place: int) -> None:
            getattr(nodes[place], does)()

        return at_node

    members = {
        "backends": backends,
        "backend": lambda suite: backends(suite)[0],
        "capabilities": frozenset({"shared"}),
        **{does: hook(does) for does in NODE_HOOKS},
    }
    suite: type[Suite] = type("Nodes", (base,), members)
    return make_check(check, suite())


def _executed(files: Files) -> ModuleType:
    ((name, text),) = files.items()
    module = ModuleType("interlock_gallery_module")
    exec(compile(text, name, "exec"), module.__dict__)  # noqa: S102 our own text
    return module


_SUITES_AND_NAMES: Mapping[str, tuple[type, str]] = {
    "EVENTS": (EventStoreConformance, "Events"),
    "SNAP": (SnapshotConformance, "Snapshots"),
    "CACHE": (CacheConformance, "Cache"),
}
_MODULES_OF: Mapping[str, tuple[str, Callable[[Check, Files], Result]]] = {
    "file": ("in_a_file.py", _make_in_a_file),
    "memory": ("in_memory.py", _make_in_memory),
    "nodes": ("in_nodes.py", _make_in_nodes),
    "network": ("over_network.py", _make_over_network),
}
