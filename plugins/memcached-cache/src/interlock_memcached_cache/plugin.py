"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, Capability, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The cache backend, by name."""
    yield BackendSpec(
        name="memcached-cache",
        kind=BackendKind.CACHE,
        factory="interlock_memcached_cache.backend:MemcachedAggregateCacheBackend",
        config="interlock_memcached_cache.config:MemcachedConfig",
        capabilities=frozenset({Capability.SHARED, Capability.BOUNDED, Capability.READ_MANY}),
        plugin_api=1,
        summary="A cache on one memcached server or several",
    )
