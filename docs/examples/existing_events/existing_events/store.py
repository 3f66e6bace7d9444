"""Interlock's event store on the table `ledger`."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID, uuid5

import asyncpg  # type: ignore[import-untyped] # it ships no types
from interlock.backends import (
    BackendUnavailableError,
    EventRow,
    EventStoreBackend,
    StoredEvent,
    conflict,
    to_micros,
    translated,
)

_ROWS = UUID("0c2f9d6e-6b0e-4f0a-9b5e-3f4c1d7a8e21")
_WRITTEN = ("entry_no", "stream", "position", "kind", "written_at", "body")
_PAGE, _PAGE_BYTES = 500, 16 * 1024 * 1024
_LAST = 2**63 - 2
_COLUMNS = """
SELECT entry_no, stream, position, kind, body::text, written_at,
  meta->'interlock'->>'event_id' AS event_id,
  coalesce((meta->'interlock'->>'schema_version')::int, 1) AS schema_version,
  coalesce(meta->'interlock'->>'metadata', meta::text, '{}') AS metadata
FROM ledger WHERE stream = $1
"""
_READ = f"""
WITH page AS ({_COLUMNS} AND position BETWEEN $2 AND $3 ORDER BY position LIMIT {_PAGE}),
  sized AS (SELECT *, sum(octet_length(body)) OVER (ORDER BY position) AS bytes FROM page)
SELECT * FROM sized WHERE bytes <= {_PAGE_BYTES} OR bytes = octet_length(body) ORDER BY position
"""
_HEAD = f"{_COLUMNS} ORDER BY position DESC LIMIT 1"
_APPEND = """
INSERT INTO ledger (stream, position, kind, written_at, body, meta)
VALUES ($1, $2, $3, $4, $5::jsonb, jsonb_build_object('interlock', jsonb_build_object(
  'event_id', $6::text, 'schema_version', $7::int, 'metadata', $8::text)))
"""
_DELETE = "DELETE FROM ledger WHERE stream = $1 AND position < $2"


class LedgerEventStore(EventStoreBackend):
    def __init__(self, url: str) -> None:
        self._url = url

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(self._url, min_size=1)

    async def close(self) -> None:
        await self._pool.close()

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        stream = _stream(events[0].aggregate_type, events[0].aggregate_id)
        try:
            # Not all JSON is jsonb: it takes no \u0000.
            with translated(asyncpg.DataError, where=stream, nothing_done=True):
                async with self._pool.acquire() as link, link.transaction():
                    # Whoever comes second waits here, and then meets the unique key.
                    head = _head(await link.fetchrow(f"{_HEAD} FOR UPDATE", stream))
                    if head != after:
                        raise conflict(events[0], after=after, found=head)
                    await link.executemany(_APPEND, [_values(stream, event) for event in events])
        except asyncpg.UniqueViolationError as error:
            raise conflict(events[0], after=after, found="another that was faster") from error

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        stream, position = _stream(aggregate_type, aggregate_id), first - 1
        bound = _LAST if last is None else last - 1
        while rows := await self._pool.fetch(_READ, stream, position, bound):
            yield [_event(row) for row in rows]
            position = rows[-1]["position"] + 1

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        return _head(await self._pool.fetchrow(_HEAD, _stream(aggregate_type, aggregate_id)))

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        stream, deleted, found = _stream(aggregate_type, aggregate_id), 0, -1
        bound = _LAST + 1 if below is None else below - 1
        async with self._pool.acquire() as link, link.transaction():
            # An append that this waited for stands behind what it has seen: look again.
            while found:
                status: str = await link.execute(_DELETE, stream, bound)
                found = int(status.rpartition(" ")[2])  # "DELETE 3"
                deleted += found
        return deleted


def _stream(aggregate_type: str, aggregate_id: UUID) -> str:
    return f"{aggregate_type}-{aggregate_id.int}"


def _values(stream: str, event: StoredEvent) -> tuple[object, ...]:
    written = (event.type, event.recorded_at, event.payload.decode())
    ours = (str(event.event_id), event.schema_version, event.metadata.decode())
    return stream, event.version - 1, *written, *ours


def _event(row: Any) -> EventRow:  # Any: asyncpg's record
    return EventRow(
        row["position"] + 1,
        _event_id(row).bytes,
        row["kind"],
        row["schema_version"],
        to_micros(row["written_at"]),
        row["metadata"].encode(),
        row["body"].encode(),
    )


def _head(row: Any) -> tuple[int, UUID] | None:  # Any: asyncpg's record, or None
    return None if row is None else (row["position"] + 1, _event_id(row))


def _event_id(row: Any) -> UUID:  # Any: asyncpg's record
    """The event's own id; of a row without one, what everything in it makes."""
    if row["event_id"] is not None:
        return UUID(row["event_id"])
    return uuid5(_ROWS, "/".join(str(row[name]) for name in _WRITTEN))


class ReadOnlyLedger(LedgerEventStore):
    """For those who let only their own code write: Interlock loads, and appends nothing."""

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        raise BackendUnavailableError(
            "events are written by the ledger's own code", nothing_done=True
        )
