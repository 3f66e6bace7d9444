"""Moves records."""

import sqlite3
from collections.abc import AsyncIterator, Collection
from typing import Any
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    RecordKey,
    RecordSnapshotBackend,
    Scope,
    Stamp,
    from_columns,
    to_columns,
)

from interlock_sqlite_snapshots.config import SqliteSnapshotsConfig
from interlock_sqlite_snapshots.database import Database

_HIGHEST = 2**63 - 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS snapshots (
    namespace TEXT, aggregate_type TEXT, aggregate_id BLOB, revision TEXT, version INTEGER,
    last_event_id BLOB, last_event_at INTEGER, anchor_at INTEGER, verified_at INTEGER,
    taken_at INTEGER, codec TEXT, checksum BLOB, payload BLOB, details BLOB,
    PRIMARY KEY (namespace, aggregate_type, aggregate_id, revision, version)
)
"""
_TYPE = "namespace = :namespace AND aggregate_type = :aggregate_type"
_AGGREGATE = f"{_TYPE} AND aggregate_id = :aggregate_id"
_KEY = f"{_AGGREGATE} AND revision = :revision"
_READ = f"""
SELECT * FROM snapshots WHERE {_KEY} AND version <= :bound ORDER BY version DESC LIMIT 1
"""
_PUT = """
INSERT OR REPLACE INTO snapshots VALUES (
    :namespace, :aggregate_type, :aggregate_id, :revision, :version,
    :last_event_id, :last_event_at, :anchor_at, :verified_at,
    :taken_at, :codec, :checksum, :payload, :details
)
"""
_REMOVE = f"""
DELETE FROM snapshots WHERE {_KEY} AND version = :version AND last_event_id = :last_event_id
"""
_REVISIONS = f"""
SELECT revision FROM snapshots WHERE {_AGGREGATE} GROUP BY revision ORDER BY max(taken_at) DESC
"""
_RETAIN_RECORDS = f"""
DELETE FROM snapshots WHERE {_KEY} AND version NOT IN
    (SELECT version FROM snapshots WHERE {_KEY} ORDER BY version DESC LIMIT :keep)
"""
_RETAIN_REVISIONS = f"""
DELETE FROM snapshots WHERE {_AGGREGATE} AND revision NOT IN ({_REVISIONS} LIMIT :keep_revisions)
"""
_IDS = f"SELECT DISTINCT aggregate_id FROM snapshots WHERE {_TYPE} AND revision = :revision"
_KEYS = f"SELECT DISTINCT aggregate_id, revision FROM snapshots WHERE {_TYPE}"

Values = dict[str, Any]  # Any: values of columns


class SqliteSnapshotBackend(RecordSnapshotBackend):
    """Snapshots in a SQLite file, see `interlock.backends.SnapshotStore`."""

    def __init__(self, config: SqliteSnapshotsConfig) -> None:
        self.timeout = config.timeout
        self._limits = {"keep": config.keep, "keep_revisions": config.keep_revisions}
        self._database = Database(config.file, _SCHEMA, timeout=config.timeout / 2)

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        bound = _HIGHEST if at_or_below is None else min(at_or_below, _HIGHEST)
        values = {**_of_key(key), "bound": bound}

        def read(connection: sqlite3.Connection) -> AggregateRecord | None:
            cursor = connection.execute(_READ, values)
            names = [column[0] for column in cursor.description]
            row = cursor.fetchone()
            return (
                None if row is None else from_columns(dict(zip(names, row, strict=True)), key=key)
            )

        return await self._database.read(read)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        values = {**_of_key(key), **to_columns(record)}

        def put(connection: sqlite3.Connection) -> None:
            connection.executemany(_REMOVE, [_of_stamp(key, stamp) for stamp in supersedes])
            connection.execute(_PUT, values)
            self._retain(connection, _of_key(key))

        await self._database.write(put)

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        await self._database.write(lambda at: at.execute(_REMOVE, _of_stamp(key, stamp)))

    async def revisions(self, key: RecordKey) -> Collection[str]:
        rows = await self._database.read(lambda at: at.execute(_REVISIONS, _of_key(key)).fetchall())
        return [revision for (revision,) in rows]

    async def ids(self, scope: Scope) -> AsyncIterator[UUID]:
        rows = await self._database.read(lambda at: at.execute(_IDS, _of_type(scope)).fetchall())
        for (aggregate_id,) in rows:
            yield UUID(bytes=aggregate_id)

    async def prune(self, scope: Scope) -> int:
        def prune(connection: sqlite3.Connection) -> int:
            keys = connection.execute(_KEYS, _of_type(scope)).fetchall()
            return sum(
                self._retain(
                    connection, {**_of_type(scope), "aggregate_id": each, "revision": revision}
                )
                for each, revision in keys
            )

        return await self._database.write(prune)

    def _retain(self, connection: sqlite3.Connection, values: Values) -> int:
        """Remove what is beyond the limits; return how many records."""
        limited = {**values, **self._limits}
        statements = (_RETAIN_RECORDS, _RETAIN_REVISIONS)
        return sum(connection.execute(each, limited).rowcount for each in statements)


def _of_type(of: Scope | RecordKey) -> Values:
    return {
        "namespace": of.namespace,
        "aggregate_type": of.aggregate_type,
        "revision": of.revision,
    }


def _of_key(key: RecordKey) -> Values:
    return {**_of_type(key), "aggregate_id": key.aggregate_id.bytes}


def _of_stamp(key: RecordKey, stamp: Stamp) -> Values:
    return {
        **_of_key(key),
        "revision": stamp.revision,
        "version": stamp.version,
        "last_event_id": stamp.last_event_id.bytes,
    }
