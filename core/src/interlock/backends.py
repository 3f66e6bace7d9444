"""The face for authors of backends, strategies and codecs."""

from interlock.adapters import RecordCacheBackend, RecordSnapshotBackend
from interlock.codecs import Codec
from interlock.durations import Duration
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
from interlock.specs import (
    BackendKind,
    BackendSpec,
    CodecSpec,
    StrategyKind,
    StrategySpec,
    hookimpl,
)

__all__ = [
    "AggregateCacheBackend",
    "AggregateRecord",
    "AggregateSnapshotStorageBackend",
    "BackendKind",
    "BackendSpec",
    "BackendUnavailableError",
    "CacheStore",
    "Codec",
    "CodecSpec",
    "ConcurrencyError",
    "ConfigurationError",
    "Duration",
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
    "StrategyKind",
    "StrategySpec",
    "from_micros",
    "hookimpl",
    "newer",
    "to_micros",
]
