"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, Capability, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The backend, by name."""
    yield BackendSpec(
        name="sqlite-events",
        kind=BackendKind.EVENTS,
        factory="interlock_sqlite_events.backend:SqliteEventStore",
        config="interlock_sqlite_events.config:SqliteEventsConfig",
        capabilities=frozenset({Capability.DURABLE, Capability.SHARED}),
        plugin_api=1,
        summary="Streams of events in a SQLite file",
    )
