"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, Capability, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The snapshot backend, by name."""
    yield BackendSpec(
        name="sqlalchemy-snapshots",
        kind=BackendKind.SNAPSHOTS,
        factory="interlock_sqlalchemy_snapshots.backend:SQLAlchemySnapshotBackend",
        config="interlock_sqlalchemy_snapshots.config:SQLAlchemySnapshotsConfig",
        capabilities=frozenset(
            {
                Capability.DURABLE,
                Capability.SHARED,
                Capability.HISTORY,
                Capability.READ_MANY,
            }
        ),
        plugin_api=1,
        summary="Snapshots in PostgreSQL, MySQL, MariaDB or a SQLite file",
    )
