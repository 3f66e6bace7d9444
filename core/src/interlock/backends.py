"""The face for authors of backends, strategies, codecs and extensions."""

from interlock._config.backends import ConfiguredBackend, configured_backends
from interlock._model.stamp import Origin
from interlock._plugins.catalogue import Catalogue, Listing
from interlock._plugins.durations import Duration, Ttl
from interlock._plugins.extensions import Extensions
from interlock._plugins.source_summary import Glance
from interlock._plugins.specs import (
    PLUGIN_API,
    BackendKind,
    BackendReference,
    BackendSpec,
    Capability,
    CodecSpec,
    ExtensionSpec,
    StrategyKind,
    StrategySpec,
    hookimpl,
)
from interlock._storage.adapters import as_cache_store, as_snapshot_store
from interlock._storage.codecs import Codec, JsonCodec
from interlock._storage.driver_errors import translated
from interlock._storage.event_backends import EventStoreBackend, conflict, in_chunks
from interlock._storage.log_lines import Limit, LogLines, OutageLines
from interlock._storage.protocols import (
    AggregateCacheBackend,
    AggregateSnapshotStorageBackend,
    CacheStore,
    ChangeNotifier,
    Closeable,
    EventStore,
    Forgetful,
    ListsIds,
    ListsStreams,
    ReadsFromSnapshot,
    ReadsMany,
    RemovesOne,
    SnapshotStore,
    TellsNewest,
)
from interlock._storage.record_backends import RecordCacheBackend, RecordSnapshotBackend
from interlock._storage.record_columns import from_columns, to_columns
from interlock._storage.record_mapper import AggregateMapper
from interlock._storage.records import (
    AggregateRecord,
    EventRow,
    RecordKey,
    Scope,
    Stamp,
    StoredEvent,
    from_micros,
    to_micros,
)
from interlock._storage.replacing import newer, replaces, usable
from interlock.errors import (
    BackendUnavailableError,
    ConcurrencyError,
    ConfigurationError,
    InterlockError,
    RecordTooLargeError,
    RecordUnusableError,
)

__all__ = [
    "PLUGIN_API",
    "AggregateCacheBackend",
    "AggregateMapper",
    "AggregateRecord",
    "AggregateSnapshotStorageBackend",
    "BackendKind",
    "BackendReference",
    "BackendSpec",
    "BackendUnavailableError",
    "CacheStore",
    "Capability",
    "Catalogue",
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
    "EventStoreBackend",
    "ExtensionSpec",
    "Extensions",
    "Forgetful",
    "Glance",
    "InterlockError",
    "JsonCodec",
    "Limit",
    "Listing",
    "ListsIds",
    "ListsStreams",
    "LogLines",
    "Origin",
    "OutageLines",
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
    "as_cache_store",
    "as_snapshot_store",
    "configured_backends",
    "conflict",
    "from_columns",
    "from_micros",
    "hookimpl",
    "in_chunks",
    "newer",
    "replaces",
    "to_columns",
    "to_micros",
    "translated",
    "usable",
]
