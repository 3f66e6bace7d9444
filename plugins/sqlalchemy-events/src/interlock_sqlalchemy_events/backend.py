"""The event store: appends, reads and deletes events."""

import functools
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import cast
from uuid import UUID, uuid4

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    ConcurrencyError,
    EventRow,
    EventStoreBackend,
    ReadEvents,
    RecordKey,
    RecordTooLargeError,
    SnapshotStore,
    StoredEvent,
    conflict,
)
from interlock_sqlalchemy.database import (
    Lookup,
    Many,
    RefusedError,
    Statement,
    Step,
    Values,
)
from interlock_sqlalchemy.dialects import connect
from interlock_sqlalchemy.joint import JointReads, SnapshotSource
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from interlock_sqlalchemy_events.freezing import Freezing
from interlock_sqlalchemy_events.many import ManyReads
from interlock_sqlalchemy_events.statements import EventStatements, events_table

_MAX_VERSION = 2**63 - 1
_STATEMENT_BYTES = 4 << 20
"""A statement of several events is no larger: servers bound what they take at once."""


class SQLAlchemyEventStore(EventStoreBackend):
    """Keeps streams in a table of a SQL database, see `interlock.backends.EventStore`."""

    def __init__(self, config: SQLAlchemyEventsConfig) -> None:
        self.timeout = config.timeout
        self._database, table = connect(
            config, partial(events_table, config.table), needs_primary=True
        )
        self.ends_appends = self._database.ends_writes
        namespace = "default" if config.namespace is None else config.namespace
        self._namespace = self._database.key(namespace)
        self._table = table
        self._statements = EventStatements(table, self._database)
        self._freezing = Freezing(table, self._database, namespace)
        self._claims_next_version = config.allow_galera
        """Whether a deletion first takes the next event's place.

        A Galera cluster undoes one of two transactions that wrote the same key at two nodes, and
        else none: an append and a deletion have to.
        """
        self._joint: dict[SnapshotSource, JointReads] = {}
        self._many = ManyReads(table, self._database)

    async def open(self) -> None:
        """Connect; create the table if asked, and check it."""
        await self._database.open()

    async def close(self) -> None:
        """Disconnect once running appends have ended."""
        await self._database.close()

    async def server_version(self) -> str:
        """Ask for the database's product and version."""
        return await self._database.version()

    @property
    def round_trips(self) -> int:
        """How many statements this process has sent to the server of this URL; 0 for a file."""
        return self._database.round_trips

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        try:
            await self._database.execute(self._steps(events, after))
        except RefusedError:
            raise await self._refusal(events[0], after) from None
        except RecordTooLargeError as error:
            raise BackendUnavailableError(str(error), nothing_done=True) from error

    def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        return self._pages(self._statements.read, aggregate_type, aggregate_id, first, last)

    def read_to_fold(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        return self._pages(self._statements.read_to_fold, aggregate_type, aggregate_id, first, last)

    def _pages(
        self,
        statement: Statement,
        aggregate_type: str,
        aggregate_id: UUID,
        first: int,
        last: int | None,
    ) -> AsyncIterator[Sequence[EventRow]]:
        values = {
            **self._stream(aggregate_type, aggregate_id),
            "last": _MAX_VERSION if last is None else min(last, _MAX_VERSION),
        }
        after = min(first, _MAX_VERSION) - 1
        # Plain tuples, in the order of EventRow's fields.
        pages = self._database.pages(statement, values, after)
        return cast(AsyncIterator[Sequence[EventRow]], pages)

    async def read_many(
        self, aggregate_type: str, firsts: Mapping[UUID, int]
    ) -> AsyncIterator[tuple[UUID, Sequence[EventRow]]]:
        """Read many streams, each from its own first version, by id and version.

        A stream may come in several chunks, one behind the other; one without such events doesn't
        come. One statement on a server, as long as there are no more than 2,000 events.
        """
        if self._database.many is Many.ONE_BY_ONE:
            for aggregate_id, first in sorted(firsts.items()):
                async for rows in self.read_to_fold(aggregate_type, aggregate_id, first=first):
                    yield aggregate_id, rows
            return
        shared = {
            "namespace": self._namespace,
            "aggregate_type": self._database.key(aggregate_type),
        }
        by_id = {aggregate_id.bytes: first for aggregate_id, first in firsts.items()}
        async for key, found in self._many.chunks(shared, by_id):
            yield UUID(bytes=key), cast(Sequence[EventRow], found)

    def keeps_beside(self, snapshots: SnapshotStore) -> bool:
        source = getattr(snapshots, "source", None)
        return isinstance(source, SnapshotSource) and source.database.where == self._database.where

    async def read_from_snapshot(
        self, snapshots: SnapshotStore, key: RecordKey, *, last: int | None = None
    ) -> tuple[AggregateRecord | None, ReadEvents]:
        source: SnapshotSource = snapshots.source  # type: ignore[attr-defined] # `keeps_beside` saw it
        joint = self._joint.get(source)
        if joint is None:
            joint = JointReads(self._database, self._table, self._statements.read_to_fold, source)
            self._joint[source] = joint
        stream = self._stream(key.aggregate_type, key.aggregate_id)
        bound = _MAX_VERSION if last is None else min(last, _MAX_VERSION)
        record, events = await joint.read(key, stream, bound)
        return record, cast(ReadEvents, events)

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        values = self._stream(aggregate_type, aggregate_id)
        for version, event_id in await self._database.fetch(self._statements.head, values):
            return version, UUID(bytes=event_id)
        return None

    async def ids(self, aggregate_type: str, *, after: UUID | None = None) -> AsyncIterator[UUID]:
        # Goes through the whole primary key: no index is kept for those who look.
        of_type = {
            "namespace": self._namespace,
            "aggregate_type": self._database.key(aggregate_type),
        }
        behind = b"" if after is None else after.bytes
        async for page in self._database.pages(self._statements.ids, of_type, behind):
            for (aggregate_id,) in page:
                yield UUID(bytes=aggregate_id)

    def is_head_at_once(
        self, aggregate_type: str, aggregate_id: UUID, version: int, event_id: UUID
    ) -> bool:
        """Whether `head` is this; False too where that has to be waited for."""
        values = self._stream(aggregate_type, aggregate_id)
        found = self._database.fetch_at_once(self._statements.head, values)
        return bool(found) and found[0] == (version, event_id.bytes)

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        bound = _MAX_VERSION if below is None else min(below, _MAX_VERSION)
        values = {**self._stream(aggregate_type, aggregate_id), "below": bound}

        deletion: list[Step | Lookup] = [Step(self._statements.delete, [values])]
        deletion.append(self._freezing.check())  # behind it: who freezes waits for this transaction
        if not self._database.is_serial:
            # An append that this waited for stands behind what it has seen.
            deletion.append(
                Lookup(self._statements.oldest, values, lambda left: deletion if left else ())
            )
        if self._claims_next_version:
            while (head := await self.head(aggregate_type, aggregate_id)) is not None:
                if head[0] + 1 >= bound:  # what is appended then stays
                    break
                last = _placeholder_event(aggregate_type, aggregate_id, head[0] + 1)
                with suppress(RefusedError):  # another event took the place
                    steps = [*self._steps([last], head), *deletion]
                    return await self._database.execute(steps) - 2  # it came, and went
                await self._check_thawed()
        try:
            return await self._database.execute(deletion)
        except RefusedError:
            await self._check_thawed()
            raise

    async def freeze(self) -> None:
        await self._freezing.freeze(datetime.now(UTC))

    async def thaw(self) -> None:
        await self._freezing.thaw()

    async def frozen_since(self) -> datetime | None:
        return await self._freezing.since()

    async def _check_thawed(self) -> None:
        error = await self._freezing.error()
        if error is not None:
            raise error

    def _steps(self, events: Sequence[StoredEvent], after: tuple[int, UUID] | None) -> list[Step]:
        """Make the statements; each checks the event before it, so the first check covers all."""
        stream = self._stream(events[0].aggregate_type, events[0].aggregate_id)
        stream.update(self._freezing.values)
        if len(events) == 1:
            statement = self._statements.append(1, starts=after is None)
            return [Step(statement, [_values(stream, events, after)], guarded=True)]
        groups: list[tuple[Statement, list[Values]]] = []
        for part in _batches(events, self._database.insert_rows):
            statement = self._statements.append(len(part), starts=after is None)
            values = _values(stream, part, after)
            if groups and groups[-1][0] is statement:
                groups[-1][1].append(values)
            else:
                groups.append((statement, [values]))
            after = part[-1].version, part[-1].event_id
        return [Step(statement, rows, guarded=True) for statement, rows in groups]

    def _stream(self, aggregate_type: str, aggregate_id: UUID) -> dict[str, object]:
        return {
            "namespace": self._namespace,
            "aggregate_type": self._database.key(aggregate_type),
            "aggregate_id": aggregate_id.bytes,
        }

    async def _refusal(
        self, event: StoredEvent, after: tuple[int, UUID] | None
    ) -> ConcurrencyError | BackendUnavailableError:
        """Find out why an append was refused: by the head, or the namespace is frozen."""
        try:
            found = await self.head(event.aggregate_type, event.aggregate_id)
            is_frozen = await self._freezing.error() if found == after else None
        except BackendUnavailableError:
            return conflict(event, after=after, found="unknown")
        return is_frozen or conflict(event, after=after, found=found)


def _placeholder_event(aggregate_type: str, aggregate_id: UUID, version: int) -> StoredEvent:
    """Make an event that is deleted in the same transaction."""
    at = datetime.fromtimestamp(0, UTC)
    return StoredEvent(
        aggregate_type, aggregate_id, version, uuid4(), "deleted", 1, at, b"{}", b"{}"
    )


def _values(
    stream: Values, events: Sequence[StoredEvent], after: tuple[int, UUID] | None
) -> Values:
    """Make the values of a statement that appends the events."""
    values = dict(stream)
    if after is not None:
        values["after_version"], values["after_id"] = after[0], after[1].bytes
    for place, event in enumerate(events):
        values.update(zip(_names_at(place), event.row(), strict=True))
    return values


@functools.cache
def _names_at(place: int) -> Sequence[str]:
    return tuple(f"{name}_{place}" for name in EventRow._fields)


def _batches(events: Sequence[StoredEvent], most: int) -> Iterator[Sequence[StoredEvent]]:
    """Group events by number and by size."""
    start, size = 0, 0
    for place, event in enumerate(events):
        bytes_of = len(event.payload) + len(event.metadata)
        if place - start == most or (place > start and size + bytes_of > _STATEMENT_BYTES):
            yield events[start:place]
            start, size = place, 0
        size += bytes_of
    yield events[start:]
