"""Stores as a process sees them: behind a wire that delays, loses, fails and lies as chosen."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from choices import Choices
from interlock.application.aggregates import (
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
)
from interlock.backends import (
    AggregateRecord,
    EventRow,
    RecordCacheBackend,
    RecordKey,
    RecordSnapshotBackend,
    Scope,
    Stamp,
    StoredEvent,
)
from interlock.errors import BackendUnavailableError, RecordUnusableError

T = TypeVar("T")
Do = Callable[[], Awaitable[T]]


class Fault(StrEnum):
    """What can go wrong. The first is a reply after a delay, which is none."""

    NONE = "none"
    FAILED = "failed before it was done"
    HUNG = "never done, and no reply"
    LOST = "done, and the reply lost"
    SWALLOWED = "done, and no reply"
    LATE = "done late, and no reply"
    REFUSED = "refused: nothing done, nor will be"
    BROKEN_OFF = "failed between two chunks"
    EVICTED = "a cache entry evicted"
    STALE = "an earlier entry returned"
    LYING = "an entry's age made younger"
    UNUSABLE = "an unusable entry"
    CRASH = "a process crashed"
    CANCELLATION = "a call cancelled"


READ_FAULTS = (Fault.FAILED, Fault.HUNG)
WRITE_FAULTS = (Fault.FAILED, Fault.HUNG, Fault.LOST, Fault.SWALLOWED, Fault.LATE)
ENTRY_FAULTS = (Fault.EVICTED, Fault.STALE, Fault.UNUSABLE)
_DELAYS = (0.0, 0.001, 0.02, 0.2)
_LATE = (0.3, 1.2, 3.0)


class Surroundings:
    """What the processes of a run share: choices, time, and the tasks that nobody waits for."""

    def __init__(self, choices: Choices, *, is_faulty: bool) -> None:
        self.choices = choices
        self.is_faulty = is_faulty
        self.hits = Counter[Fault]()
        self._one_in = choices.one_of((6, 12, 24))
        self.loop = asyncio.get_running_loop()
        # A task that isn't referenced is collected, which runs its `finally` blocks.
        self._pending: list[asyncio.Future[Any]] = []  # Any: of whatever

    def clock(self) -> datetime:
        """Tell the time of the loop, as a date."""
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self.loop.time())

    def fault(self, faults: Sequence[Fault], *, one_in: int | None = None) -> Fault:
        """Choose whether there is a fault, and which; as often as in all of the run, or told."""
        if not self.is_faulty or not self.choices.happens(one_in or self._one_in):
            return Fault.NONE
        fault = self.choices.one_of(faults)
        self.hits[fault] += 1
        return fault

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task and keep it."""
        task = self.loop.create_task(work)
        self._pending.append(task)
        return task

    async def wait_for_ever(self) -> None:
        """Wait until cancelled."""
        future = self.loop.create_future()
        self._pending.append(future)
        await future


class Wire:
    """What stands between one process and every store; once it is cut, nothing gets through.

    A request that was sent is done all the same: neither a crash nor a cancellation recalls it.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.is_cut = False

    async def call(self, do: Do[T], faults: Sequence[Fault]) -> T:
        """Do it behind the wire."""
        around = self.surroundings
        await self._pass()
        fault = around.fault(faults)
        if fault is Fault.NONE and around.choices.below(4) == 0:
            return await do()  # without waiting
        if fault in (Fault.FAILED, Fault.REFUSED):
            await asyncio.sleep(around.choices.one_of(_DELAYS))
            await self._pass()
            raise BackendUnavailableError(fault, nothing_done=fault is Fault.REFUSED)
        if fault is Fault.HUNG:
            await around.wait_for_ever()
        delay = around.choices.one_of(_LATE if fault is Fault.LATE else _DELAYS)
        request = around.start(_done(do, delay))
        if fault in (Fault.SWALLOWED, Fault.LATE):
            await around.wait_for_ever()
        answer = await asyncio.shield(request)
        await asyncio.sleep(around.choices.one_of(_DELAYS))
        await self._pass()
        if fault is Fault.LOST:
            raise BackendUnavailableError(fault)
        if isinstance(answer, _Failure):
            raise answer.error
        return answer

    async def _pass(self) -> None:
        if self.is_cut:
            await self.surroundings.wait_for_ever()


@dataclass
class _Failure:
    error: Exception


async def _done(do: Do[T], delay: float) -> T | _Failure:
    await asyncio.sleep(delay)
    try:
        return await do()
    except Exception as error:  # noqa: BLE001 it is the caller's, who may be gone
        return _Failure(error)


class Events(InMemoryEventStore):
    """The event store itself; notes when each event came to stand."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._time = clock
        self.stood_at: dict[UUID, list[float]] = defaultdict(list)

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        await super().append(events, after=after)
        self.stood_at[events[0].aggregate_id] += [self._time()] * len(events)


