"""The face for authors of backends, strategies, codecs and extensions."""

from interlock.adapters import RecordCacheBackend, RecordSnapshotBackend
from interlock.codecs import Codec
from interlock.configured import ConfiguredBackend, configured_backends
from interlock.durations import Duration, Ttl
from interlock.errors import (
    BackendUnavailableError,
    ConcurrencyError,
    ConfigurationError,
    InterlockError,
    RecordTooLargeError,
    RecordUnusableError,
)
from interlock.memory import in_chunks, newer
from interlock.ports import (
    AggregateCacheBackend,
    AggregateSnapshotStorageBackend,
    CacheStore,
    ChangeNotifier,
    Closeable,
    EventStore,
    Forgetful,
    ListsIds,
    ReadsFromSnapshot,
    ReadsMany,
    RemovesOne,
    SnapshotStore,
    TellsNewest,
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
    "ChangeNotifier",
    "Closeable",
    "Codec",
    "CodecSpec",
    "ConcurrencyError",
    "ConfigurationError",
    "ConfiguredBackend",
    "Duration",
    "EventRow",
    "EventStore",
    "Forgetful",
    "InterlockError",
    "ListsIds",
    "ReadsFromSnapshot",
    "ReadsMany",
    "RecordCacheBackend",
    "RecordKey",
    "RecordSnapshotBackend",
    "RecordTooLargeError",
    "RecordUnusableError",
    "RemovesOne",
    "Scope",
    "SnapshotStore",
    "Stamp",
    "StoredEvent",
    "StrategyKind",
    "StrategySpec",
    "TellsNewest",
    "Ttl",
    "configured_backends",
    "from_micros",
    "hookimpl",
    "in_chunks",
    "newer",
    "to_micros",
]
