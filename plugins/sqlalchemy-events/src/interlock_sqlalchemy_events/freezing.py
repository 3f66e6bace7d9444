"""A namespace that takes no changes: a row in the table of events, which each append looks for."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Table,
    bindparam,
    delete,
    exists,
    literal_column,
    select,
)

from interlock.backends import (
    BackendUnavailableError,
    from_micros,
    frozen,
    to_micros,
)
from interlock_sqlalchemy.database import Database, Lookup, RefusedError, Row, Step, Values

_TYPE = "#read-only"
_ID = bytes(16)


class Freezing:
    """The mark of one namespace. No application's type is called so, and none lists it."""

    def __init__(self, table: Table, database: Database, namespace: str) -> None:
        self._database = database
        self._name = namespace
        self.values: Values = {
            "frozen_type": database.key(_TYPE),
            "frozen_id": _ID,
        }
        """What a statement with the condition `is_thawed` binds beside the namespace."""
        self._key = {"namespace": database.key(namespace), **self.values}
        column = table.c
        mark = _mark(table)
        self._find = database.compile(select(column.recorded_at).where(*mark))
        self._remove = database.compile(delete(table).where(*mark))
        self._set = database.compile(database.upsert(table))

    async def freeze(self, now: datetime) -> None:
        """Set the mark, and wait until no write is under way that didn't see it."""
        if await self.since() is not None:
            await self._database.wait_for_writes()
            return
        row = {
            "namespace": self._key["namespace"],
            "aggregate_type": self._key["frozen_type"],
            "aggregate_id": _ID,
            "version": 1,
            "event_id": _ID,
            "type": "read-only",
            "schema_version": 1,
            "recorded_at": to_micros(now),
            "metadata": b"{}",
            "payload": b"{}",
        }
        await self._database.execute([Step(self._set, [row])], repeatable=True)
        try:
            await self._database.wait_for_writes()
        except BaseException:
            await self.thaw()
            raise

    async def thaw(self) -> None:
        """Remove the mark."""
        await self._database.execute([Step(self._remove, [self._key])], repeatable=True)

    async def since(self) -> datetime | None:
        """Tell when the mark was set."""
        for (recorded_at,) in await self._database.fetch(self._find, self._key):
            return from_micros(recorded_at)
        return None

    async def error(self) -> BackendUnavailableError | None:
        """Make the error of a write that was refused; None if that wasn't for the mark."""
        since = await self.since()
        return None if since is None else frozen(self._name, since)

    def check(self) -> Lookup:
        """Undo a transaction that has written though the mark is set."""
        return Lookup(self._find, self._key, _refuse)


def is_thawed(table: Table) -> ColumnElement[bool]:
    """The condition of a statement that its namespace isn't frozen."""
    other = table.alias("mark")
    return ~exists(select(literal_column("1")).select_from(other).where(*_mark(other)))


def _mark(table: FromClause) -> Sequence[ColumnElement[bool]]:
    column = table.c
    return (
        column.aggregate_id == bindparam("frozen_id", type_=column.aggregate_id.type),
        column.aggregate_type == bindparam("frozen_type", type_=column.aggregate_type.type),
        column.namespace == bindparam("namespace", type_=column.namespace.type),
    )


def _refuse(marks: Sequence[Row]) -> Sequence[Step | Lookup]:
    if marks:
        raise RefusedError("the namespace is frozen")
    return ()
