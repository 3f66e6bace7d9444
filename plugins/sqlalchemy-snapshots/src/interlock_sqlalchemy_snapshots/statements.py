"""The table of snapshots, and every statement on it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Table, bindparam, delete, func, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import ClauseElement

from interlock_sqlalchemy.columns import Columns, Content, Id, Label, Name, Number, table_of
from interlock_sqlalchemy.database import Database, Statement
from interlock_sqlalchemy_snapshots.retention import StoredRow

_AGGREGATE = ("namespace", "aggregate_type", "aggregate_id")
_STAMP = (*_AGGREGATE, "revision", "version", "last_event_id")
RECORD = (
    "aggregate_id",
    "version",
    "last_event_id",
    "last_event_at",
    "anchor_at",
    "verified_at",
    "taken_at",
    "codec",
    "checksum",
    "payload",
    "details",
)
"""Columns read of a record whose key is known."""

TOMBSTONE = ""
"""The revision of a tombstone, a row of version 0: its aggregate was forgotten at `taken_at`."""

BATCHES = (8, 128, 512)
"""How many ids one statement may ask for: each number is a statement of its own."""


def snapshots_table(name: str, dialect: str) -> Table:
    """Make the table: a row for each record, the versions of a revision side by side."""
    columns: Columns = {
        "namespace": Name,
        "aggregate_type": Name,
        "aggregate_id": Id,
        "revision": Name,
        "version": Number,
        "last_event_id": Id,
        "last_event_at": Number,
        "anchor_at": Number,
        "verified_at": Number,
        "taken_at": Number,
        "codec": Label,
        "checksum": Id,
        "payload": Content,
        "details": Content,
    }
    return table_of(name, columns, [*_AGGREGATE, "revision", "version"], dialect)


@dataclass(frozen=True, slots=True)
class SnapshotStatements:
    """The statements, in the database's dialect."""

    read: Statement
    read_many: Callable[[int], Statement]
    """For so many ids, see `BATCHES`; compiled when it is first asked for."""
    put: Statement
    remove: Statement
    stored_rows: Statement
    """All rows of an aggregate, its tombstone among them, as `StoredRow`."""
    remove_row: Statement
    """Remove what such a row stands for, unless it was replaced."""
    revisions: Statement
    newest: Statement
    ids_of_revision: Statement
    ids: Statement

    @classmethod
    def compile_for(cls, table: Table, database: Database) -> "SnapshotStatements":
        """Compile all statements for a database."""
        column = table.c
        ids = (
            select(column.aggregate_id)
            .distinct()
            .where(*_equal(table, "namespace", "aggregate_type"))
            .where(column.aggregate_id > bindparam("after"))
            .order_by(column.aggregate_id)
            .limit(bindparam("limit"))
        )
        revisions = (
            select(column.revision, func.max(column.taken_at))
            .where(*_equal(table, *_AGGREGATE), column.version > 0)
            .group_by(column.revision)
            .order_by(func.max(column.taken_at).desc())
        )
        newest = (
            select(column.aggregate_type, func.max(column.taken_at))
            .where(*_equal(table, "namespace"), column.version > 0)
            .group_by(column.aggregate_type)
        )
        return cls(
            read=database.compile(_read(table)),
            read_many=cache(lambda size: database.compile(_read_many(table, size))),
            put=database.compile(database.upsert(table)),
            remove=database.compile(delete(table).where(*_equal(table, *_STAMP))),
            stored_rows=database.compile(
                select(*(column[name] for name in StoredRow._fields)).where(
                    *_equal(table, *_AGGREGATE)
                )
            ),
            remove_row=database.compile(
                delete(table).where(*_equal(table, *_AGGREGATE, *StoredRow._fields))
            ),
            revisions=database.compile(revisions),
            newest=database.compile(newest),
            ids_of_revision=database.compile(
                ids.where(*_equal(table, "revision"), column.version > 0)
            ),
            ids=database.compile(ids),
        )


def _equal(table: Table, *names: str) -> list[ColumnElement[bool]]:
    return [table.c[name] == bindparam(name) for name in names]


def _read(table: Table) -> ClauseElement:
    return (
        select(*(table.c[name] for name in RECORD))
        .where(*_equal(table, *_AGGREGATE, "revision"))
        .where(table.c.version > 0, table.c.version <= bindparam("at_or_below"))
        .order_by(table.c.version.desc())
        .limit(1)
    )


def _read_many(table: Table, size: int) -> ClauseElement:
    other = table.alias()
    newest = (
        select(func.max(other.c.version))
        .where(*(other.c[name] == bindparam(name) for name in ("namespace", "aggregate_type")))
        .where(other.c.aggregate_id == table.c.aggregate_id)
        .where(other.c.revision == bindparam("revision"), other.c.version > 0)
        .scalar_subquery()
    )
    ids = [bindparam(f"id_{index}", type_=table.c.aggregate_id.type) for index in range(size)]
    return (
        select(*(table.c[name] for name in RECORD))
        .where(*_equal(table, "namespace", "aggregate_type", "revision"))
        .where(table.c.aggregate_id.in_(ids), table.c.version == newest)
    )
