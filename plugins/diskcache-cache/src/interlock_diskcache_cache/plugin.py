"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, Capability, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The cache, by name."""
    yield BackendSpec(
        name="diskcache-cache",
        kind=BackendKind.CACHE,
        factory="interlock_diskcache_cache.backend:DiskCacheAggregateCacheBackend",
        config="interlock_diskcache_cache.config:DiskCacheConfig",
        capabilities=frozenset(
            {Capability.SHARED, Capability.DURABLE, Capability.BOUNDED, Capability.READ_MANY}
        ),
        plugin_api=1,
        summary="A cache in a directory, for one machine's processes",
    )
