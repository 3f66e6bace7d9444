"""The face for building applications; lazy, so that a protocol below it loads no builder."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interlock.builder import ApplicationBuilder
    from interlock.fold import RecordedEvent
    from interlock.rebuilding import RebuildProgress
    from interlock.reports import LoadReport
    from interlock.runtime import Application
    from interlock.specs import backend

__all__ = [
    "Application",
    "ApplicationBuilder",
    "LoadReport",
    "RebuildProgress",
    "RecordedEvent",
    "backend",
]

_HOMES = {
    "Application": "interlock.runtime",
    "ApplicationBuilder": "interlock.builder",
    "LoadReport": "interlock.reports",
    "RebuildProgress": "interlock.rebuilding",
    "RecordedEvent": "interlock.fold",
    "backend": "interlock.specs",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
