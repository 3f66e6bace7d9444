"""The record bases for authors, and a plain class seen as a record store."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NoReturn, Protocol, Self
from uuid import UUID

from pydantic import ValidationError

from interlock._model.aggregate import Aggregate
from interlock._storage.codecs import JsonCodec
from interlock._storage.protocols import (
    AggregateCacheBackend,
    AggregateSnapshotStorageBackend,
    CacheStore,
    SnapshotStore,
)
from interlock._storage.record_mapper import AggregateMapper
from interlock._storage.records import NEVER_VERIFIED, AggregateRecord, RecordKey, Scope, Stamp
from interlock._values.fidelity import told
from interlock._values.ids import plain_id
from interlock.errors import (
    BackendUnavailableError,
    ConfigurationError,
    RecordUnusableError,
    StateNotKeptError,
)

CACHE_TIMEOUT = timedelta(seconds=1)
SNAPSHOT_TIMEOUT = timedelta(seconds=5)


class _RecordBackend:
    """What both record bases share: opening, closing, and the view bound to one aggregate type."""

    # A view shares the `__dict__` of its backend, so what tells them apart is a slot.
    __slots__ = ("__dict__", "_mapper")

    _mapper: AggregateMapper
    timeout: timedelta | None
    is_local: bool = False
    """Whether it answers within this process, without waiting."""

    async def open(self) -> None:
        """Connect. Called once, on start, on the loop that will use the backend."""

    async def close(self) -> None:
        """Disconnect. Called once, after the last call."""

    def bind(self, mapper: AggregateMapper) -> Self:
        """A view of this backend for one aggregate type; it shares every attribute with it."""
        view = object.__new__(type(self))
        view.__dict__ = self.__dict__
        view._mapper = mapper
        return view

    def _bound(self) -> AggregateMapper:
        try:
            return self._mapper
        except AttributeError:
            raise ConfigurationError(
                f"{type(self).__name__} isn't bound to an aggregate type; register it with an "
                "aggregate, or call its record methods"
            ) from None


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
        return await _read_each(self, keys)

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        mapper = self._bound()
        key = mapper.scope.key(aggregate_id)
        record = await self.read(key)
        return None if record is None else mapper.state(record, key)

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        await self.put(*_stamped(self._bound(), aggregate))

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        await self.remove(self._bound().scope.key(aggregate_id))


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
        return await _read_each(self, keys)

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        await self.put(*_stamped(self._bound(), aggregate))

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        mapper = self._bound()
        key = mapper.scope.key(aggregate_id)
        record = await self.read(key, intended_version)
        return None if record is None else mapper.state(record, key)


class _Reader(Protocol):
    async def read(self, key: RecordKey) -> AggregateRecord | None: ...


async def _read_each(
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


class PlainCache:
    """A plain `AggregateCacheBackend` as a `CacheStore`.

    It can't compare and set: a put replaces whatever is there, and no entry counts as verified.
    """

    timeout: timedelta | None = CACHE_TIMEOUT
    is_local = False

    def __init__(self, backend: AggregateCacheBackend, mapper: AggregateMapper) -> None:
        self._backend = backend
        self._mapper = mapper

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        """The record of what the backend returns."""
        try:
            aggregate = await self._backend.get_aggregate(key.aggregate_id)
        except Exception as error:  # noqa: BLE001 whatever a driver raises is translated
            _translate(error, self._backend)
        return None if aggregate is None else _record(self._mapper, aggregate)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """Hand the backend a private copy."""
        copy = _handed(self._mapper, record)
        try:
            await self._backend.set_aggregate(copy)
        except Exception as error:  # noqa: BLE001 whatever a driver raises is translated
            _translate(error, self._backend)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        """Remove what is there, whatever its stamp."""
        try:
            await self._backend.remove_aggregate(key.aggregate_id)
        except Exception as error:  # noqa: BLE001 whatever a driver raises is translated
            _translate(error, self._backend)

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        """One `read` after the other."""
        return await _read_each(self, keys)


class PlainSnapshots:
    """A plain `AggregateSnapshotStorageBackend` as a `SnapshotStore`.

    What it keeps beside the newest is its own affair: it has no retention and can't list.
    """

    timeout: timedelta | None = SNAPSHOT_TIMEOUT
    is_local = False

    def __init__(self, backend: AggregateSnapshotStorageBackend, mapper: AggregateMapper) -> None:
        self._backend = backend
        self._mapper = mapper

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        """The record of what the backend returns."""
        if key.revision != self._mapper.scope.revision:
            return None
        try:
            aggregate = await self._backend.load_snapshot(key.aggregate_id, at_or_below)
        except Exception as error:  # noqa: BLE001 whatever a driver raises is translated
            _translate(error, self._backend)
        return None if aggregate is None else _record(self._mapper, aggregate)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """Hand the backend a private copy."""
        copy = _handed(self._mapper, record)
        try:
            await self._backend.save_snapshot(copy)
        except Exception as error:  # noqa: BLE001 whatever a driver raises is translated
            _translate(error, self._backend)

    async def revisions(self, key: RecordKey) -> Collection[str]:
        """None: the protocol doesn't tell."""
        return ()

    async def prune(self, scope: Scope) -> int:
        return 0

    async def forget(self, key: RecordKey) -> int:
        """Raises `ConfigurationError`: the protocol has no removal."""
        raise ConfigurationError(
            f"{type(self._backend).__name__} can't forget: a plain snapshot backend has no "
            "removal; remove the snapshots of the aggregate by the backend's own means, or derive "
            "it from RecordSnapshotBackend and implement `forget`"
        )

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        """One `read` after the other."""
        return await _read_each(self, keys)


