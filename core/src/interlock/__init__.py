"""Interlock: event-sourced aggregates that load fast, from snapshots and caches of one's choice.

Names are imported when they are first used: a module below this one loads no more than it needs.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interlock._app.builder import ApplicationBuilder
    from interlock._model.aggregate import Aggregate
    from interlock._model.command import Command
    from interlock._model.routes import applies_event, handles_command, upcasts
    from interlock._plugins.specs import backend
    from interlock._values.ids import PlainUUID, uuid_of

    __version__: str

__all__ = [
    "Aggregate",
    "ApplicationBuilder",
    "Command",
    "PlainUUID",
    "__version__",
    "applies_event",
    "backend",
    "handles_command",
    "upcasts",
    "uuid_of",
]

_HOMES = {
    "Aggregate": "_model.aggregate",
    "ApplicationBuilder": "_app.builder",
    "Command": "_model.command",
    "PlainUUID": "_values.ids",
    "applies_event": "_model.routes",
    "backend": "_plugins.specs",
    "handles_command": "_model.routes",
    "upcasts": "_model.routes",
    "uuid_of": "_values.ids",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("interlock")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"interlock.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