class RemoteEvents:
    """The event store as one process sees it."""

    timeout: timedelta | None = timedelta(seconds=1)

    def __init__(self, wire: Wire, store: Events) -> None:
        self._wire = wire
        self._store = store

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        faults = (*WRITE_FAULTS, Fault.REFUSED)
        await self._wire.call(lambda: self._store.append(events, after=after), faults)

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        around = self._wire.surroundings

        async def rows() -> list[EventRow]:
            chunks = self._store.read(aggregate_type, aggregate_id, first=first, last=last)
            return [row async for chunk in chunks for row in chunk]

        found = await self._wire.call(rows, READ_FAULTS)
        while found:
            size = 1 + around.choices.below(len(found))
            yield found[:size]
            found = found[size:]
            if found and around.fault([Fault.BROKEN_OFF]) is not Fault.NONE:
                raise BackendUnavailableError(Fault.BROKEN_OFF)

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        return await self._wire.call(
            lambda: self._store.head(aggregate_type, aggregate_id), READ_FAULTS
        )

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        return await self._wire.call(
            lambda: self._store.delete(aggregate_type, aggregate_id, below=below), WRITE_FAULTS
        )


class RemoteSnapshots(RecordSnapshotBackend):
    """The snapshot store as one process sees it."""

    timeout: timedelta | None = timedelta(seconds=1)
    is_local = False

    def __init__(self, wire: Wire, store: InMemoryAggregateSnapshotStorageBackend) -> None:
        self._wire = wire
        self._store = store

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        return await self._wire.call(lambda: self._store.read(key, at_or_below), READ_FAULTS)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self._wire.call(lambda: self._store.put(key, record, supersedes), WRITE_FAULTS)

    async def revisions(self, key: RecordKey) -> Collection[str]:
        return await self._wire.call(lambda: self._store.revisions(key), READ_FAULTS)

    async def prune(self, scope: Scope) -> int:
        return await self._wire.call(lambda: self._store.prune(scope), WRITE_FAULTS)


@dataclass
class CacheServer:
    """A cache that processes share, and everything that ever was put into it."""

    store: InMemoryAggregateCacheBackend
    past: dict[RecordKey, list[AggregateRecord]] = field(default_factory=lambda: defaultdict(list))


class RemoteCache(RecordCacheBackend):
    """The cache as one process sees it; with `lies` it makes entries younger than they are."""

    timeout: timedelta | None = timedelta(seconds=0.5)
    is_local = False

    def __init__(self, wire: Wire, server: CacheServer, *, lies: bool) -> None:
        self._wire = wire
        self._server = server
        self._faults = (*ENTRY_FAULTS, Fault.LYING) if lies else ENTRY_FAULTS

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        return await self._wire.call(lambda: self._read(key), READ_FAULTS)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        async def put() -> None:
            self._server.past[key].append(record)
            await self._server.store.put(key, record, supersedes)

        await self._wire.call(put, WRITE_FAULTS)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        await self._wire.call(lambda: self._server.store.remove(key, stamp), WRITE_FAULTS)

    async def _read(self, key: RecordKey) -> AggregateRecord | None:
        around = self._wire.surroundings
        past = self._server.past[key]
        found = await self._server.store.read(key)
        if not past:
            return found
        match around.fault(self._faults, one_in=3):
            case Fault.EVICTED:
                await self._server.store.remove(key)
                return None
            case Fault.STALE:
                return around.choices.one_of(past)
            case Fault.LYING:
                return replace(around.choices.one_of(past), verified_at=around.clock())
            case Fault.UNUSABLE:
                raise RecordUnusableError("not a record")
            case _:
                return found