def _handed(mapper: AggregateMapper, record: AggregateRecord) -> Aggregate:
    """A copy for a plain backend, which keeps it by `model_dump_json` as far as is known.

    Raises `StateNotKeptError` if that would lose something that the registered codec doesn't.
    """
    copy = mapper.state(record, record.key)
    if type(mapper.codec) is not JsonCodec:
        replace(mapper, codec=JsonCodec()).record(
            copy, mapper.origin(record), verified_at=NEVER_VERIFIED, taken_at=record.taken_at
        )
    return copy


def _record(mapper: AggregateMapper, aggregate: object) -> AggregateRecord:
    if not isinstance(aggregate, Aggregate):
        raise RecordUnusableError(
            f"the backend returned a {type(aggregate).__name__}, no aggregate"
        )
    if type(aggregate.id) is not UUID:  # a driver's own class
        aggregate = aggregate.model_copy(update={"id": plain_id(aggregate.id, "id")})
    try:
        return mapper.record_of(aggregate, verified_at=NEVER_VERIFIED, taken_at=datetime.now(UTC))
    except StateNotKeptError as error:
        raise RecordUnusableError(
            f"the backend returned what it wasn't given: {error.where}", version=aggregate.version
        ) from error


def _translate(error: Exception, backend: object) -> NoReturn:
    if isinstance(error, ValidationError):
        raise RecordUnusableError(
            f"{type(backend).__name__} found what doesn't validate ({told(error)})"
        ) from None
    raise BackendUnavailableError(f"{type(backend).__name__}: {error!r}") from error


_CACHE_METHODS = ("get_aggregate", "set_aggregate", "remove_aggregate")
_SNAPSHOT_METHODS = ("save_snapshot", "load_snapshot")


def as_cache_store(backend: object, mapper: AggregateMapper) -> CacheStore:
    """The backend as the loader sees it, bound to the mapper's type.

    A record backend stays what it is, unless a subclass overrides an aggregate-level method: what
    is overridden is what is called. Raises `ConfigurationError` if methods are missing.
    """
    if isinstance(backend, RecordCacheBackend):
        view = backend.bind(mapper)
        return (
            view
            if _inherits(view, RecordCacheBackend, _CACHE_METHODS)
            else PlainCache(view, mapper)
        )
    _require(backend, _CACHE_METHODS, "AggregateCacheBackend")
    return PlainCache(backend, mapper)  # type: ignore[arg-type] # its methods stand


def as_snapshot_store(backend: object, mapper: AggregateMapper) -> SnapshotStore:
    """As `as_cache_store`, for a snapshot backend."""
    if isinstance(backend, RecordSnapshotBackend):
        view = backend.bind(mapper)
        if _inherits(view, RecordSnapshotBackend, _SNAPSHOT_METHODS):
            return view
        return PlainSnapshots(view, mapper)
    _require(backend, _SNAPSHOT_METHODS, "AggregateSnapshotStorageBackend")
    return PlainSnapshots(backend, mapper)  # type: ignore[arg-type] # its methods stand


def _inherits(view: object, base: type, methods: Sequence[str]) -> bool:
    return all(getattr(type(view), name) is getattr(base, name) for name in methods)


def _require(backend: object, methods: Sequence[str], protocol: str) -> None:
    missing = [name for name in methods if not callable(getattr(backend, name, None))]
    if missing:
        raise ConfigurationError(
            f"{type(backend).__name__} is no {protocol}: it lacks {', '.join(missing)}"
        )
