"""Reading many streams at once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    and_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.sql.expression import ClauseElement

from interlock.backends import EventRow
from interlock_sqlalchemy.database import Database, Many, Row, Statement, Values, fitting

_SIZES = (8, 64, 512)
"""How many streams a statement without arrays asks for: each number is a statement of its own."""

_ROWS = 2_000
_MAX_VERSION = 2**63 - 1
_id = itemgetter(0)


class ManyReads:
    """One statement for many streams, each from its own first version.

    The rows come by id and version. Beyond 2,000 the next statement goes on where they ended, so
    that neither side holds all of them.
    """

    def __init__(self, table: Table, database: Database) -> None:
        self._table = table
        self._database = database
        self._statements: dict[int, Statement] = {}

    async def chunks(
        self, shared: Values, firsts: Mapping[bytes, int]
    ) -> AsyncIterator[tuple[bytes, list[Row]]]:
        """The streams' rows; `shared` holds the namespace and the type."""
        left, limit = dict(sorted(firsts.items())), _ROWS
        while left:
            part = dict(list(left.items())[: _SIZES[-1]])
            statement, values = self._bound(part)
            rows = await self._database.fetch(statement, {**shared, **values, "limit": limit})
            for aggregate_id, found in groupby(rows, _id):
                yield aggregate_id, [row[1:] for row in found]
            if len(rows) < limit:
                left = {key: first for key, first in left.items() if key not in part}
                continue
            last_id, last_version = rows[-1][:2]
            left = {key: first for key, first in left.items() if key >= last_id}
            left[last_id] = last_version + 1
            limit = fitting(rows, _ROWS)

    def _bound(self, firsts: Mapping[bytes, int]) -> tuple[Statement, Values]:
        ids, versions = list(firsts), [min(first, _MAX_VERSION) for first in firsts.values()]
        if self._database.many is Many.ARRAYS:
            return self._statement(0), {"ids": ids, "firsts": versions}
        size = next(size for size in _SIZES if len(ids) <= size)
        padding = size - len(ids)
        values: dict[str, object] = {}
        pairs = zip(
            [*ids, *ids[-1:] * padding], [*versions, *[_MAX_VERSION] * padding], strict=True
        )
        for place, (aggregate_id, first) in enumerate(pairs):
            values |= {f"id_{place}": aggregate_id, f"first_{place}": first}
        return self._statement(size), values

    def _statement(self, size: int) -> Statement:
        if size not in self._statements:
            clause = _in_arrays(self._table) if size == 0 else _in_ranges(self._table, size)
            self._statements[size] = self._database.compile(clause)
        return self._statements[size]


def _columns(table: Table) -> Sequence[ColumnElement[object]]:
    return [table.c.aggregate_id, *(table.c[name] for name in EventRow._fields)]


def _of_type(table: Table) -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(name) for name in ("namespace", "aggregate_type")))


def _in_arrays(table: Table) -> ClauseElement:
    wanted = (
        func.unnest(
            bindparam("ids", type_=ARRAY(BYTEA)), bindparam("firsts", type_=ARRAY(BigInteger))
        )
        .table_valued("id", "first")
        .render_derived(name="wanted")
    )
    return (
        select(*_columns(table))
        .select_from(wanted)
        .join(table, table.c.aggregate_id == wanted.c.id)
        .where(_of_type(table), table.c.version >= wanted.c.first)
        .order_by(table.c.aggregate_id, table.c.version)
        .limit(bindparam("limit"))
    )


def _in_ranges(table: Table, size: int) -> ClauseElement:
    ranges = [
        and_(
            table.c.aggregate_id == bindparam(f"id_{place}"),
            table.c.version >= bindparam(f"first_{place}"),
        )
        for place in range(size)
    ]
    return (
        select(*_columns(table))
        .where(_of_type(table), or_(*ranges))
        .order_by(table.c.aggregate_id, table.c.version)
        .limit(bindparam("limit"))
    )
