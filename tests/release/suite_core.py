"""The backends of the core in the shared suite."""

from interlock.application import backend
from interlock.application.aggregates import (
    InMemoryAggregateCacheBackend,
    TieredAggregateCacheBackend,
)
from interlock_conformance.cases import (
    CacheConformance,
    EventStoreConformance,
    SnapshotConformance,
)


class TestEventsInMemory(EventStoreConformance):
    def backend(self) -> object:
        return backend("memory-events")


class TestSnapshotsInMemory(SnapshotConformance):
    def backend(self) -> object:
        return backend("memory-snapshots")


class TestNoSnapshots(SnapshotConformance):
    def backend(self) -> object:
        return backend("null-snapshots")


class TestCacheInMemory(CacheConformance):
    def backend(self) -> object:
        return backend("memory-cache")


class TestNoCache(CacheConformance):
    def backend(self) -> object:
        return backend("null-cache")


class TestTiered(CacheConformance):
    def backend(self) -> object:
        local, shared = InMemoryAggregateCacheBackend(), InMemoryAggregateCacheBackend()
        return TieredAggregateCacheBackend(local, shared)
