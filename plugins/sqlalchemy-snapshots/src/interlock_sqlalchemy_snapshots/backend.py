"""The snapshot backend: reads and writes records."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    RecordKey,
    RecordSnapshotBackend,
    RecordUnusableError,
    Scope,
    Stamp,
    from_columns,
    from_micros,
    usable,
)
from interlock_sqlalchemy.database import Lookup, Row, Step
from interlock_sqlalchemy.dialects import connect
from interlock_sqlalchemy.joint import SnapshotSource
from interlock_sqlalchemy_snapshots.config import SQLAlchemySnapshotsConfig
from interlock_sqlalchemy_snapshots.retention import (
    MAX_VERSION,
    Retention,
    StoredRow,
    UnusableRecord,
)
from interlock_sqlalchemy_snapshots.rows import Keys
from interlock_sqlalchemy_snapshots.statements import (
    BATCHES,
    RECORD,
    SnapshotStatements,
    snapshots_table,
)

_PRUNE_IDS = 100
_MAX_UNUSABLE_KEYS = 1_000  # keys


def _now() -> datetime:
    return datetime.now(UTC)


class SQLAlchemySnapshotBackend(RecordSnapshotBackend):
    """Keeps snapshots in a table of a SQL database, see `interlock.backends.SnapshotStore`."""

    def __init__(
        self, config: SQLAlchemySnapshotsConfig, *, clock: Callable[[], datetime] = _now
    ) -> None:
        self.timeout = config.timeout
        self._retention = Retention(config.keep, config.keep_revisions, config.keep_for)
        self._clock = clock
        self._database, table = connect(config, partial(snapshots_table, config.table))
        self._keys = Keys(self._database)
        self._statements = SnapshotStatements.compile_for(table, self._database)
        self._unusable: dict[RecordKey, set[UnusableRecord]] = {}  # that were read, the latest last
        self.source = SnapshotSource(
            self._database,
            table,
            self._statements.read,
            RECORD,
            self._keys.of_record,
            self._record_of,
        )

    async def open(self) -> None:
        """Connect; create the table if asked, and check it."""
        await self._database.open()

    async def close(self) -> None:
        """Disconnect once running puts have ended."""
        await self._database.close()

    async def server_version(self) -> str:
        """Ask for the database's product and version."""
        return await self._database.version()

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        limit_version = MAX_VERSION if at_or_below is None else min(at_or_below, MAX_VERSION)
        values = {**self._keys.of_record(key), "at_or_below": limit_version}
        for row in await self._database.fetch(self._statements.read, values):
            return self._record_of(key, row)
        return None

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        scopes: defaultdict[Scope, list[RecordKey]] = defaultdict(list)
        for key in dict.fromkeys(keys):
            scope = Scope(key.namespace, key.epoch, key.aggregate_type, key.revision)
            scopes[scope].append(key)
        found = {}
        for scope, asked in scopes.items():
            for start in range(0, len(asked), BATCHES[-1]):
                batch = {key.aggregate_id.bytes: key for key in asked[start : start + BATCHES[-1]]}
                for row in await self._read_batch(scope, list(batch)):
                    record = usable(self._record_of, batch[row[0]], row)
                    if record is not None:
                        found[record.key] = record
        return found

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        aggregate = self._keys.of_aggregate(key)
        # What is put is true, so newer records that couldn't be read are damaged or false; they
        # would count for `keep`.
        found = self._unusable.pop(key, set())
        unusable = {each for each in found if each.version > record.version}
        newest = self._database.key(record.revision)
        steps: list[Step | Lookup] = [
            Step(self._statements.put, [self._keys.row(key, record)]),
            self._retention_step(aggregate, newest=newest, unusable=unusable),
        ]
        if supersedes:
            superseded = [self._keys.of_stamp(key, stamp) for stamp in supersedes]
            steps.insert(0, Step(self._statements.remove, superseded))
        await self._database.execute(steps, repeatable=True)
        if not self._database.is_serial:
            # A forget or another put at the same time may have seen nothing of this put, as this
            # put of it. Each looks once more when its own row stands: so one sees the other's.
            await self._remove_forgotten(aggregate, newest=newest)

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        step = Step(self._statements.remove, [self._keys.of_stamp(key, stamp)])
        await self._database.execute([step], repeatable=True)

    async def forget(self, key: RecordKey) -> int:
        aggregate = self._keys.of_aggregate(key)
        tombstone = self._keys.tombstone(key, taken_at=self._clock())
        await self._database.execute([Step(self._statements.put, [tombstone])], repeatable=True)
        return await self._remove_forgotten(aggregate)

    async def revisions(self, key: RecordKey) -> Collection[str]:
        rows = await self._database.fetch(self._statements.revisions, self._keys.of_aggregate(key))
        return [self._database.name_of(row[0]) for row in rows]

    async def ids(self, scope: Scope) -> AsyncIterator[UUID]:
        values = self._keys.of_scope(scope)
        async for page in self._database.pages(self._statements.ids_of_revision, values, b""):
            for (aggregate_id,) in page:
                yield UUID(bytes=aggregate_id)

    async def newest(self, namespace: str) -> Mapping[str, datetime]:
        # Reads the whole table: no index is kept for those who look.
        values = {"namespace": self._database.key(namespace)}
        rows = await self._database.fetch(self._statements.newest, values)
        return {self._database.name_of(name): from_micros(taken_at) for name, taken_at in rows}

    async def prune(self, scope: Scope) -> int:
        # Tombstones whose day is over are removed too.
        removed, of_type = 0, self._keys.of_type(scope)
        async for page in self._database.pages(self._statements.ids, of_type, b""):
            aggregates = [{**of_type, "aggregate_id": row[0]} for row in page]
            for start in range(0, len(aggregates), _PRUNE_IDS):
                removed += await self._prune(aggregates[start : start + _PRUNE_IDS])
        return removed

    async def _read_batch(self, scope: Scope, ids: Sequence[bytes]) -> Sequence[Row]:
        size = next(size for size in BATCHES if len(ids) <= size)
        values = self._keys.of_scope(scope)
        for index in range(size):
            # An id that is asked for twice is found once.
            values[f"id_{index}"] = ids[min(index, len(ids) - 1)]
        return await self._database.fetch(self._statements.read_many(size), values)

    async def _prune(self, aggregates: Sequence[dict[str, object]]) -> int:
        expired: list[dict[str, object]] = []
        steps = [self._retention_step(aggregate, expired=expired) for aggregate in aggregates]
        removed = await self._database.execute(steps, repeatable=True)
        if expired:
            tombstones = Step(self._statements.remove_row, expired)
            await self._database.execute([tombstones], repeatable=True)
        return removed

    async def _remove_forgotten(
        self, aggregate: dict[str, object], *, newest: object = None
    ) -> int:
        """Remove forgotten records, and of the revision `newest` those beyond retention.

        Without any to remove, no transaction is needed.
        """
        rows = await self._database.fetch(self._statements.stored_rows, aggregate)
        found, now = [StoredRow(*row) for row in rows], self._clock()
        surplus = {*self._retention.forgotten_rows(found, now)}
        if newest is not None:
            own = [row for row in found if row.revision == newest]
            surplus.update(self._retention.rows_to_remove(own, now, newest))
        steps = self._removal_steps(aggregate, [row for row in found if row in surplus])
        return await self._database.execute(steps, repeatable=True) if steps else 0

    def _retention_step(
        self,
        aggregate: dict[str, object],
        *,
        newest: object = None,
        unusable: Collection[UnusableRecord] = (),
        expired: list[dict[str, object]] | None = None,
    ) -> Lookup:
        """Make the step that removes records by retention and tombstones.

        Adds expired tombstones to `expired`; `unusable` are records of the revision `newest`.
        """

        def then(rows: Sequence[Row]) -> Sequence[Step]:
            found, now = [StoredRow(*row) for row in rows], self._clock()
            if expired is not None:
                expired.extend(
                    {**aggregate, **row._asdict()} for row in found if row.is_expired(now)
                )
            return self._removal_steps(
                aggregate, self._retention.rows_to_remove(found, now, newest, unusable)
            )

        return Lookup(self._statements.stored_rows, aggregate, then)

    def _record_of(self, key: RecordKey, row: Row) -> AggregateRecord:
        try:
            return from_columns(dict(zip(RECORD, row, strict=True)), key=key)
        except RecordUnusableError as error:
            if error.version is not None:
                taken_at = row[RECORD.index("taken_at")]
                self._unusable.setdefault(key, set()).add(UnusableRecord(error.version, taken_at))
                if len(self._unusable) > _MAX_UNUSABLE_KEYS:
                    del self._unusable[next(iter(self._unusable))]
            raise

    def _removal_steps(
        self, aggregate: dict[str, object], rows: Sequence[StoredRow]
    ) -> Sequence[Step]:
        values = [{**aggregate, **row._asdict()} for row in rows]
        return [Step(self._statements.remove_row, values)] if values else []
