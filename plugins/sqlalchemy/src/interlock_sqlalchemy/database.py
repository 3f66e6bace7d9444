"""The database as SQL backends use it, independent of its driver and dialect."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import Any, Protocol, cast

from sqlalchemy import ColumnElement, Dialect, Table
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

Row = tuple[Any, ...]  # what a row holds is known where its statement is written
Values = Mapping[str, object]

PAGE_BYTES = 16 << 20
"""Maximum size of a page, unless it has one row."""

_CHUNK_BYTES = 1 << 20
_content = itemgetter(-1)


class Many(Enum):
    """How the rows of many aggregates are queried."""

    ARRAYS = "one statement, the ids in an array"
    RANGES = "one statement, a condition for each id"
    ONE_BY_ONE = "a statement for each: none costs a round trip"


class RefusedError(Exception):
    """A guarded statement stored nothing, or met a unique key; the transaction was rolled back."""


class Statement:
    """A statement, compiled once: the driver gets its text and bare values.

    `rows` is how many rows it stores each time it is run, where that is known.
    """

    __slots__ = ("_constants", "_pick", "rows", "text")

    def __init__(self, clause: ClauseElement, dialect: Dialect, rows: int = 1) -> None:
        self.rows = rows
        # No clause compiled here is DDL, which has another compiler.
        compiled = cast(SQLCompiler, clause.compile(dialect=dialect))
        self.text = compiled.string
        names = compiled.positiontup or ()
        self._pick: Callable[[Values], Row] = (
            itemgetter(*names)
            if len(names) > 1  # of one it gives no tuple
            else lambda values: tuple(values[name] for name in names)
        )
        self._constants = {k: v for k, v in compiled.params.items() if v is not None}

    def bind(self, values: Values) -> Row:
        """Order the values by the text's placeholders."""
        return self._pick({**self._constants, **values} if self._constants else values)


@dataclass(frozen=True, slots=True)
class Step:
    """A statement of a transaction, run for each of the rows.

    Where it is guarded and doesn't store every one of them, the transaction is rolled back.
    """

    statement: Statement
    rows: Sequence[Values]
    guarded: bool = False

    @property
    def wanted(self) -> int:
        """How many rows a guarded step stores."""
        return len(self.rows) * self.statement.rows


@dataclass(frozen=True, slots=True)
class Lookup:
    """A read within a transaction, and the steps that follow from its rows."""

    statement: Statement
    values: Values
    then: Callable[[Sequence[Row]], "Sequence[Step | Lookup]"]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows that were read at once; `limit` is how many the next page has, 0 if there is none."""

    rows: list[Row]
    limit: int


class Database(Protocol):
    """One database, one table of it, opened and used by one event loop.

    Raises `BackendUnavailableError` where the database can't answer; no driver's error escapes.
    """

    insert_rows: int
    """How many rows one statement may insert."""

    first_rows: int
    """How many rows the first of `pages` has."""

    where: object
    """Equal for databases of the same place, user and all."""

    many: Many

    ends_writes: bool
    """Whether `execute` ends in time also when nobody cancels it."""

    is_serial: bool
    """Whether a transaction that writes ends before the next one begins."""

    @property
    def round_trips(self) -> int:
        """How many statements were sent over the URL's connections, each a round trip."""
        ...

    async def open(self) -> None:
        """Connect, create the table if asked, check its shape.

        Raises `ConfigurationError` if it is missing or of another shape.
        """
        ...

    async def close(self) -> None:
        """Disconnect, after the writes that were handed over."""
        ...

    async def version(self) -> str:
        """Ask for the database's product and version, with the driver where there is a choice."""
        ...

    def compile(self, clause: ClauseElement, *, rows: int = 1) -> Statement:
        """Compile the statement in this database's dialect; `rows` as in `Statement`."""
        ...

    def key(self, name: str) -> object:
        """Convert a name to the value of a key's column; equal values mean equal names."""
        ...

    def name_of(self, value: object) -> str:
        """Convert the value of a key's column back to its name, or to a long name's hash."""
        ...

    def upsert(self, table: Table) -> ClauseElement:
        """Insert a row of the table's columns, or replace the row with its primary key."""
        ...

    async def fetch(self, statement: Statement, values: Values) -> Sequence[Row]:
        """Fetch all rows of a statement that returns few, as tuples or what slices to them."""
        ...

    def contents(self, columns: Sequence[ColumnElement[Any]]) -> Sequence[ColumnElement[Any]]:
        """Wrap columns of large values for the statements of `pages`.

        A server leaves out what is larger than the value `largest`; the last column is then None.
        """
        ...

    async def fetch_both(
        self,
        first: tuple[Statement, Values],
        then: Callable[[Sequence[Row]], tuple[Statement, Values]],
        limit: int,
    ) -> tuple[Sequence[Row], Page]:
        """Fetch all rows of one statement, and so many of the one that `then` makes."""
        ...

    def pages(
        self,
        statement: Statement,
        values: Values,
        after: object,
        first: Page | None = None,
    ) -> AsyncIterator[list[Row]]:
        """Read all rows in pages of at most `PAGE_BYTES`, without an open transaction in between.

        The statement takes `after`, `limit` and, where it selects `contents`, `largest` besides the
        values; a row's first column is the next chunk's `after`, and its last is its largest.
        `first` is the first page, where it was read already.
        """
        ...

    def fetch_at_once(self, statement: Statement, values: Values) -> Sequence[Row]:
        """Fetch as `fetch` does; no rows where that would have to wait, or fails."""
        ...

    async def wait_for_writes(self) -> None:
        """Wait until the table's writes have ended that began before, of every session.

        Raises `BackendUnavailableError` if that takes more than 5 seconds, and
        `ConfigurationError` where it can't be known.
        """
        ...

    async def execute(self, steps: Sequence[Step | Lookup], *, repeatable: bool = False) -> int:
        """Run the steps in one transaction; return how many rows they changed.

        It finishes even if the caller is cancelled. `repeatable` steps may be run again after a
        deadlock or a broken connection: twice is as good as once. Raises `RefusedError`, and
        `RecordTooLargeError`; where nothing was nor will be stored, the `BackendUnavailableError`
        says so.
        """
        ...


def max_row_bytes(limit: int) -> int:
    """Compute how many bytes a row may have in a page of `limit` rows."""
    return PAGE_BYTES // limit if limit > 1 else 2**31 - 1


def page_of(rows: list[Row], limit: int, most: int) -> Page:
    """Make a page of rows that were read with a `limit`; the next has `most` rows at most."""
    return Page(rows, next_limit(rows, most) if len(rows) == limit else 0)


def whole_page(rows: list[Row], limit: int, most: int) -> Page:
    """Make a page that ends before the first row whose content the server left out."""
    if None in map(_content, rows):
        whole = [row[-1] for row in rows].index(None)
        return Page(rows[:whole], max(1, limit // 16))
    return page_of(rows, limit, most)


def next_limit(rows: Sequence[Row], most: int) -> int:
    """Compute how many rows of this size the next page may have, by their last, largest column."""
    sample = rows[::16]
    size = sum(sys.getsizeof(row[-1]) for row in sample) // len(sample)
    return max(1, min(most, _CHUNK_BYTES // size))
