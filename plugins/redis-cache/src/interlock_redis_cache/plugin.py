"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, Capability, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The cache backend, by name."""
    yield BackendSpec(
        name="redis-cache",
        kind=BackendKind.CACHE,
        factory="interlock_redis_cache.backend:RedisAggregateCacheBackend",
        config="interlock_redis_cache.config:RedisConfig",
        capabilities=frozenset(
            {
                Capability.SHARED,
                Capability.DURABLE,
                Capability.TTL,
                Capability.BOUNDED,
                Capability.READ_MANY,
                Capability.NOTIFIES,
            }
        ),
        plugin_api=1,
        summary="A cache on Redis or Valkey, Sentinel and Cluster too",
    )
