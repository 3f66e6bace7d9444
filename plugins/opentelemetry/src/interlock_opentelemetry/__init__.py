"""Interlock's spans and metrics for OpenTelemetry."""

from interlock_opentelemetry.observer import OpenTelemetryObserver

__all__ = ["OpenTelemetryObserver"]
