"""Types of the arguments by which a backend is registered.

An instance is used as it is, and shared. A class or factory is called once for each aggregate, its
required parameters filled by `register_dependency`. A name stands for a table of the TOML file or
for a backend that needs no options, `backend(name, **options)` for an installed one with options.
"""

from collections.abc import Callable

from interlock._plugins.specs import BackendReference
from interlock._storage.event_protocols import EventStore
from interlock._storage.protocols import AggregateCacheBackend, AggregateSnapshotStorageBackend

EventStoreSource = EventStore | Callable[..., EventStore] | BackendReference | str
"""An event store, its class or a factory, a name, or `backend(name, **options)`."""

SnapshotBackendSource = (
    AggregateSnapshotStorageBackend
    | Callable[..., AggregateSnapshotStorageBackend]
    | BackendReference
    | str
)
"""A snapshot backend, its class or a factory, a name, or `backend(name, **options)`."""

CacheBackendSource = (
    AggregateCacheBackend | Callable[..., AggregateCacheBackend] | BackendReference | str
)
"""A cache backend, its class or a factory, a name, or `backend(name, **options)`."""
