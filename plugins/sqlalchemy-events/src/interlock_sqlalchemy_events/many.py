"""Reads many streams at once."""

from collections.abc import AsyncIterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.sql.expression import ClauseElement

from interlock_sqlalchemy.database import (
    Database,
    Many,
    Row,
    Statement,
    Values,
    max_row_bytes,
    whole_page,
)
from interlock_sqlalchemy.joint import event_columns

_SIZES = (8, 64, 512)
"""How many streams a statement without arrays asks for: each number is a statement of its own."""

_ROWS = 2_000
_MAX_VERSION = 2**63 - 1
_id = itemgetter(0)


class ManyReads:
    """Reads many streams by one statement, each from its own first version.

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
        """Read the streams' rows; `shared` has the namespace and the type."""
        left, limit = dict(sorted(firsts.items())), _ROWS
        while left:
            part = dict(list(left.items())[: _SIZES[-1]])
            statement, values = self._bind(part)
            bounds = {"limit": limit, "largest": max_row_bytes(limit)}
            rows = await self._database.fetch(statement, {**shared, **values, **bounds})
            page = whole_page(list(rows), limit, _ROWS)
            for aggregate_id, found in groupby(page.rows, _id):
                yield aggregate_id, [row[1:] for row in found]
            if not page.limit:
                left = {key: first for key, first in left.items() if key not in part}
                continue
            limit = page.limit
            if page.rows:
                last_id, last_version = page.rows[-1][:2]
                left = {key: first for key, first in left.items() if key >= last_id}
                left[last_id] = last_version + 1

    def _bind(self, firsts: Mapping[bytes, int]) -> tuple[Statement, Values]:
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
            columns = [self._table.c.aggregate_id, *event_columns(self._database, self._table)]
            selected = select(*columns)
            clause = (
                _in_arrays(selected, self._table)
                if size == 0
                else _in_ranges(selected, self._table, size)
            )
            self._statements[size] = self._database.compile(clause)
        return self._statements[size]


def _of_type(table: Table) -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(name) for name in ("namespace", "aggregate_type")))


def _in_arrays(selected: Select[Any], table: Table) -> ClauseElement:
    wanted = (
        func.unnest(
            bindparam("ids", type_=ARRAY(BYTEA)), bindparam("firsts", type_=ARRAY(BigInteger))
        )
        .table_valued("id", "first")
        .render_derived(name="wanted")
    )
    return (
        selected.select_from(wanted)
        .join(table, table.c.aggregate_id == wanted.c.id)
        .where(_of_type(table), table.c.version >= wanted.c.first)
        .order_by(table.c.aggregate_id, table.c.version)
        .limit(bindparam("limit"))
    )


def _in_ranges(selected: Select[Any], table: Table, size: int) -> ClauseElement:
    ranges = [
        and_(
            table.c.aggregate_id == bindparam(f"id_{place}"),
            table.c.version >= bindparam(f"first_{place}"),
        )
        for place in range(size)
    ]
    return (
        selected.where(_of_type(table), or_(*ranges))
        .order_by(table.c.aggregate_id, table.c.version)
        .limit(bindparam("limit"))
    )
