"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The backend, by name."""
    yield BackendSpec(
        name="shelf-snapshots",
        kind=BackendKind.SNAPSHOTS,
        factory="interlock_shelf_snapshots.backend:ShelfSnapshotBackend",
        config="interlock_shelf_snapshots.config:ShelfSnapshotsConfig",
        capabilities=frozenset({"durable", "shared", "history", "round_trips"}),
        plugin_api=1,
        summary="Snapshots in a file",
    )
