"""Moves events."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from interlock.backends import (
    ConcurrencyError,
    EventRow,
    StoredEvent,
    from_micros,
    frozen,
    in_chunks,
    to_micros,
)
from interlock_conformance.gallery.interlock_shelf_events.config import ShelfEventsConfig
from interlock_conformance.gallery.shelf_driver import Shelf, Values

_CHUNK = 500
_BEYOND = 2**62
_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    namespace TEXT, aggregate_type TEXT, aggregate_id BLOB, version INTEGER, event_id BLOB,
    type TEXT, schema_version INTEGER, recorded_at INTEGER, metadata BLOB, payload BLOB,
    PRIMARY KEY (namespace, aggregate_type, aggregate_id, version));
CREATE TABLE IF NOT EXISTS frozen (namespace TEXT PRIMARY KEY, since INTEGER)
"""
_STREAM = (
    "namespace = :namespace AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id"
)
_APPEND = f"""
INSERT INTO events
SELECT :namespace, :aggregate_type, :aggregate_id, :version, :event_id,
    :type, :schema_version, :recorded_at, :metadata, :payload
WHERE (SELECT max(version) FROM events WHERE {_STREAM}) IS :after_version
AND (SELECT event_id FROM events WHERE {_STREAM} ORDER BY version DESC LIMIT 1) IS :after_id
"""
_THAWED = "NOT EXISTS (SELECT 1 FROM frozen WHERE namespace = :namespace)"
_APPEND = f"{_APPEND} AND {_THAWED}"
_FROZEN = "SELECT since FROM frozen WHERE namespace = :namespace"
_FREEZE = "INSERT OR IGNORE INTO frozen VALUES (:namespace, :now)"
_THAW = "DELETE FROM frozen WHERE namespace = :namespace"
_READ = f"""
SELECT version, event_id, type, schema_version, recorded_at, metadata, payload FROM events
WHERE {_STREAM} AND version >= :first AND version <= :last
ORDER BY version LIMIT {_CHUNK}
"""
_HEAD = f"SELECT version, event_id FROM events WHERE {_STREAM} ORDER BY version DESC LIMIT 1"
_IS_HEAD = f"""
SELECT 1 FROM events WHERE {_STREAM} AND version = :version AND event_id = :event_id
AND version = (SELECT max(version) FROM events WHERE {_STREAM})
"""
_DELETE = f"DELETE FROM events WHERE {_STREAM} AND version < :below"
_IDS = f"""
SELECT DISTINCT aggregate_id FROM events
WHERE namespace = :namespace AND aggregate_type = :aggregate_type AND aggregate_id > :behind
ORDER BY aggregate_id LIMIT {_CHUNK}
"""


class ShelfEventStore:
    """Keeps streams in a table, see `interlock.backends.EventStore`."""

    timeout = None

    def __init__(self, config: ShelfEventsConfig) -> None:
        self._namespace = config.namespace
        self._shelf = Shelf(config.url, _SCHEMA)

    @property
    def round_trips(self) -> int:
        """How many statements were run."""
        return self._shelf.round_trips

    async def open(self) -> None:
        """Connect."""
        self._shelf.open()

    async def close(self) -> None:
        """Disconnect."""
        self._shelf.close()

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        if len(events) == 1:
            self._append(events[0], after)
            return
        with self._shelf.transaction():
            for event in events:
                self._append(event, after)
                after = event.version, event.event_id

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        values = {
            **self._stream(aggregate_type, aggregate_id),
            "last": _BEYOND if last is None else last,
        }
        while True:
            found = self._shelf.fetch(_READ, {**values, "first": first})
            rows = cast("list[EventRow]", found)  # tuples in the order of its fields
            for chunk in in_chunks(rows):
                yield chunk
            if len(rows) < _CHUNK:
                return
            first = rows[-1][0] + 1

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        rows: list[Any] = self._shelf.fetch(  # Any: an int and bytes
            _HEAD, self._stream(aggregate_type, aggregate_id)
        )
        return (rows[0][0], UUID(bytes=rows[0][1])) if rows else None

    async def is_head(
        self, aggregate_type: str, aggregate_id: UUID, version: int, event_id: UUID
    ) -> bool:
        stream = self._stream(aggregate_type, aggregate_id)
        values = {**stream, "version": version, "event_id": event_id.bytes}
        return bool(self._shelf.fetch(_IS_HEAD, values))

    async def ids(self, aggregate_type: str, *, after: UUID | None = None) -> AsyncIterator[UUID]:
        of_type: Values = {"namespace": self._namespace, "aggregate_type": aggregate_type}
        behind = b"" if after is None else after.bytes
        while True:
            rows: list[Any] = self._shelf.fetch(_IDS, {**of_type, "behind": behind})
            for (behind,) in rows:
                yield UUID(bytes=behind)
            if len(rows) < _CHUNK:
                return

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        bound = _BEYOND if below is None else below
        with self._shelf.transaction():
            self._check_thawed()
            return self._shelf.change(
                _DELETE, {**self._stream(aggregate_type, aggregate_id), "below": bound}
            )

    async def freeze(self) -> None:
        now = to_micros(datetime.now(UTC))
        self._shelf.change(_FREEZE, {"namespace": self._namespace, "now": now})

    async def thaw(self) -> None:
        self._shelf.change(_THAW, {"namespace": self._namespace})

    async def frozen_since(self) -> datetime | None:
        rows: list[Any] = self._shelf.fetch(_FROZEN, {"namespace": self._namespace})  # Any: an int
        return from_micros(rows[0][0]) if rows else None

    def _check_thawed(self) -> None:
        rows: list[Any] = self._shelf.fetch(_FROZEN, {"namespace": self._namespace})  # Any: an int
        if rows:
            raise frozen(self._namespace, from_micros(rows[0][0]))

    def _append(self, event: StoredEvent, after: tuple[int, UUID] | None) -> None:
        values = {
            **self._stream(event.aggregate_type, event.aggregate_id),
            **event.row()._asdict(),
            "after_version": None if after is None else after[0],
            "after_id": None if after is None else after[1].bytes,
        }
        if self._shelf.change(_APPEND, values) == 0:
            self._check_thawed()
            raise ConcurrencyError(f"{event.aggregate_id}: the head isn't {after}")

    def _stream(self, aggregate_type: str, aggregate_id: UUID) -> Values:
        return {
            "namespace": self._namespace,
            "aggregate_type": aggregate_type,
            "aggregate_id": aggregate_id.bytes,
        }
