"""Moves records."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    RecordKey,
    RecordSnapshotBackend,
    RecordUnusableError,
    Scope,
    Stamp,
)
from interlock_sqlalchemy.database import Row, Step
from interlock_sqlalchemy.dialects import connect
from interlock_sqlalchemy_snapshots.config import SQLAlchemySnapshotsConfig
from interlock_sqlalchemy_snapshots.rows import (
    aggregate_values,
    record_of,
    row_values,
    stamp_values,
    type_values,
)
from interlock_sqlalchemy_snapshots.statements import BATCHES, SnapshotStatements, snapshots_table

_MAX_VERSION = 2**63 - 1
_PRUNE_IDS = 100


class SQLAlchemySnapshotBackend(RecordSnapshotBackend):
    """Keeps snapshots in a table of a SQL database, see `interlock.ports.SnapshotStore`."""

    def __init__(self, config: SQLAlchemySnapshotsConfig) -> None:
        self.timeout = config.timeout
        self._retention = {"keep": config.keep, "keep_revisions": config.keep_revisions}
        table = snapshots_table(config.table)
        self._database = connect(config, table)
        self._statements = SnapshotStatements.compiled(table, self._database)

    async def open(self) -> None:
        """Connect; create the table if asked, and check it."""
        await self._database.open()

    async def close(self) -> None:
        """Disconnect, after the puts that were handed over."""
        await self._database.close()

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        """See `SnapshotStore.read`."""
        bound = _MAX_VERSION if at_or_below is None else min(at_or_below, _MAX_VERSION)
        values = {**aggregate_values(key), "revision": key.revision, "at_or_below": bound}
        for row in await self._database.fetch(self._statements.read, values):
            return record_of(key, row)
        return None

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        """See `SnapshotStore.read_many`; one query for up to 128 keys of a scope."""
        scopes: defaultdict[Scope, list[RecordKey]] = defaultdict(list)
        for key in dict.fromkeys(keys):
            scope = Scope(key.namespace, key.epoch, key.aggregate_type, key.revision)
            scopes[scope].append(key)
        found = {}
        for scope, asked in scopes.items():
            for start in range(0, len(asked), BATCHES[-1]):
                batch = {key.aggregate_id.bytes: key for key in asked[start : start + BATCHES[-1]]}
                for row in await self._read_batch(scope, list(batch)):
                    key = batch[row[0]]
                    with suppress(RecordUnusableError):
                        found[key] = record_of(key, row)
        return found

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """See `SnapshotStore.put`."""
        steps = [
            Step(self._statements.put, [row_values(key, record)]),
            Step(
                self._statements.trim,
                [{**aggregate_values(key), **self._retention, "newest": record.revision}],
            ),
        ]
        if supersedes:
            superseded = [stamp_values(key, stamp) for stamp in supersedes]
            steps.insert(0, Step(self._statements.remove, superseded))
        await self._database.execute(steps)

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        """See `SnapshotStore.remove`."""
        await self._database.execute([Step(self._statements.remove, [stamp_values(key, stamp)])])

    async def revisions(self, key: RecordKey) -> Collection[str]:
        """See `SnapshotStore.revisions`."""
        rows = await self._database.fetch(self._statements.revisions, aggregate_values(key))
        return [row[0] for row in rows]

    async def ids(self, scope: Scope) -> AsyncIterator[UUID]:
        """See `SnapshotStore.ids`."""
        values = {**type_values(scope), "revision": scope.revision}
        async for page in self._database.pages(self._statements.ids_of_revision, values, b""):
            for (aggregate_id,) in page:
                yield UUID(bytes=aggregate_id)

    async def prune(self, scope: Scope) -> int:
        """See `SnapshotStore.prune`; in transactions of 100 aggregates."""
        removed = 0
        async for page in self._database.pages(self._statements.ids, type_values(scope), b""):
            for start in range(0, len(page), _PRUNE_IDS):
                removed += await self._trim(scope, page[start : start + _PRUNE_IDS])
        return removed

    async def _read_batch(self, scope: Scope, ids: Sequence[bytes]) -> Sequence[Row]:
        size = next(size for size in BATCHES if len(ids) <= size)
        values: dict[str, object] = {**type_values(scope), "revision": scope.revision}
        for index in range(size):
            # An id that is asked for twice is found once.
            values[f"id_{index}"] = ids[min(index, len(ids) - 1)]
        return await self._database.fetch(self._statements.read_many[size], values)

    async def _trim(self, scope: Scope, rows: Iterable[Row]) -> int:
        retention = {**type_values(scope), **self._retention, "newest": ""}
        aggregates = [{**retention, "aggregate_id": row[0]} for row in rows]
        return await self._database.execute([Step(self._statements.trim, aggregates)])
