"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, Capability, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The event store, by name."""
    yield BackendSpec(
        name="nats-events",
        kind=BackendKind.EVENTS,
        factory="interlock_nats_events.backend:NatsEventStore",
        config="interlock_nats_events.config:NatsEventsConfig",
        capabilities=frozenset({Capability.DURABLE, Capability.SHARED, Capability.READ_MANY}),
        plugin_api=1,
        summary="Events in a stream of NATS JetStream, on three nodes or more",
    )
