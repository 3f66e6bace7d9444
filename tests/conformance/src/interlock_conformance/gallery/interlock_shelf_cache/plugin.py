"""Registers the backend; imports no driver."""

from collections.abc import Iterable

from interlock.backends import BackendKind, BackendSpec, hookimpl


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """The backend, by name."""
    yield BackendSpec(
        name="shelf-cache",
        kind=BackendKind.CACHE,
        factory="interlock_shelf_cache.backend:ShelfCacheBackend",
        config="interlock_shelf_cache.config:ShelfCacheConfig",
        capabilities=frozenset({"durable", "shared", "bounded", "round_trips"}),
        plugin_api=1,
        summary="A cache in a file",
    )
