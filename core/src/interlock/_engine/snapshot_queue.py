"""Snapshots are written behind the commands that made them due."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from interlock._engine.guard import call_backend
from interlock._engine.in_flight import InFlight
from interlock._engine.reporting import Reporting
from interlock._storage.breaker import StoreRestsError
from interlock._storage.protocols import SnapshotStore
from interlock._storage.records import AggregateRecord, RecordKey, Stamp

_FAILURES_REMEMBERED = 1_000  # ids
_ANCHORS_REMEMBERED = 10_000  # ids
_NAMED = 10  # ids of lost snapshots, in the log


class SnapshotQueue:
    """Puts encoded snapshots into a store, one after the other, off the path of commands.

    At most `size` ids wait: beyond that a new one isn't queued, which is counted, and a later
    commit makes it good. Of two snapshots of one id the newest is written. A store that never waits
    is written at once.
    """

    def __init__(self, store: SnapshotStore, reporting: Reporting, *, size: int) -> None:
        self._store = store
        self._reporting = reporting
        self._size = size
        self._queued: dict[RecordKey, tuple[AggregateRecord, frozenset[Stamp]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._writing = InFlight()
        self._put_now: RecordKey | None = None
        self._failures: dict[UUID, str] = {}  # of the latest write of each id, the latest last
        self._anchors: dict[UUID, tuple[datetime, bool]] = {}  # as `anchor` gives, the latest last

    def anew(self) -> "SnapshotQueue":
        """Another one of the same store, for which nothing waits."""
        return SnapshotQueue(self._store, self._reporting, size=self._size)

    async def write(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp]
    ) -> bool:
        """Whether the record is written, or will be; what fails is counted, and raises nothing."""
        if self._store.is_local:
            return await self._put(key, record, supersedes)
        waiting = self._queued.get(key)
        if waiting is None and len(self._queued) >= self._size:
            self._reporting.count("snapshot.queue_full")
            return False
        superseded = frozenset(supersedes)
        if waiting is not None:
            superseded |= waiting[1]
            if waiting[0].version > record.version and waiting[0].stamp not in superseded:
                record = waiting[0]
        self._queued[key] = record, superseded
        self._anchor_at(key.aggregate_id, record.anchor_at, is_written=False)
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return True

    def failure(self, aggregate_id: UUID) -> str:
        """Why the id's latest snapshot isn't stored; empty if it is, as far as is known."""
        return self._failures.get(aggregate_id, "")

    def anchor(self, aggregate_id: UUID) -> tuple[datetime, bool] | None:
        """The time of the id's snapshot that is queued or was written last, and whether it was."""
        return self._anchors.get(aggregate_id)

    async def forget(self, aggregate_id: UUID) -> None:
        """Take what waits for the id out of the queue; returns when no write of it is under way."""
        for key in [key for key in self._queued if key.aggregate_id == aggregate_id]:
            del self._queued[key]
        await self._writing.ended(aggregate_id)
        self._failures.pop(aggregate_id, None)
        self._anchors.pop(aggregate_id, None)

    async def drain(self) -> None:
        """Wait until everything that was queued is written."""
        while self._task is not None:
            await asyncio.wait({self._task})

    def give_up(self) -> None:
        """Write nothing any more; what is lost by that is counted and named."""
        if self._task is None:
            return
        self._task.cancel()
        now = [] if self._put_now is None else [self._put_now]
        lost = [*now, *self._queued]
        self._queued.clear()
        for _ in lost:
            self._reporting.count("snapshot.lost")
        names = ", ".join(f"{key.aggregate_type} {key.aggregate_id}" for key in lost[:_NAMED])
        more = ", ..." if lost[_NAMED:] else ""
        self._reporting.warn(
            "snapshot.lost",
            f"closing: {len(lost)} snapshots were not written in time: {names}{more}",
        )

    async def _work(self) -> None:
        try:
            while self._queued:
                key = next(iter(self._queued))
                record, supersedes = self._queued.pop(key)
                self._put_now = key
                with self._writing.of(key.aggregate_id):
                    is_written = await self._put(key, record, supersedes)
                if key in self._queued:
                    continue
                if is_written:
                    self._anchor_at(key.aggregate_id, record.anchor_at, is_written=True)
                else:
                    self._anchors.pop(key.aggregate_id, None)
        finally:
            self._task = self._put_now = None

    async def _put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp]
    ) -> bool:
        self._failures.pop(key.aggregate_id, None)
        try:
            put = self._store.put(key, record, supersedes)
            await call_backend("the snapshot store's put", self._store.timeout, put)
        except Exception as error:  # noqa: BLE001 the commit that made it due stands
            if isinstance(error, StoreRestsError):
                self._reporting.count("snapshot.put_skipped")
            else:
                self._reporting.failed("snapshot.failed", error, key.aggregate_id)
            self._failures[key.aggregate_id] = str(error)
            if len(self._failures) > _FAILURES_REMEMBERED:
                del self._failures[next(iter(self._failures))]
            return False
        self._reporting.count("snapshot.taken")
        return True

    def _anchor_at(self, aggregate_id: UUID, at: datetime, *, is_written: bool) -> None:
        self._anchors.pop(aggregate_id, None)
        self._anchors[aggregate_id] = at, is_written
        if len(self._anchors) > _ANCHORS_REMEMBERED:
            del self._anchors[next(iter(self._anchors))]
