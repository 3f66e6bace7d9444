"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, Capability, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The snapshot backend, by name."""
    yield BackendSpec(
        name="object-snapshots",
        kind=BackendKind.SNAPSHOTS,
        factory="interlock_object_snapshots.backend:ObjectSnapshotBackend",
        config="interlock_object_snapshots.config:ObjectSnapshotsConfig",
        capabilities=frozenset(
            {
                Capability.DURABLE,
                Capability.SHARED,
                Capability.HISTORY,
                Capability.READ_MANY,
            }
        ),
        plugin_api=1,
        summary="Snapshots as objects: S3, Google Cloud Storage, Azure, or a directory",
    )
