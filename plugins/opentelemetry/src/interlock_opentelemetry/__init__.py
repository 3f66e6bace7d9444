"""Interlock's spans and metrics for OpenTelemetry, which a list of plugins doesn't load."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interlock_opentelemetry.observer import OpenTelemetryObserver

__all__ = ["OpenTelemetryObserver"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from interlock_opentelemetry import observer  # noqa: PLC0415 as the docstring says

    return getattr(observer, name)
