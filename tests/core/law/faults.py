"""Stores that fail, lag and lie where a test armed them to, and count what bit.

A fault stays armed until a call comes that it can bite: a read can only be answered with an older
record where there is one. No fault forges a state with a right checksum.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from interlock._model.aggregate import origin_of, set_origin
from interlock.application.aggregates import (
    AggregateCacheBackend,
    AggregateSnapshotStorageBackend,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
)
from interlock.backends import (
    AggregateRecord,
    RecordKey,
    Stamp,
)
from interlock.domain import Aggregate
from interlock.errors import RecordUnusableError
from law.fault_lists import Faults, Kept, _subject


def _from_blob(fault: str, record: AggregateRecord, count: int) -> AggregateRecord:
    """The record as a store that keeps blobs reads it back, some of them damaged."""
    if fault == "other-revision":
        # What the other code made of the same events: it has another meaning.
        payload = record.payload.removesuffix(b"}") + b',"owner":"other","points":-1}'
        record = record._replace(revision="6", payload=payload)
    blob = record.to_bytes()
    if fault == "corrupt":
        blob = _flipped(blob, blob.rindex(record.payload), len(blob) - 16, count)
    try:
        return AggregateRecord.from_bytes(blob, key=record.key)
    except RecordUnusableError as error:
        raise RecordUnusableError(str(error), version=record.version) from error


def _flipped(blob: bytes, start: int, stop: int, count: int) -> bytes:
    """Another digit in the place of one of those between the bounds; each time of another one."""
    digits = [index for index in range(start, stop) if blob[index : index + 1].isdigit()]
    index = digits[-1 - count % len(digits)] if digits else start
    return blob[:index] + (b"1" if blob[index] != ord("1") else b"2") + blob[index + 1 :]


class RecordCache(InMemoryAggregateCacheBackend):
    """A cache of records, kept as blobs."""

    timeout: timedelta | None

    def __init__(self, faults: Faults[AggregateRecord], timeout: timedelta | None) -> None:
        super().__init__()
        self.faults = faults
        self.timeout, self.is_local = timeout, timeout is None

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        await self.faults.begin("fails")
        record = await super().read(key)
        found = None if record is None else Kept(record.version, record)
        fault, answer = self.faults.answer(_subject(key), found, None)
        return None if answer is None else _from_blob(fault, answer, self.faults.calls)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self.faults.begin("put-fails")
        self.faults.keep(_subject(key), record.version, record)
        put = super().put
        if self.faults.takes("put-dropped"):
            return
        if self.faults.takes("put-lags"):
            self.faults.lag(_subject(key), lambda: put(key, record, supersedes))
            return
        await put(key, record, supersedes)
        if self.faults.takes("put-fails-late"):
            self.faults.fail()

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        await self.faults.begin("remove-fails")
        await super().remove(key, stamp)

    def evict(self) -> None:
        self._records.clear()


class RecordSnapshots(InMemoryAggregateSnapshotStorageBackend):
    """A snapshot store of records, kept as blobs."""

    timeout: timedelta | None

    def __init__(
        self, faults: Faults[AggregateRecord], timeout: timedelta | None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.faults = faults
        self.timeout, self.is_local = timeout, timeout is None

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        await self.faults.begin("fails")
        record = await super().read(key, at_or_below)
        found = None if record is None else Kept(record.version, record)
        fault, answer = self.faults.answer(_subject(key), found, at_or_below)
        return None if answer is None else _from_blob(fault, answer, self.faults.calls)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self.faults.begin("put-fails")
        self.faults.keep(_subject(key), record.version, record)
        put = super().put
        if self.faults.takes("put-dropped"):
            return
        if self.faults.takes("put-lags"):
            self.faults.lag(_subject(key), lambda: put(key, record, supersedes))
            return
        await put(key, record, supersedes)
        if self.faults.takes("put-fails-late"):
            self.faults.fail()

    async def forget(self, key: RecordKey) -> int:
        await self.faults.begin("fails")
        return await super().forget(key)

    def evict(self) -> None:
        self._records.clear()


def _of_other_code(state: Aggregate) -> Aggregate:
    """What the other code made of the same events: it has another meaning."""
    other, origin = state.model_copy(), origin_of(state)
    for name, value in (("owner", "other"), ("points", -1)):
        if name in type(state).model_fields:
            setattr(other, name, value)
    set_origin(other, origin and origin._replace(revision="6"))
    return other


class Plain(AggregateCacheBackend, AggregateSnapshotStorageBackend):
    """Written by hand, for one aggregate type: keeps the stamped JSON, or the very object.

    Unlike the record stores it lets the last put win.
    """

    def __init__(self, faults: Faults[Any], name: str, *, shares: bool) -> None:
        self.faults = faults
        self._name = name
        self._shares = shares
        self._rows: defaultdict[UUID, dict[int, Kept[Any]]] = defaultdict(dict)

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        return await self.load_snapshot(aggregate_id)

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        await self._put(aggregate, keeps_history=False)

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        await self.faults.begin("remove-fails")
        self._rows.pop(aggregate_id, None)

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        await self._put(aggregate, keeps_history=True)

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        await self.faults.begin("fails")
        rows = self._rows[aggregate_id]
        below = [v for v in rows if intended_version is None or v <= intended_version]
        found = rows[max(below)] if below else None
        fault, answer = self.faults.answer((self._name, aggregate_id), found, intended_version)
        return None if answer is None else self._decoded(fault, answer)

    async def _put(self, aggregate: Aggregate, *, keeps_history: bool) -> None:
        await self.faults.begin("put-fails")
        value = aggregate if self._shares else aggregate.model_dump_json()
        kept = Kept(aggregate.version, value)
        subject = (self._name, aggregate.id)
        self.faults.keep(subject, kept.version, kept.value)
        if self.faults.takes("put-dropped"):
            return
        if self.faults.takes("put-lags"):
            self.faults.lag(subject, lambda: self._store(aggregate.id, kept, keeps_history))
            return
        await self._store(aggregate.id, kept, keeps_history)
        if self.faults.takes("put-fails-late"):
            self.faults.fail()

    async def _store(self, aggregate_id: UUID, kept: Kept[Any], keeps_history: bool) -> None:  # noqa: FBT001 a callback's
        rows = self._rows[aggregate_id]
        if not keeps_history:
            rows.clear()
        rows[kept.version] = kept

    def _decoded(self, fault: str, value: Any) -> Aggregate:
        if fault == "corrupt" and self._shares:
            unstamped: Aggregate = type(value)(**dict(value))
            return unstamped
        if fault == "corrupt":
            text = value.encode()
            start, stop = text.index(b'"version":'), text.index(b'"interlock_stamp"')
            return Aggregate.model_validate_json(_flipped(text, start, stop, self.faults.calls))
        found: Aggregate = value if self._shares else Aggregate.model_validate_json(value)
        return _of_other_code(found) if fault == "other-revision" else found

    def evict(self) -> None:
        self._rows.clear()
