"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, Capability, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The backend, by name."""
    yield BackendSpec(
        name="lmdb-cache",
        kind=BackendKind.CACHE,
        factory="interlock_lmdb_cache.backend:LmdbCacheBackend",
        config="interlock_lmdb_cache.config:LmdbCacheConfig",
        capabilities=frozenset({Capability.DURABLE, Capability.SHARED, Capability.BOUNDED}),
        plugin_api=1,
        summary="A cache in an LMDB file, for one machine's processes",
    )
