"""Spans and metrics for OpenTelemetry."""

from collections.abc import Iterable

from interlock.backends import Observer, hookimpl


@hookimpl
def interlock_register_observers() -> Iterable[Observer]:
    """The observer, with the providers that the process has set, or sets later."""
    from interlock_opentelemetry.observer import OpenTelemetryObserver  # noqa: PLC0415 it loads OpenTelemetry

    yield OpenTelemetryObserver()
