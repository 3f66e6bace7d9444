"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, Capability, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The event store, by name."""
    yield BackendSpec(
        name="sqlalchemy-events",
        kind=BackendKind.EVENTS,
        factory="interlock_sqlalchemy_events.backend:SQLAlchemyEventStore",
        config="interlock_sqlalchemy_events.config:SQLAlchemyEventsConfig",
        capabilities=frozenset({Capability.DURABLE, Capability.SHARED, Capability.READ_MANY}),
        plugin_api=1,
        summary="Events in PostgreSQL, MySQL, MariaDB or a SQLite file",
    )
