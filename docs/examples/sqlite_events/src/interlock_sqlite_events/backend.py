"""Moves events."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from interlock.backends import EventRow, EventStoreBackend, StoredEvent, conflict

from interlock_sqlite_events.config import SqliteEventsConfig
from interlock_sqlite_events.database import Database

_HIGHEST = 2**63 - 1
_PAGE, _PAGE_BYTES = 500, 16 * 1024 * 1024
_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    namespace TEXT, aggregate_type TEXT, aggregate_id BLOB, version INTEGER, event_id BLOB,
    type TEXT, schema_version INTEGER, recorded_at INTEGER, metadata BLOB, payload BLOB,
    PRIMARY KEY (namespace, aggregate_type, aggregate_id, version)
)
"""
_STREAM = (
    "namespace = :namespace AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id"
)
_HEAD = f"SELECT version, event_id FROM events WHERE {_STREAM} ORDER BY version DESC LIMIT 1"
_APPEND = """
INSERT INTO events VALUES (
    :namespace, :aggregate_type, :aggregate_id, :version, :event_id,
    :type, :schema_version, :recorded_at, :metadata, :payload
)
"""
_READ = f"""
WITH page AS (
    SELECT * FROM events WHERE {_STREAM} AND version BETWEEN :first AND :last
    ORDER BY version LIMIT {_PAGE}
), sized AS (
    SELECT *, sum(length(payload)) OVER (ORDER BY version) AS bytes FROM page
)
SELECT version, event_id, type, schema_version, recorded_at, metadata, payload FROM sized
WHERE bytes <= {_PAGE_BYTES} OR bytes = length(payload) ORDER BY version
"""
_DELETE = f"DELETE FROM events WHERE {_STREAM} AND version < :below"

Values = dict[str, Any]  # Any: values of columns


class SqliteEventStore(EventStoreBackend):
    """Streams of events in a SQLite file, see `interlock.backends.EventStore`."""

    def __init__(self, config: SqliteEventsConfig) -> None:
        self.timeout = config.timeout
        self._namespace = config.namespace
        self._database = Database(config.file, _SCHEMA, timeout=config.timeout / 2)

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        stream = self._stream(events[0].aggregate_type, events[0].aggregate_id)

        def append(connection: sqlite3.Connection) -> None:
            found = _head(connection, stream)
            if found != after:
                raise conflict(events[0], after=after, found=found)
            rows = [{**stream, **event.row()._asdict()} for event in events]
            connection.executemany(_APPEND, rows)

        await self._database.write(append)

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        bound = _HIGHEST if last is None else min(last, _HIGHEST)
        values = {**self._stream(aggregate_type, aggregate_id), "first": first, "last": bound}

        def read(connection: sqlite3.Connection) -> Sequence[EventRow]:
            return [EventRow(*row) for row in connection.execute(_READ, values)]

        while values["first"] <= bound and (rows := await self._database.read(read)):
            values["first"] = rows[-1].version + 1
            yield rows  # the caller's now, who may change the list

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        stream = self._stream(aggregate_type, aggregate_id)
        return await self._database.read(lambda connection: _head(connection, stream))

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        bound = _HIGHEST if below is None else min(below, _HIGHEST)
        values = {**self._stream(aggregate_type, aggregate_id), "below": bound}
        return await self._database.write(lambda at: at.execute(_DELETE, values).rowcount)

    def _stream(self, aggregate_type: str, aggregate_id: UUID) -> Values:
        return {
            "namespace": self._namespace,
            "aggregate_type": aggregate_type,
            "aggregate_id": aggregate_id.bytes,
        }


def _head(connection: sqlite3.Connection, stream: Values) -> tuple[int, UUID] | None:
    row = connection.execute(_HEAD, stream).fetchone()
    return None if row is None else (row[0], UUID(bytes=row[1]))
