"""The table of events, and every statement on it."""

from collections.abc import Sequence

from sqlalchemy import Table, bindparam, delete, exists, insert, select, union_all
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import ClauseElement

from interlock.backends import EventRow
from interlock_sqlalchemy.columns import Columns, Content, Id, Label, Name, Number, table_of
from interlock_sqlalchemy.database import Database, Statement

_STREAM = ("namespace", "aggregate_type", "aggregate_id")


def events_table(name: str, dialect: str) -> Table:
    """One row for an event, in the order in which streams are read.

    The position is the one key. No index guards the ids of events: one that comes twice comes with
    its position, where the guard stops it, and a random key would cost each append a page.
    """
    columns: Columns = {
        "namespace": Name,
        "aggregate_type": Name,
        "aggregate_id": Id,
        "version": Number,
        "event_id": Id,
        "type": Label,
        "schema_version": Number,
        "recorded_at": Number,
        "metadata": Content,
        "payload": Content,
    }
    return table_of(name, columns, [*_STREAM, "version"], dialect)


class EventStatements:
    """The statements, in the database's dialect."""

    def __init__(self, table: Table, database: Database) -> None:
        self._table = table
        self._database = database
        self._appends: dict[tuple[bool, int], Statement] = {}
        column = table.c
        stream = self._stream = [column[name] == bindparam(name) for name in _STREAM]
        self.read = database.compile(
            select(*(column[name] for name in EventRow._fields))
            .where(
                *stream, column.version > bindparam("after"), column.version <= bindparam("last")
            )
            .order_by(column.version)
            .limit(bindparam("limit"))
        )
        self.head = database.compile(
            select(column.version, column.event_id)
            .where(*stream)
            .order_by(column.version.desc())
            .limit(1)
        )
        self.delete = database.compile(
            delete(table).where(*stream, column.version < bindparam("below"))
        )

    def append(self, size: int, *, starts: bool) -> Statement:
        """Insert so many events if `after_version` and `after_id` are the stream's head.

        One that `starts` a stream inserts them if the stream has none.
        """
        found = self._appends.get((starts, size))
        if found is None:
            clause = _insert_where(self._table, size, self._guard(starts=starts))
            found = self._database.compile(clause, rows=size)
            self._appends[starts, size] = found
        return found

    def _guard(self, *, starts: bool) -> Sequence[ColumnElement[bool]]:
        if starts:
            return [~exists().where(*self._stream)]
        column = self._table.c
        standing = exists().where(
            *self._stream,
            column.version == bindparam("after_version"),
            column.event_id == bindparam("after_id"),
        )
        # The key stops a second event at a version; this stops one below a hole.
        beyond = exists().where(*self._stream, column.version > bindparam("after_version"))
        return [standing, ~beyond]


def _insert_where(
    table: Table, size: int, conditions: Sequence[ColumnElement[bool]]
) -> ClauseElement:
    rows = [
        select(
            *(
                bindparam(c.name if c.name in _STREAM else f"{c.name}_{place}", type_=c.type).label(
                    c.name
                )
                for c in table.columns
            )
        )
        for place in range(size)
    ]
    # One row needs no table of its own to be selected from, but for MySQL's grammar it does.
    events = union_all(*rows).subquery("appended") if size > 1 else rows[0].subquery("appended")
    return insert(table).from_select(
        [c.name for c in table.columns], select(events).where(*conditions)
    )
