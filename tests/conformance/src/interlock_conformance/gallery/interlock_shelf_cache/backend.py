"""Moves records."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from interlock.backends import (
    AggregateRecord,
    RecordCacheBackend,
    RecordKey,
    RecordUnusableError,
    Stamp,
    newer,
)
from interlock_conformance.gallery.interlock_shelf_cache.config import ShelfCacheConfig
from interlock_conformance.gallery.shelf_driver import Shelf

_SCHEMA = "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, record BLOB, ends REAL)"
_READ = "SELECT record FROM entries WHERE key = :key AND (ends IS NULL OR ends > :now)"
_PUT = "INSERT OR REPLACE INTO entries VALUES (:key, :record, :ends)"
_REMOVE = "DELETE FROM entries WHERE key = :key"
_EVICT = """
DELETE FROM entries WHERE key NOT IN (SELECT key FROM entries ORDER BY rowid DESC LIMIT :size)
"""


class ShelfCacheBackend(RecordCacheBackend):
    """Keeps records in a table, see `interlock.backends.CacheStore`."""

    timeout = None

    def __init__(self, config: ShelfCacheConfig) -> None:
        self._size = config.size
        self._ttl = config.ttl
        self._shelf = Shelf(config.url, _SCHEMA)
        self.clock: Callable[[], float] = time.time

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

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        rows: list[Any] = self._shelf.fetch(  # Any: bytes
            _READ, {"key": _name(key), "now": self.clock()}
        )
        return _decoded(key, rows[0][0]) if rows else None

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        wanted = {_name(key): key for key in keys}
        marks = ", ".join("?" * len(wanted))
        rows: list[Any] = self._shelf.fetch(  # Any: a string and bytes
            f"SELECT key, record FROM entries WHERE key IN ({marks}) "
            "AND (ends IS NULL OR ends > ?)",
            [*wanted, self.clock()],
        )
        found = {}
        for text, record in rows:
            key = wanted[text]
            try:
                found[key] = _decoded(key, record)
            except RecordUnusableError:
                continue
        return found

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        with self._shelf.transaction():
            found = await self._usable(key)
            if found is not None and found.stamp not in supersedes:
                record = newer(found, record)
            if record is not found:
                self._write(key, record)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        with self._shelf.transaction():
            found = None if stamp is None else await self._usable(key)
            if stamp is None or (found is not None and found.stamp == stamp):
                self._shelf.change(_REMOVE, {"key": _name(key)})

    def _write(self, key: RecordKey, record: AggregateRecord) -> None:
        ends = None if self._ttl is None else self.clock() + self._ttl.total_seconds()
        values = {"key": _name(key), "record": record.to_bytes(), "ends": ends}
        self._shelf.change(_PUT, values)
        self._shelf.change(_EVICT, {"size": self._size})

    async def _usable(self, key: RecordKey) -> AggregateRecord | None:
        try:
            return await self.read(key)
        except RecordUnusableError:
            return None


def _name(key: RecordKey) -> str:
    return key.text()


def _decoded(key: RecordKey, blob: bytes) -> AggregateRecord:
    return AggregateRecord.from_bytes(blob, key=key)
