"""Moves events."""

from collections.abc import AsyncIterator, Sequence
from typing import cast
from uuid import UUID

from interlock.backends import (
    BackendUnavailableError,
    ConcurrencyError,
    EventRow,
    StoredEvent,
)
from interlock_sqlalchemy.database import RefusedError, Step
from interlock_sqlalchemy.dialects import connect
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from interlock_sqlalchemy_events.statements import EventStatements, events_table

_MAX_VERSION = 2**63 - 1


class SQLAlchemyEventStore:
    """Keeps streams in a table of a SQL database, see `interlock.ports.EventStore`."""

    def __init__(self, config: SQLAlchemyEventsConfig) -> None:
        self.timeout = config.timeout
        self._namespace = "default" if config.namespace is None else config.namespace
        table = events_table(config.table)
        self._database = connect(config, table)
        self._statements = EventStatements.compiled(table, self._database)

    async def open(self) -> None:
        """Connect; create the table if asked, and check it."""
        await self._database.open()

    async def close(self) -> None:
        """Disconnect, after the appends that were handed over."""
        await self._database.close()

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        """See `EventStore.append`."""
        rows = self._rows(events, after)
        if after is None:
            steps = [Step(self._statements.start, rows[:1], guarded=True)]
            if rows[1:]:
                steps.append(Step(self._statements.extend, rows[1:], guarded=True))
        else:
            steps = [Step(self._statements.extend, rows, guarded=True)]
        try:
            await self._database.execute(steps)
        except RefusedError:
            raise await self._conflict(events[0], after) from None

    def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        """See `EventStore.read`."""
        values = {
            **self._stream(aggregate_type, aggregate_id),
            "last": _MAX_VERSION if last is None else min(last, _MAX_VERSION),
        }
        after = min(first, _MAX_VERSION) - 1
        # Plain tuples, in the order of EventRow's fields.
        pages = self._database.pages(self._statements.read, values, after)
        return cast(AsyncIterator[Sequence[EventRow]], pages)

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        """See `EventStore.head`."""
        values = self._stream(aggregate_type, aggregate_id)
        for version, event_id in await self._database.fetch(self._statements.head, values):
            return version, UUID(bytes=event_id)
        return None

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        """See `EventStore.delete`."""
        bound = _MAX_VERSION if below is None else min(below, _MAX_VERSION)
        values = {**self._stream(aggregate_type, aggregate_id), "below": bound}
        return await self._database.execute([Step(self._statements.delete, [values])])

    def _rows(
        self, events: Sequence[StoredEvent], after: tuple[int, UUID] | None
    ) -> list[dict[str, object]]:
        # Each event asks for the one before it, so that the first one's guard holds for all.
        rows = []
        for event in events:
            row = self._stream(event.aggregate_type, event.aggregate_id)
            row |= event.row()._asdict()
            if after is not None:
                row |= {"after_version": after[0], "after_id": after[1].bytes}
            after = event.version, event.event_id
            rows.append(row)
        return rows

    def _stream(self, aggregate_type: str, aggregate_id: UUID) -> dict[str, object]:
        return {
            "namespace": self._namespace,
            "aggregate_type": aggregate_type,
            "aggregate_id": aggregate_id.bytes,
        }

    async def _conflict(
        self, event: StoredEvent, after: tuple[int, UUID] | None
    ) -> ConcurrencyError:
        stream = f"{event.aggregate_type} {event.aggregate_id}"
        try:
            found = _spoken(await self.head(event.aggregate_type, event.aggregate_id))
        except BackendUnavailableError:
            found = "unknown"
        return ConcurrencyError(
            f"{stream}: wanted its head to be {_spoken(after)}, found {found}; "
            "nothing was appended, load it again and decide anew"
        )


def _spoken(head: tuple[int, UUID] | None) -> str:
    return "none" if head is None else f"version {head[0]} with event {head[1]}"
