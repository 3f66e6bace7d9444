"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, Capability, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The backend, by name."""
    yield BackendSpec(
        name="sqlite-snapshots",
        kind=BackendKind.SNAPSHOTS,
        factory="interlock_sqlite_snapshots.backend:SqliteSnapshotBackend",
        config="interlock_sqlite_snapshots.config:SqliteSnapshotsConfig",
        capabilities=frozenset({Capability.DURABLE, Capability.SHARED, Capability.HISTORY}),
        plugin_api=1,
        summary="Snapshots in a SQLite file",
    )
