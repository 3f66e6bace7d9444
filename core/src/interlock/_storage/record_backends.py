"""The bases of backends that move records."""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from interlock._model.aggregate import Aggregate
from interlock._storage.protocols import AggregateCacheBackend, AggregateSnapshotStorageBackend
from interlock._storage.record_mapper import AggregateMapper
from interlock._storage.records import NEVER_VERIFIED, AggregateRecord, RecordKey, Scope, Stamp
from interlock.errors import ConfigurationError, RecordTooLargeError, RecordUnusableError

CACHE_TIMEOUT = timedelta(seconds=1)
SNAPSHOT_TIMEOUT = timedelta(seconds=5)


B = TypeVar("B", bound="_RecordBackend")

_binding: ContextVar[tuple[object, AggregateMapper] | None] = ContextVar("binding", default=None)
"""The backend whose aggregate-level method is being called, and the mapper of the type meant."""


class _RecordBackend:
    """The common part of both record bases: opening, closing, and the mapper of a bound call."""

    timeout: timedelta | None
    is_local: bool = False
    """Whether it answers within this process, without waiting."""

    async def open(self) -> None:
        """Connect. Called once, on start, on the loop that will use the backend."""

    async def close(self) -> None:
        """Disconnect. Called once, after the last call."""

    def _bound_mapper(self) -> AggregateMapper:
        binding = _binding.get()
        if binding is None or binding[0] is not self:
            raise ConfigurationError(
                f"{type(self).__name__} isn't bound to an aggregate type; register it with an "
                "aggregate, or call its record methods"
            )
        return binding[1]


class Bound(Generic[B]):
    """The aggregate-level methods of a record backend, for one aggregate type.

    One backend serves several types, and its methods are given ids alone. So the type's mapper is
    told by a context variable for as long as a method runs; a subclass's override is called too.
    """

    def __init__(self, backend: B, mapper: AggregateMapper) -> None:
        self.backend = backend
        self._mapper = mapper

    @contextmanager
    def _called(self) -> Iterator[B]:
        token = _binding.set((self.backend, self._mapper))
        try:
            yield self.backend
        finally:
            _binding.reset(token)


class RecordCacheBackend(_RecordBackend, AggregateCacheBackend):
    """The base of cache backends: moves records; where it is bound, an `AggregateCacheBackend`.

    A subclass implements `read`, `put` and `remove` as `interlock.backends.CacheStore` says, and
    `read_many` where the store has a multi-get.
    """

    timeout: timedelta | None = CACHE_TIMEOUT
    required: bool = False
    """Whether an application doesn't start while this cache can't be opened."""

    @abstractmethod
    async def read(self, key: RecordKey) -> AggregateRecord | None: ...

    @abstractmethod
    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None: ...

    @abstractmethod
    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None: ...

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        return await read_each(self, keys)

    async def check_size(self, key: RecordKey, blob: bytes, largest: int, *, advice: str) -> None:
        """For a put: raise `RecordTooLargeError` for a blob of more than `largest` bytes.

        First the entry is removed, so that none stands that the put should have replaced. `advice`
        says where the limit is from, and what to do.
        """
        if len(blob) > largest:
            await self.remove(key)
            raise RecordTooLargeError(
                f"the record of {key.aggregate_type} {key.aggregate_id} has {len(blob)} bytes, and "
                f"this cache takes {largest}, {advice}"
            )

    def bind(self, mapper: AggregateMapper) -> AggregateCacheBackend:
        """Give this backend's aggregate-level methods for the mapper's aggregate type."""
        return BoundCache(self, mapper)

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        mapper = self._bound_mapper()
        key = mapper.scope.key(aggregate_id)
        record = await self.read(key)
        return None if record is None else mapper.state(record, key)

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        await self.put(*_stamped(self._bound_mapper(), aggregate))

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        await self.remove(self._bound_mapper().scope.key(aggregate_id))


class RecordSnapshotBackend(_RecordBackend, AggregateSnapshotStorageBackend):
    """The base of snapshot backends: moves records, and is as `RecordCacheBackend` where bound.

    A subclass implements `read`, `put`, `revisions` and `prune` as
    `interlock.backends.SnapshotStore` says, and what it can of `Forgetful`, `ListsIds`,
    `RemovesOne` and `TellsNewest`.
    """

    timeout: timedelta | None = SNAPSHOT_TIMEOUT

    @abstractmethod
    async def read(
        self, key: RecordKey, at_or_below: int | None = None
    ) -> AggregateRecord | None: ...

    @abstractmethod
    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None: ...

    @abstractmethod
    async def revisions(self, key: RecordKey) -> Collection[str]: ...

    @abstractmethod
    async def prune(self, scope: Scope) -> int: ...

    async def forget(self, key: RecordKey) -> int:
        raise ConfigurationError(
            f"{type(self).__name__} can't forget: it implements no `forget`; remove the snapshots "
            "of the aggregate by the store's own means"
        )

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        return await read_each(self, keys)

    def bind(self, mapper: AggregateMapper) -> AggregateSnapshotStorageBackend:
        """Give this backend's aggregate-level methods for the mapper's aggregate type."""
        return BoundSnapshots(self, mapper)

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        await self.put(*_stamped(self._bound_mapper(), aggregate))

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        mapper = self._bound_mapper()
        key = mapper.scope.key(aggregate_id)
        record = await self.read(key, intended_version)
        return None if record is None else mapper.state(record, key)


class BoundCache(Bound[RecordCacheBackend]):
    """A record cache as an `AggregateCacheBackend` of one aggregate type."""

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        with self._called() as backend:
            return await backend.get_aggregate(aggregate_id)

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        with self._called() as backend:
            await backend.set_aggregate(aggregate)

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        with self._called() as backend:
            await backend.remove_aggregate(aggregate_id)


class BoundSnapshots(Bound[RecordSnapshotBackend]):
    """A record store as an `AggregateSnapshotStorageBackend` of one aggregate type."""

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        with self._called() as backend:
            await backend.save_snapshot(aggregate)

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        with self._called() as backend:
            return await backend.load_snapshot(aggregate_id, intended_version)


class _Reader(Protocol):
    async def read(self, key: RecordKey) -> AggregateRecord | None: ...


async def read_each(
    store: _Reader, keys: Sequence[RecordKey]
) -> Mapping[RecordKey, AggregateRecord]:
    found = {}
    for key in keys:
        try:
            record = await store.read(key)
        except RecordUnusableError:
            continue
        if record is not None:
            found[key] = record
    return found


def _stamped(mapper: AggregateMapper, aggregate: Aggregate) -> tuple[RecordKey, AggregateRecord]:
    try:
        record = mapper.record_of(aggregate, verified_at=NEVER_VERIFIED, taken_at=datetime.now(UTC))
    except RecordUnusableError as error:
        raise ConfigurationError(
            f"only an aggregate that was loaded can be kept: {error}"
        ) from error
    return mapper.scope.key(aggregate.id), record
