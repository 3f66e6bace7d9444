"""Backends of any kind as the record stores that loads use."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NoReturn
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
from interlock._storage.record_backends import (
    CACHE_TIMEOUT,
    SNAPSHOT_TIMEOUT,
    Bound,
    RecordCacheBackend,
    RecordSnapshotBackend,
    read_each,
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
        try:
            aggregate = await self._backend.get_aggregate(key.aggregate_id)
        except Exception as error:  # noqa: BLE001 whatever a driver raises is translated
            _translate(error, self._backend)
        return None if aggregate is None else _record(self._mapper, aggregate)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        copy = _handed(self._mapper, record)
        try:
            await self._backend.set_aggregate(copy)
        except Exception as error:  # noqa: BLE001 whatever a driver raises is translated
            _translate(error, self._backend)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        try:
            await self._backend.remove_aggregate(key.aggregate_id)
        except Exception as error:  # noqa: BLE001 whatever a driver raises is translated
            _translate(error, self._backend)

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        return await read_each(self, keys)


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
        copy = _handed(self._mapper, record)
        try:
            await self._backend.save_snapshot(copy)
        except Exception as error:  # noqa: BLE001 whatever a driver raises is translated
            _translate(error, self._backend)

    async def revisions(self, key: RecordKey) -> Collection[str]:
        return ()

    async def prune(self, scope: Scope) -> int:
        return 0

    async def forget(self, key: RecordKey) -> int:
        raise ConfigurationError(
            f"{_name_of(self._backend)} can't forget: a plain snapshot backend has no "
            "removal; remove the snapshots of the aggregate by the backend's own means, or derive "
            "it from RecordSnapshotBackend and implement `forget`"
        )

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        return await read_each(self, keys)


def _handed(mapper: AggregateMapper, record: AggregateRecord) -> Aggregate:
    """Decode a copy for a plain backend, which probably stores it by `model_dump_json`.

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
            f"{_name_of(backend)} found what doesn't validate ({told(error)})"
        ) from None
    raise BackendUnavailableError(f"{_name_of(backend)}: {error!r}") from error


def _name_of(backend: object) -> str:
    return type(backend.backend if isinstance(backend, Bound) else backend).__name__


_CACHE_METHODS = ("get_aggregate", "set_aggregate", "remove_aggregate")
_SNAPSHOT_METHODS = ("save_snapshot", "load_snapshot")


def as_cache_store(backend: object, mapper: AggregateMapper) -> CacheStore:
    """Adapt a backend to the record-level protocol that loads use.

    A record backend is returned as it is, unless its class overrides an aggregate-level method:
    then that method is called. Raises `ConfigurationError` if methods are missing.
    """
    if isinstance(backend, RecordCacheBackend):
        if _inherits(backend, RecordCacheBackend, _CACHE_METHODS):
            return backend
        return PlainCache(backend.bind(mapper), mapper)
    _require(backend, _CACHE_METHODS, "AggregateCacheBackend")
    return PlainCache(backend, mapper)  # type: ignore[arg-type] # its methods stand


def as_snapshot_store(backend: object, mapper: AggregateMapper) -> SnapshotStore:
    """Adapt a snapshot backend, as `as_cache_store` does a cache."""
    if isinstance(backend, RecordSnapshotBackend):
        if _inherits(backend, RecordSnapshotBackend, _SNAPSHOT_METHODS):
            return backend
        return PlainSnapshots(backend.bind(mapper), mapper)
    _require(backend, _SNAPSHOT_METHODS, "AggregateSnapshotStorageBackend")
    return PlainSnapshots(backend, mapper)  # type: ignore[arg-type] # its methods stand


def _inherits(backend: object, base: type, methods: Sequence[str]) -> bool:
    return all(getattr(type(backend), name) is getattr(base, name) for name in methods)


def _require(backend: object, methods: Sequence[str], protocol: str) -> None:
    missing = [name for name in methods if not callable(getattr(backend, name, None))]
    if missing:
        raise ConfigurationError(
            f"{type(backend).__name__} is no {protocol}: it lacks {', '.join(missing)}"
        )
