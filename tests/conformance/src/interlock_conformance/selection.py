"""The backend that the command line names."""

import tomllib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from interlock.backends import BackendKind, BackendReference, BackendSpec, Catalogue
from interlock.errors import ConfigurationError
from interlock_conformance.subject import HOOKS


@dataclass(frozen=True, slots=True)
class Selection:
    """A backend by name, its kind, and the functions that TOML names for it."""

    reference: BackendReference
    kind: BackendKind
    hooks: dict[str, Any]  # Any: see subject.HOOKS
    folder: TemporaryDirectory[str]
    is_the_cores: bool
    """Whether no distribution of its own brings it, so that there is none to check."""


_selected: list[Selection] = []


def select(name: str, options_file: str | None) -> Selection:
    """Select a backend. Raises `ConfigurationError`.

    The options file is TOML: the backend's options, and in a table `[conformance]` the functions
    `tamper`, `advance`, `hold` and `break_` as "module:function", and as a table `snapshots` the
    snapshot store that an event store reads together with its events. `{tmp}` in an option is a
    folder that is removed afterwards.
    """
    spec = spec_of(name)
    options: dict[str, Any] = {}  # Any: what TOML holds
    if options_file is not None:
        try:
            options = tomllib.loads(Path(options_file).read_text("utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(f"{options_file}: {error}") from error
    hooks = options.pop("conformance", {})
    if strange := sorted(set(hooks) - {*HOOKS}):
        raise ConfigurationError(
            f"{options_file}: conformance.{strange[0]}: no such hook; known are {', '.join(HOOKS)}"
        )
    folder = TemporaryDirectory(prefix="interlock-conformance-")
    reference = BackendReference(name, _filled(options, folder.name))
    Catalogue.installed().config(reference, spec.kind, namespace="conformance")
    found = Selection(
        reference,
        spec.kind,
        {k: _hook(k, v, folder.name) for k, v in hooks.items()},
        folder,
        spec.factory.startswith("interlock."),
    )
    _selected.append(found)
    return found


def selected() -> Selection | None:
    """The selection."""
    return _selected[-1] if _selected else None


def unselect() -> None:
    """Remove the folder."""
    if _selected:
        _selected.pop().folder.cleanup()


def spec_of(name: str) -> BackendSpec:
    """The registration of a name, of any kind. Raises `ConfigurationError`."""
    catalogue = Catalogue.installed()
    problems = []
    for kind in BackendKind:
        try:
            return catalogue.backend(name, kind)
        except ConfigurationError as error:
            problems.append(error)
    raise problems[0]


def _filled(value: Any, folder: str) -> Any:  # Any: what TOML holds
    if isinstance(value, str):
        return value.replace("{tmp}", folder)
    if isinstance(value, dict):
        return {name: _filled(item, folder) for name, item in value.items()}
    return [_filled(item, folder) for item in value] if isinstance(value, list) else value


def _hook(name: str, value: Any, folder: str) -> Any:  # Any: TOML's, and whatever it names
    if name != "snapshots":
        return _imported(value)
    if not isinstance(value, dict) or not isinstance(value.get("backend"), str):
        raise ConfigurationError(
            "conformance.snapshots: wanted a backend's name and options, as in { backend = "
            f'"sqlalchemy-snapshots", url = "..." }}; found {value!r}'
        )
    options = _filled({k: v for k, v in value.items() if k != "backend"}, folder)
    return lambda: BackendReference(value["backend"], options)


def _imported(path: str) -> Any:  # Any: whatever is named
    module, _, attribute = path.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"conformance: {path!r} can't be imported: {error}") from error
