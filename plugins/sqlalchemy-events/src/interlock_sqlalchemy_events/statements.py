"""The table of events, and every statement on it."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    bindparam,
    delete,
    exists,
    insert,
    select,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import ClauseElement

from interlock.backends import EventRow
from interlock_sqlalchemy.database import Database, Statement

_STREAM = ("namespace", "aggregate_type", "aggregate_id")


def events_table(name: str) -> Table:
    """One row for an event, in the order in which streams are read.

    The position is the one key. No index guards the ids of events: one that comes twice comes with
    its position, where the guard stops it, and a random key would cost each append a page.
    """
    return Table(
        name,
        MetaData(),
        Column("namespace", Text, nullable=False),
        Column("aggregate_type", Text, nullable=False),
        Column("aggregate_id", LargeBinary(16), nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("event_id", LargeBinary(16), nullable=False),
        Column("type", Text, nullable=False),
        Column("schema_version", BigInteger, nullable=False),
        Column("recorded_at", BigInteger, nullable=False),
        Column("metadata", LargeBinary, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        PrimaryKeyConstraint(*_STREAM, "version"),
        sqlite_with_rowid=False,
    )


@dataclass(frozen=True, slots=True)
class EventStatements:
    """The statements, in the database's dialect."""

    start: Statement
    """Insert an event if its stream has none."""
    extend: Statement
    """Insert an event if `after_version` and `after_id` are the stream's head."""
    read: Statement
    head: Statement
    delete: Statement

    @classmethod
    def compiled(cls, table: Table, database: Database) -> "EventStatements":
        """All of them, compiled."""
        column = table.c
        stream = [column[name] == bindparam(name) for name in _STREAM]
        standing = exists().where(
            *stream,
            column.version == bindparam("after_version"),
            column.event_id == bindparam("after_id"),
        )
        # The key stops a second event at a version; this stops one below a hole.
        beyond = exists().where(*stream, column.version > bindparam("after_version"))
        read = (
            select(*(column[name] for name in EventRow._fields))
            .where(
                *stream, column.version > bindparam("after"), column.version <= bindparam("last")
            )
            .order_by(column.version)
            .limit(bindparam("limit"))
        )
        head = select(column.version, column.event_id).where(*stream)
        return cls(
            start=database.compile(_insert_where(table, ~exists().where(*stream))),
            extend=database.compile(_insert_where(table, standing, ~beyond)),
            read=database.compile(read),
            head=database.compile(head.order_by(column.version.desc()).limit(1)),
            delete=database.compile(
                delete(table).where(*stream, column.version < bindparam("below"))
            ),
        )


def _insert_where(table: Table, *conditions: ColumnElement[bool]) -> ClauseElement:
    event = select(*(bindparam(c.name, type_=c.type) for c in table.columns)).where(*conditions)
    return insert(table).from_select([c.name for c in table.columns], event)
