"""Moves records."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    RecordKey,
    RecordSnapshotBackend,
    RecordUnusableError,
    Scope,
    Stamp,
    from_micros,
    to_micros,
)
from interlock_conformance.gallery.interlock_shelf_snapshots.config import ShelfSnapshotsConfig
from interlock_conformance.gallery.shelf_driver import Shelf, Values

_BEYOND = 2**63 - 1
_TOMBSTONE_STANDS = timedelta(days=1)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS snapshots (
    namespace TEXT, aggregate_type TEXT, aggregate_id BLOB, revision TEXT, version INTEGER,
    last_event_id BLOB, taken_at INTEGER, record BLOB,
    PRIMARY KEY (namespace, aggregate_type, aggregate_id, revision, version));
CREATE TABLE IF NOT EXISTS tombstones (
    namespace TEXT, aggregate_type TEXT, aggregate_id BLOB, forgotten_at INTEGER,
    PRIMARY KEY (namespace, aggregate_type, aggregate_id));
"""
_AGGREGATE = (
    "namespace = :namespace AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id"
)
_KEY = f"{_AGGREGATE} AND revision = :revision"
_READ = f"""
SELECT version, record FROM snapshots
WHERE {_KEY} AND version <= :bound
ORDER BY version DESC LIMIT 1
"""
_READ_MANY = """
SELECT namespace, aggregate_type, aggregate_id, revision, record FROM snapshots
WHERE (namespace, aggregate_type, aggregate_id, revision) IN (VALUES {marks})
ORDER BY version DESC
"""
_PUT = f"""
INSERT OR REPLACE INTO snapshots SELECT :namespace, :aggregate_type, :aggregate_id, :revision,
    :version, :last_event_id, :taken_at, :record
WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE {_AGGREGATE}
    AND forgotten_at >= :taken_at AND forgotten_at > :standing_since)
"""
_BURY = """
INSERT OR REPLACE INTO tombstones VALUES (:namespace, :aggregate_type, :aggregate_id, :now)
"""
_FORGET = f"DELETE FROM snapshots WHERE {_AGGREGATE}"
_REMOVE = f"""
DELETE FROM snapshots WHERE {_KEY} AND version = :version AND last_event_id = :last_event_id
"""
_RETAIN_RECORDS = f"""
DELETE FROM snapshots WHERE {_KEY}
AND version NOT IN (SELECT version FROM snapshots WHERE {_KEY} ORDER BY version DESC LIMIT :keep)
"""
_RETAIN_REVISIONS = f"""
DELETE FROM snapshots WHERE {_AGGREGATE}
AND revision NOT IN (SELECT revision FROM snapshots WHERE {_AGGREGATE}
    GROUP BY revision ORDER BY max(taken_at) DESC LIMIT :keep_revisions)
"""
_REVISIONS = f"""
SELECT revision FROM snapshots WHERE {_AGGREGATE} GROUP BY revision ORDER BY max(taken_at) DESC
"""
_IDS = """
SELECT DISTINCT aggregate_id FROM snapshots
WHERE namespace = :namespace AND aggregate_type = :aggregate_type AND revision = :revision
"""
_NEWEST = """
SELECT aggregate_type, max(taken_at) FROM snapshots WHERE namespace = :namespace
GROUP BY aggregate_type
"""
_KEYS = """
SELECT DISTINCT aggregate_id, revision FROM snapshots
WHERE namespace = :namespace AND aggregate_type = :aggregate_type
"""


class ShelfSnapshotBackend(RecordSnapshotBackend):
    """Keeps records in a table, see `interlock.backends.SnapshotStore`."""

    timeout = None

    def __init__(self, config: ShelfSnapshotsConfig) -> None:
        self._limits = {"keep": config.keep, "keep_revisions": config.keep_revisions}
        self._shelf = Shelf(config.url, _SCHEMA)
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)

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

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        rows: list[Any] = self._shelf.fetch(  # Any: an int and bytes
            _READ,
            {
                **_values(key),
                "bound": min(_BEYOND if at_or_below is None else at_or_below, _BEYOND),
            },
        )
        return _decoded(key, rows[0][1], version=rows[0][0]) if rows else None

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        wanted = {tuple(_values(key).values()): key for key in keys}
        if not wanted:
            return {}
        statement = _READ_MANY.format(marks=", ".join(["(?, ?, ?, ?)"] * len(wanted)))
        rows: list[Any] = self._shelf.fetch(  # Any: the key's values and bytes
            statement, [value for values in wanted for value in values]
        )
        found: dict[RecordKey, AggregateRecord] = {}
        for row in rows:
            key = wanted[row[:4]]
            try:
                found.setdefault(key, _decoded(key, row[4]))
            except RecordUnusableError:
                continue
        return found

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        values = {
            **_values(key),
            "version": record.version,
            "last_event_id": record.last_event_id.bytes,
            "taken_at": to_micros(record.taken_at),
            "record": record.to_bytes(),
            "standing_since": to_micros(self.clock() - _TOMBSTONE_STANDS),
        }
        with self._shelf.transaction():
            for stamp in supersedes:
                self._remove(key, stamp)
            self._shelf.change(_PUT, values)
            self._retain(_values(key))

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        self._remove(key, stamp)

    async def forget(self, key: RecordKey) -> int:
        with self._shelf.transaction():
            self._shelf.change(_BURY, {**_values(key), "now": to_micros(self.clock())})
            return self._shelf.change(_FORGET, _values(key))

    async def revisions(self, key: RecordKey) -> Collection[str]:
        return [str(revision) for (revision,) in self._shelf.fetch(_REVISIONS, _values(key))]

    async def ids(self, scope: Scope) -> AsyncIterator[UUID]:
        rows: list[Any] = self._shelf.fetch(_IDS, _scope_values(scope))  # Any: bytes
        for (aggregate_id,) in rows:
            yield UUID(bytes=aggregate_id)

    async def newest(self, namespace: str) -> Mapping[str, datetime]:
        rows: list[Any] = self._shelf.fetch(_NEWEST, {"namespace": namespace})  # Any: str, int
        return {aggregate_type: from_micros(taken_at) for aggregate_type, taken_at in rows}

    async def prune(self, scope: Scope) -> int:
        with self._shelf.transaction():
            return sum(
                self._retain(
                    {**_scope_values(scope), "aggregate_id": aggregate_id, "revision": revision}
                )
                for aggregate_id, revision in self._shelf.fetch(_KEYS, _scope_values(scope))
            )

    def _remove(self, key: RecordKey, stamp: Stamp) -> None:
        values = {
            **_values(key),
            "revision": stamp.revision,
            "version": stamp.version,
            "last_event_id": stamp.last_event_id.bytes,
        }
        self._shelf.change(_REMOVE, values)

    def _retain(self, values: Values) -> int:
        limited = {**values, **self._limits}
        removed = self._shelf.change(_RETAIN_RECORDS, limited)
        return removed + self._shelf.change(_RETAIN_REVISIONS, limited)


def _values(key: RecordKey) -> Values:
    return {
        "namespace": key.namespace,
        "aggregate_type": key.aggregate_type,
        "aggregate_id": key.aggregate_id.bytes,
        "revision": key.revision,
    }


def _scope_values(scope: Scope) -> Values:
    return {
        "namespace": scope.namespace,
        "aggregate_type": scope.aggregate_type,
        "revision": scope.revision,
    }


def _decoded(key: RecordKey, blob: bytes, *, version: int | None = None) -> AggregateRecord:
    try:
        return AggregateRecord.from_bytes(blob, key=key)
    except RecordUnusableError as error:
        raise RecordUnusableError(str(error), version=version) from error
