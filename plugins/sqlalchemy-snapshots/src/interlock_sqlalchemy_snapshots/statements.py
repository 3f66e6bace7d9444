"""The table of snapshots, and every statement on it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import (
    Table,
    bindparam,
    case,
    delete,
    func,
    select,
    tuple_,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import ClauseElement, FromClause

from interlock_sqlalchemy.columns import Columns, Content, Id, Label, Name, Number, table_of
from interlock_sqlalchemy.database import Database, Statement

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
)
"""What is read of a record whose key is known."""

TOMBSTONE = ""
"""The revision of a tombstone, a row of version 0: its aggregate was forgotten at `taken_at`."""

BATCHES = (8, 128, 512)
"""How many ids one statement may ask for: each number is a statement of its own."""


def snapshots_table(name: str, dialect: str) -> Table:
    """One row for a record, the versions of an aggregate's revision side by side."""
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
    }
    return table_of(name, columns, [*_AGGREGATE, "revision", "version"], dialect)


@dataclass(frozen=True, slots=True)
class SnapshotStatements:
    """The statements, in the database's dialect."""

    read: Statement
    read_many: Mapping[int, Statement]
    put: Statement
    remove: Statement
    trim: Statement
    """Apply retention to an aggregate; `newest` counts as its most recently taken revision.

    The newest record of that revision stays, however old.
    """
    bury: Statement
    """Remove what was taken before its aggregate was forgotten, by a tombstone that still counts.

    That is one from after `standing_since`.
    """
    exhume: Statement
    """Remove an aggregate's tombstone if it is from `standing_since` or before."""
    revisions: Statement
    newest: Statement
    ids_of_revision: Statement
    ids: Statement

    @classmethod
    def compiled(cls, table: Table, database: Database) -> "SnapshotStatements":
        """All of them, compiled."""
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
            read_many={size: database.compile(_read_many(table, size)) for size in BATCHES},
            put=database.compile(database.upsert(table)),
            remove=database.compile(delete(table).where(*_equal(table, *_STAMP))),
            trim=database.compile(_trim(table)),
            bury=database.compile(_bury(table)),
            exhume=database.compile(
                delete(table).where(
                    *_tombstone(table), column.taken_at <= bindparam("standing_since")
                )
            ),
            revisions=database.compile(revisions),
            newest=database.compile(newest),
            ids_of_revision=database.compile(
                ids.where(*_equal(table, "revision"), column.version > 0)
            ),
            ids=database.compile(ids),
        )


def _tombstone(table: FromClause) -> list[ColumnElement[bool]]:
    is_one = [table.c.revision == bindparam("tombstone", TOMBSTONE), table.c.version == 0]
    return [*_equal(table, *_AGGREGATE), *is_one]


def _equal(table: FromClause, *names: str) -> list[ColumnElement[bool]]:
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


def _trim(table: Table) -> ClauseElement:
    column = table.c
    taken = (
        select(
            column.revision,
            column.version,
            column.taken_at.label("own"),
            func.max(column.taken_at).over(partition_by=column.revision).label("taken_at"),
            func.row_number()
            .over(partition_by=column.revision, order_by=column.version.desc())
            .label("place"),
        )
        .where(*_equal(table, *_AGGREGATE), column.version > 0)
        .subquery()
    )
    is_newest = case((taken.c.revision == bindparam("newest"), 0), else_=1)
    age = func.dense_rank().over(order_by=(is_newest, taken.c.taken_at.desc(), taken.c.revision))
    ranked = select(
        taken.c.revision, taken.c.version, taken.c.place, taken.c.own, age.label("age")
    ).subquery()
    is_last = (ranked.c.place == 1) & (ranked.c.age == 1)
    retired = select(ranked.c.revision, ranked.c.version).where(
        (ranked.c.place > bindparam("keep"))
        | (ranked.c.age > bindparam("keep_revisions"))
        | ((ranked.c.own < bindparam("taken_before")) & ~is_last)
    )
    return delete(table).where(
        *_equal(table, *_AGGREGATE), tuple_(column.revision, column.version).in_(retired)
    )


def _bury(table: Table) -> ClauseElement:
    column, other = table.c, table.alias()
    # Bounded, so that MySQL reads it before it deletes: it can't do both in one table at once.
    forgotten = (
        select(other.c.taken_at)
        .where(*_tombstone(other), other.c.taken_at > bindparam("standing_since"))
        .limit(1)
        .subquery()
    )
    return delete(table).where(
        *_equal(table, *_AGGREGATE),
        column.version > 0,
        column.taken_at <= select(forgotten.c.taken_at).scalar_subquery(),
    )
