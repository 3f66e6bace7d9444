"""What serves one aggregate type where observers are told of it; nothing else uses this."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractContextManager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from interlock._engine.cache import AggregateCache
from interlock._engine.command_handling import CommandHandler, Decision
from interlock._engine.context import TypeContext
from interlock._engine.known_heads import Head
from interlock._engine.load_context import LoadedState, LoadRequest, LoadTrace
from interlock._engine.reporting import Reporting
from interlock._engine.reports import (
    AppendReport,
    CacheReport,
    DispatchReport,
    Operation,
    OperationKind,
    Reason,
    SnapshotReport,
    StoreAction,
)
from interlock._engine.snapshot_queue import SnapshotQueue
from interlock._engine.snapshot_reading import SnapshotReading
from interlock._engine.snapshots import SnapshotHistory
from interlock._engine.state_records import StateRecords
from interlock._engine.stream import EventStream
from interlock._model.command import Command
from interlock._model.routes import Handler
from interlock._storage.protocols import SnapshotStore
from interlock._storage.records import AggregateRecord, RecordKey, Stamp, StoredEvent

Around = AbstractContextManager[Callable[[], timedelta]]


@dataclass(slots=True)
class _Handling:
    """What one dispatch has come to."""

    attempts: int = 0
    events: int = 0


_HANDLING: ContextVar[_Handling] = ContextVar("interlock_handling")


class ObservedCommands(CommandHandler):
    """Commands, with a report of each."""

    async def handle(self, command: Command[Any], handler: Handler, metadata: bytes) -> Any:
        name, aggregate_id, reporting = self._name, command.aggregate_id, self._context.reporting
        of_command = type(command).__qualname__
        operation = Operation(OperationKind.DISPATCH, name, aggregate_id, of_command)
        handling = _Handling()
        token = _HANDLING.set(handling)
        try:
            with reporting.around(operation) as duration:
                answer = await super().handle(command, handler, metadata)
                report = DispatchReport(
                    name, aggregate_id, of_command, handling.attempts, handling.events, duration()
                )
                reporting.tell("on_dispatch", report, aggregate_id)
                return answer
        finally:
            _HANDLING.reset(token)

    async def _decide(
        self, command: Command[Any], handler: Handler, metadata: bytes, request: LoadRequest
    ) -> Decision:
        handling = _HANDLING.get()
        handling.attempts += 1
        decision = await super()._decide(command, handler, metadata, request)
        handling.events = len(decision[-1])
        return decision


class ObservedStream(EventStream):
    """Streams, with a report of each append."""

    async def append(
        self, events: Sequence[StoredEvent], after: Head | None, *, is_proven: bool
    ) -> None:
        name, aggregate_id, reporting = self.type, events[0].aggregate_id, self._reporting
        backend = reporting.backend("events")
        operation = Operation(OperationKind.APPEND, name, aggregate_id, backend=backend)
        with reporting.around(operation) as duration:
            await super().append(events, after, is_proven=is_proven)
            report = AppendReport(
                name, aggregate_id, backend, len(events), events[-1].version, duration()
            )
            reporting.tell("on_append", report, aggregate_id)


class ObservedCache(AggregateCache):
    """A cache, with a report of each call."""

    def __init__(self, context: TypeContext, records: StateRecords) -> None:
        super().__init__(context, records)
        self._read_at_once = self._put_at_once = None  # of what is done at once nothing is told

    async def read(self, aggregate_id: UUID, trace: LoadTrace) -> LoadedState | None:
        with self._around(StoreAction.READ, aggregate_id) as duration:
            hit = await super().read(aggregate_id, trace)
            reason = trace.misses[-1].reason if hit is None and trace.misses else None
            self._tell(
                StoreAction.READ, aggregate_id, duration, is_done=hit is not None, why=reason
            )
            return hit

    async def put(self, loaded: LoadedState, supersedes: Collection[Stamp], now: datetime) -> bool:
        with self._around(StoreAction.PUT, loaded.aggregate_id) as duration:
            is_put = await super().put(loaded, supersedes, now)
            self._tell(StoreAction.PUT, loaded.aggregate_id, duration, is_done=is_put)
            return is_put

    async def drop(self, aggregate_id: UUID, stamp: Stamp | None = None) -> bool:
        with self._around(StoreAction.REMOVE, aggregate_id) as duration:
            is_removed = await super().drop(aggregate_id, stamp)
            self._tell(StoreAction.REMOVE, aggregate_id, duration, is_done=is_removed)
            return is_removed

    def _around(self, action: StoreAction, aggregate_id: UUID) -> Around:
        reporting, name = self._context.reporting, self._context.registration.name
        return reporting.around(
            Operation(OperationKind.CACHE, name, aggregate_id, action, reporting.backend("cache"))
        )

    def _tell(
        self,
        action: StoreAction,
        aggregate_id: UUID,
        duration: Callable[[], timedelta],
        *,
        is_done: bool,
        why: Reason | None = None,
    ) -> None:
        reporting, name = self._context.reporting, self._context.registration.name
        backend = reporting.backend("cache")
        report = CacheReport(name, aggregate_id, backend, action, is_done, why, duration())
        reporting.tell("on_cache", report, aggregate_id)


class ObservedSnapshots(SnapshotHistory):
    """Snapshots, with a report of each read and put."""

    def __init__(self, context: TypeContext, records: StateRecords) -> None:
        super().__init__(context, records)
        self._calls = _SnapshotCalls(context.reporting, context.registration.name)
        if self._queue is not None and self._store is not None:
            size = context.snapshot_queue_size
            self._queue = _ObservedQueue(self._store, context.reporting, self._calls, size=size)
        if self._store is not None:
            self._reading = _ObservedReading(context, self._store, self._calls)

    async def store(self, loaded: LoadedState, now: datetime) -> bool:
        aggregate_id, version = loaded.aggregate_id, loaded.version
        return await self._calls.put(aggregate_id, version, super().store(loaded, now))


class _ObservedReading(SnapshotReading):
    """Reads of snapshots, each told."""

    def __init__(self, context: TypeContext, store: SnapshotStore, calls: "_SnapshotCalls") -> None:
        super().__init__(context, store)
        self._calls = calls

    async def read(
        self, key: RecordKey, bound: int | None, trace: LoadTrace
    ) -> AggregateRecord | None:
        return await self._calls.read(key.aggregate_id, super().read(key, bound, trace))

    async def read_with_tail(
        self, key: RecordKey, bound: int | None, trace: LoadTrace
    ) -> AggregateRecord | None:
        read = super().read_with_tail(key, bound, trace)
        return await (read if self._joint is None else self._calls.read(key.aggregate_id, read))


class _SnapshotCalls:
    """Tells of the calls of one type's snapshot store."""

    def __init__(self, reporting: Reporting, name: str) -> None:
        self._reporting = reporting
        self._name = name

    async def read(
        self, aggregate_id: UUID, read: Awaitable[AggregateRecord | None]
    ) -> AggregateRecord | None:
        with self._around(StoreAction.READ, aggregate_id) as duration:
            record = await read
            version = None if record is None else record.version
            self._tell(
                StoreAction.READ, aggregate_id, version, duration, is_done=version is not None
            )
            return record

    async def put(self, aggregate_id: UUID, version: int, put: Awaitable[bool]) -> bool:
        with self._around(StoreAction.PUT, aggregate_id) as duration:
            is_put = await put
            self._tell(StoreAction.PUT, aggregate_id, version, duration, is_done=is_put)
            return is_put

    def _around(self, action: StoreAction, aggregate_id: UUID) -> Around:
        backend = self._reporting.backend("snapshot")
        operation = Operation(OperationKind.SNAPSHOT, self._name, aggregate_id, action, backend)
        return self._reporting.around(operation)

    def _tell(
        self,
        action: StoreAction,
        aggregate_id: UUID,
        version: int | None,
        duration: Callable[[], timedelta],
        *,
        is_done: bool,
    ) -> None:
        backend = self._reporting.backend("snapshot")
        report = SnapshotReport(
            self._name, aggregate_id, backend, action, is_done, version, duration()
        )
        self._reporting.tell("on_snapshot", report, aggregate_id)


class _ObservedQueue(SnapshotQueue):
    """A queue whose puts are told in the context of what made them due."""

    def __init__(
        self, store: SnapshotStore, reporting: Reporting, calls: _SnapshotCalls, *, size: int
    ) -> None:
        super().__init__(store, reporting, size=size)
        self._calls = calls
        self._contexts: dict[RecordKey, Context] = {}

    def anew(self) -> "_ObservedQueue":
        return _ObservedQueue(self._store, self._reporting, self._calls, size=self._size)

    async def write(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp]
    ) -> bool:
        is_written = await super().write(key, record, supersedes)
        if key in self._queued:
            self._contexts[key] = copy_context()
        return is_written

    async def _put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp]
    ) -> bool:
        put = self._calls.put(
            key.aggregate_id, record.version, super()._put(key, record, supersedes)
        )
        context = self._contexts.pop(key, None)
        return await (put if context is None else asyncio.create_task(put, context=context))

    async def forget(self, aggregate_id: UUID) -> None:
        await super().forget(aggregate_id)
        for key in [key for key in self._contexts if key.aggregate_id == aggregate_id]:
            del self._contexts[key]
