"""An event store with the faults of the law."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from interlock._storage.memory import InMemoryEventStore
from interlock.backends import (
    AggregateRecord,
    EventRow,
    ReadEvents,
    RecordKey,
    SnapshotStore,
    StoredEvent,
)
from interlock.domain import ConcurrencyError
from interlock.errors import BackendUnavailableError
from law.fault_lists import FAILURES, Subject


class Events(InMemoryEventStore):
    """Small chunks, turns between them, and other writers that come at the worst moment."""

    def __init__(self, bites: Counter[str], turns: int, chunk: int, *, reads_ahead: bool) -> None:
        super().__init__()
        self.bites = bites
        self.reads_ahead = reads_ahead
        self.turns = turns
        self.chunk = chunk
        self.failed = 0
        self.intrude: Callable[[Subject], bool] = lambda _: False
        self.dawdle: Callable[[], None] = lambda: None
        self._armed: list[str] = []
        self._unreachable = 0
        self._landing: tuple[Sequence[StoredEvent], tuple[int, UUID] | None] | None = None

    def arm(self, fault: str) -> None:
        if fault not in self._armed:
            self._armed.append(fault)

    def _takes(self, fault: str) -> bool:
        if fault not in self._armed:
            return False
        self._armed.remove(fault)
        self.bites[f"events {fault}"] += 1
        self.failed += 1
        return True

    def _fail(self) -> None:
        failure = FAILURES[self.failed % len(FAILURES)]()
        raise failure

    def _intrude(self, when: str, subject: Subject) -> bool:
        if when in self._armed and self.intrude(subject):
            self._armed.remove(when)
            self.bites[f"events {when}"] += 1
            return True
        return False

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        await self._turn()
        self._intrude("written-before-append", (events[0].aggregate_type, events[0].aggregate_id))
        if self._takes("refused"):
            raise BackendUnavailableError("the disk is full", nothing_done=True)
        if self._takes("lost-before"):
            self._fail()
        if self._takes("lost-late"):
            self._landing = (events, after)  # under way still, when the caller hears of a failure
            self._fail()
        if self._landing is not None:
            landing, self._landing = self._landing, None
            with suppress(ConcurrencyError):
                await self._append(landing[0], landing[1])
        await self._append(events, after)
        await self._turn()
        if self._takes("lost-after"):
            self._fail()
        if self._takes("unreachable"):
            self._unreachable = 4
            self._fail()

    async def read_many(
        self, aggregate_type: str, first: Mapping[UUID, int]
    ) -> AsyncIterator[tuple[UUID, Sequence[EventRow]]]:
        for aggregate_id, version in first.items():
            async for rows in self.read(aggregate_type, aggregate_id, first=version):
                yield aggregate_id, rows

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        await self._begin_read((aggregate_type, aggregate_id))
        rows = await self._read((aggregate_type, aggregate_id), first, last)
        for start in range(0, len(rows), self.chunk):
            if start and self._takes("read-breaks"):
                self._fail()
            yield rows[start : start + self.chunk]
            await self._turn()
        if self._intrude("written-after-read", (aggregate_type, aggregate_id)):
            self.dawdle()

    async def _begin_read(self, subject: Subject) -> None:
        await self._turn()
        if self._unreachable:
            self._unreachable -= 1
            self.failed += 1
            self._fail()
        if self._takes("read-fails"):
            self._fail()
        self._intrude("written-before-read", subject)

    def keeps_beside(self, snapshots: SnapshotStore) -> bool:
        return self.reads_ahead

    async def read_from_snapshot(
        self, snapshots: SnapshotStore, key: RecordKey, *, last: int | None = None
    ) -> tuple[AggregateRecord | None, ReadEvents]:
        record = await snapshots.read(key, last)
        first = 1 if record is None else max(record.version, 1)
        chunks = self.read(key.aggregate_type, key.aggregate_id, first=first, last=last)
        rows = await anext(chunks, None)
        self.bites["events read ahead"] += 1
        if rows is not None and rows[-1].version == last:  # that is all
            self.bites["all events read ahead"] += 1
            return record, list(rows)
        return record, _resumed(rows, chunks)

    async def _append(self, events: Sequence[StoredEvent], after: tuple[int, UUID] | None) -> None:
        await InMemoryEventStore.append(self, events, after=after)

    async def _read(self, subject: Subject, first: int, last: int | None) -> Sequence[EventRow]:
        return self.rows(subject)[first - 1 if first else 0 : last]

    def rows(self, subject: Subject) -> list[EventRow]:
        return list(self._streams.get(subject, ()))

    def restore(self, subject: Subject, version: int) -> None:
        """As it was in a backup."""
        self._landing = None
        stream = self._streams.pop(subject, [])[:version]
        if stream:
            self._streams[subject] = stream

    def write(self, subject: Subject, rows: Sequence[EventRow]) -> None:
        """As another process appends."""
        self._streams.setdefault(subject, []).extend(rows)

    async def _turn(self) -> None:
        for _ in range(self.turns):
            await asyncio.sleep(0)


class ConfirmingEvents(Events):
    """Tells too whether an event is the head, and as much can come between."""

    async def is_head(
        self, aggregate_type: str, aggregate_id: UUID, version: int, event_id: UUID
    ) -> bool:
        subject = aggregate_type, aggregate_id
        await self._begin_read(subject)
        is_head = await self._confirm(subject, version, event_id)
        self.bites[f"events confirmed {is_head}"] += 1
        await self._turn()
        if self._intrude("written-after-read", subject):
            self.dawdle()
        return is_head

    async def _confirm(self, subject: Subject, version: int, event_id: UUID) -> bool:
        return self.is_head_at_once(*subject, version, event_id)


async def _resumed(
    rows: Sequence[EventRow] | None, chunks: AsyncIterator[Sequence[EventRow]]
) -> AsyncIterator[Sequence[EventRow]]:
    if rows is not None:
        yield rows
        async for more in chunks:
            yield more
