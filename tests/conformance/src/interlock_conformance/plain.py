"""Plain hand-written classes seen as one record store for all the types of the checks."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Generic, TypeVar

from interlock.backends import (
    AggregateMapper,
    AggregateRecord,
    CacheStore,
    JsonCodec,
    RecordKey,
    Scope,
    SnapshotStore,
    Stamp,
    as_cache_store,
    as_snapshot_store,
)
from interlock.domain import Aggregate
from interlock_conformance.records import TYPES

Make = Callable[[type[Aggregate]], Awaitable[object]]
Open = Callable[[object, AsyncExitStack], Awaitable[None]]
S = TypeVar("S", CacheStore, SnapshotStore)


class _Plain(Generic[S]):
    """One backend for each aggregate type, made when the first key of the type is used."""

    timeout = None
    is_local = False
    adapt: Callable[[object, AggregateMapper], S]

    def __init__(self, make: Make, open_backend: Open) -> None:
        self._make = make
        self._open = open_backend
        self._backends: dict[str, object] = {}
        self._stack = AsyncExitStack()

    async def _store(self, key: RecordKey) -> S:
        name = key.aggregate_type
        if name not in self._backends:
            backend = await self._make(TYPES[name])
            await self._open(backend, self._stack)
            self._backends[name] = backend
        scope = Scope(key.namespace, key.epoch, name, key.revision)
        mapper = AggregateMapper(TYPES[name], scope, JsonCodec())
        store: S = type(self).adapt(self._backends[name], mapper)
        return store

    async def close(self) -> None:
        """Close those that were made."""
        await self._stack.aclose()

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """Keep."""
        await (await self._store(key)).put(key, record, supersedes)

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        """One `read` after the other; the keys are of one scope."""
        return await (await self._store(keys[0])).read_many(keys)


class PlainCaches(_Plain[CacheStore]):
    """A plain cache for each type."""

    adapt = staticmethod(as_cache_store)

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        """The entry."""
        return await (await self._store(key)).read(key)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        """Remove it."""
        await (await self._store(key)).remove(key, stamp)


class PlainSnapshotStores(_Plain[SnapshotStore]):
    """A plain snapshot backend for each type."""

    adapt = staticmethod(as_snapshot_store)

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        """The newest, at or below the bound."""
        return await (await self._store(key)).read(key, at_or_below)
