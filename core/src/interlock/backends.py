"""The face for authors of backends, strategies and codecs."""

from interlock.adapters import RecordCacheBackend, RecordSnapshotBackend
from interlock.codecs import Codec
from interlock.errors import (
    BackendUnavailableError,
    ConcurrencyError,
    ConfigurationError,
    InterlockError,
    RecordUnusableError,
)
from interlock.memory import newer
from interlock.ports import (
    AggregateCacheBackend,
    AggregateSnapshotStorageBackend,
    CacheStore,
    EventStore,
    SnapshotStore,
)
from interlock.records import (
    AggregateRecord,
    EventRow,
    RecordKey,
    Scope,
    Stamp,
    StoredEvent,
    from_micros,
    to_micros,
)

__all__ = [
    "AggregateCacheBackend",
    "AggregateRecord",
    "AggregateSnapshotStorageBackend",
    "BackendUnavailableError",
    "CacheStore",
    "Codec",
    "ConcurrencyError",
    "ConfigurationError",
    "EventRow",
    "EventStore",
    "InterlockError",
    "RecordCacheBackend",
    "RecordKey",
    "RecordSnapshotBackend",
    "RecordUnusableError",
    "Scope",
    "SnapshotStore",
    "Stamp",
    "StoredEvent",
    "from_micros",
    "newer",
    "to_micros",
]
