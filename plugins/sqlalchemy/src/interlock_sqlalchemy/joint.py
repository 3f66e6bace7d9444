"""Reads a snapshot and the events after it together."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    bindparam,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.sql.expression import ClauseElement

from interlock.backends import AggregateRecord, EventRow, RecordKey
from interlock_sqlalchemy.database import (
    Database,
    Many,
    Row,
    Statement,
    Values,
    max_row_bytes,
    whole_page,
)

_STREAM = ("namespace", "aggregate_type", "aggregate_id")
_SCOPE = (*_STREAM, "revision")
# Columns of a snapshot in the places of an event's of the same type; what is left comes behind.
_SNAPSHOT = (
    *("version", "last_event_id", "codec", "last_event_at", "anchor_at", "checksum", "payload"),
    *("verified_at", "taken_at", "details"),
)
_EVENT = EventRow._fields
_version = itemgetter(0)
_is_event = itemgetter(0)
_event = itemgetter(slice(1, 1 + len(_EVENT)))


@dataclass(frozen=True, slots=True, eq=False)
class SnapshotSource:
    """How the snapshots of a backend are read, for a store that keeps events beside them.

    `read` takes what `values` makes of a key and the bound `at_or_below`; its rows, of `columns`,
    are what `record` is made of.
    """

    database: Database
    table: Table
    read: Statement
    columns: Sequence[str]
    values: Callable[[RecordKey], Values]
    record: Callable[[RecordKey, Row], AggregateRecord]


class JointReads:
    """Reads an aggregate's newest snapshot and the first page of the events behind it.

    On a server both are one statement, whose events begin where its snapshot ends. In a file, where
    statements cost little and hops to a thread much, they are two statements in one hop at most.
    """

    def __init__(
        self, database: Database, events: Table, read: Statement, source: SnapshotSource
    ) -> None:
        self._database = database
        self._read = read
        self._source = source
        self._together = (
            None
            if database.many is Many.ONE_BY_ONE
            else database.compile(_together(database, events, source.table))
        )
        places = {"aggregate_id": 0, **{name: at for at, name in enumerate(_SNAPSHOT, 1)}}
        self._record = itemgetter(*(places[name] for name in source.columns))

    async def read(
        self, key: RecordKey, stream: Values, last: int
    ) -> tuple[AggregateRecord | None, AsyncIterator[list[Row]] | list[Row]]:
        """Read the newest record up to the version `last`, and the events after it up to there.

        These are a list where one page has them all.
        """
        wanted = {**self._source.values(key), "at_or_below": last}
        values = {**stream, "last": last}
        limit = self._database.first_rows + 2  # the record's own event, and none behind the tail
        if self._together is None:
            kept, page = await self._database.fetch_both(
                (self._source.read, wanted),
                lambda kept: (self._read, {**values, "after": self._first(kept) - 1}),
                limit,
            )
        else:
            bound = {f"snapshot_{name}": value for name, value in wanted.items()}
            bound |= {"limit": limit, "largest": max_row_bytes(limit)}
            found = await self._database.fetch(self._together, {**values, **bound})
            kept = [self._record((key.aggregate_id.bytes, *row[1:])) for row in found if not row[0]]
            # Which of the two comes first isn't promised.
            rows = list(map(_event, filter(_is_event, found) if kept else found))
            rows.sort(key=_version)
            page = whole_page(rows, limit, limit)
        record = self._source.record(key, kept[0]) if kept else None
        if not page.limit:
            return record, page.rows
        return record, self._database.pages(self._read, values, self._first(kept) - 1, page)

    def _first(self, kept: Sequence[Row]) -> int:
        return max(1, kept[0][self._source.columns.index("version")]) if kept else 1


def event_columns(
    database: Database, events: Table, *, with_metadata: bool = False
) -> Sequence[ColumnElement[Any]]:
    """Make the columns that `pages` selects of events, in the order of `EventRow`'s fields.

    Where events are folded, nobody wants their metadata: its place is null.
    """
    *others, metadata, payload = (events.c[name] for name in _EVENT)
    if with_metadata:
        return [*others, *database.contents([metadata, payload])]
    return [*others, null().label("metadata"), *database.contents([payload])]


def _together(database: Database, events: Table, snapshots: Table) -> ClauseElement:
    def of_snapshot() -> Sequence[ColumnElement[bool]]:
        return [snapshots.c[name] == bindparam(f"snapshot_{name}") for name in _SCOPE]

    newest = (
        select(func.max(snapshots.c.version))
        .where(*of_snapshot(), snapshots.c.version > 0)
        .where(snapshots.c.version <= bindparam("snapshot_at_or_below"))
        .scalar_subquery()
    )
    snapshot = select(literal_column("0"), *(snapshots.c[name] for name in _SNAPSHOT)).where(
        *of_snapshot(), snapshots.c.version == newest
    )
    tail = (
        select(
            literal_column("1"),
            *event_columns(database, events),
            *(null() for _ in _SNAPSHOT[len(_EVENT) :]),
        )
        .where(*(events.c[name] == bindparam(name) for name in _STREAM))
        .where(events.c.version >= func.coalesce(newest, 1))
        .where(events.c.version <= bindparam("last"))
        .order_by(events.c.version)
        .limit(bindparam("limit"))
    )
    # Ordered by whoever reads: a database that orders a union builds it on its disk first.
    return union_all(snapshot, tail)
