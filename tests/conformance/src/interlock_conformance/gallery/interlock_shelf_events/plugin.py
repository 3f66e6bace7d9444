"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The backend, by name."""
    yield BackendSpec(
        name="shelf-events",
        kind=BackendKind.EVENTS,
        factory="interlock_shelf_events.backend:ShelfEventStore",
        config="interlock_shelf_events.config:ShelfEventsConfig",
        capabilities=frozenset({"durable", "shared", "round_trips"}),
        plugin_api=1,
        summary="Streams of events in a file",
    )
