"""The table of events, and every statement on it."""

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Selectable,
    Subquery,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    literal_column,
    select,
    union_all,
)

from interlock_sqlalchemy.columns import Columns, Content, Id, Label, Name, Number, table_of
from interlock_sqlalchemy.database import Database, Statement
from interlock_sqlalchemy.joint import event_columns
from interlock_sqlalchemy_events.freezing import is_thawed

_STREAM = ("namespace", "aggregate_type", "aggregate_id")


def events_table(name: str, dialect: str) -> Table:
    """Make the table: a row for each event, in the order in which streams are read.

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
        self.read, self.read_to_fold = (
            database.compile(
                select(*event_columns(database, table, with_metadata=with_metadata))
                .where(
                    *stream,
                    column.version > bindparam("after"),
                    column.version <= bindparam("last"),
                )
                .order_by(column.version)
                .limit(bindparam("limit"))
            )
            for with_metadata in (True, False)
        )
        self._head = (
            select(column.version, column.event_id)
            .where(*stream)
            .order_by(column.version.desc())
            .limit(literal_column("1"))  # no value to bind
        )
        self.head = database.compile(self._head)
        self.ids = database.compile(
            select(column.aggregate_id)
            .distinct()
            .where(*stream[:2], column.aggregate_id > bindparam("after"))
            .order_by(column.aggregate_id)
            .limit(bindparam("limit"))
        )
        below = [*stream, column.version < bindparam("below")]
        self.delete = database.compile(delete(table).where(*below))
        self.oldest = database.compile(
            select(column.version).where(*below).order_by(column.version).limit(1)
        )

    def append(self, size: int, *, starts: bool) -> Statement:
        """Insert so many events if `after_version` and `after_id` are the stream's head.

        None where the namespace is frozen.

        One that `starts` a stream inserts them if the stream has none. The head is locked: a
        deletion of the stream at the same time waits, and finds what was appended.
        """
        found = self._appends.get((starts, size))
        if found is None:
            clause = self._insert_first(size) if starts else self._insert_after_head(size)
            found = self._database.compile(
                insert(self._table).from_select([c.name for c in self._table.columns], clause),
                rows=size,
            )
            self._appends[starts, size] = found
        return found

    def _insert_first(self, size: int) -> Selectable:
        is_new = ~exists().where(*self._stream)
        return select(self._events_subquery(size)).where(is_new, is_thawed(self._table))

    def _insert_after_head(self, size: int) -> Selectable:
        head = self._head.with_for_update().subquery("head")
        stands = and_(
            head.c.version == bindparam("after_version"), head.c.event_id == bindparam("after_id")
        )
        if size == 1:
            thawed = is_thawed(self._table)
            return select(*self._values(0)).select_from(head).where(stands, thawed)
        return select(self._events_subquery(size)).where(
            exists().select_from(head).where(stands), is_thawed(self._table)
        )

    def _events_subquery(self, size: int) -> Subquery:
        """Select the events as a subquery, which MySQL's grammar needs before a condition."""
        rows = [select(*self._values(place)) for place in range(size)]
        events = union_all(*rows) if size > 1 else rows[0]
        return events.subquery("appended")

    def _values(self, place: int) -> Sequence[ColumnElement[object]]:
        return [
            bindparam(c.name if c.name in _STREAM else f"{c.name}_{place}", type_=c.type).label(
                c.name
            )
            for c in self._table.columns
        ]
