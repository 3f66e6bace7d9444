"""The options that every SQL backend has."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from interlock.backends import Duration

Positive = Annotated[Duration, Field(gt=timedelta(0))]
TableName = Annotated[
    str,
    Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62}$", max_length=127),
]
"""A table's name, with a schema in front if it is another than the connection's: `app.events`."""


class SQLAlchemyConfig(BaseModel):
    """The options that every SQL backend has.

    The URL may hold a password, so neither `repr` nor an error message shows it.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    distribution: ClassVar[str] = "interlock-sqlalchemy"
    """Whose extras install the drivers."""

    url: Annotated[str, Field(repr=False, min_length=1)]
    """A SQLAlchemy URL: `sqlite:///relative.db`, `postgresql+asyncpg://user:password@host/db`."""

    table: TableName
    """The table. Backends that share one must be configured alike."""

    create_schema: bool | None = None
    """Create the table on start if it is missing. One that exists is never altered.

    Unless given, a SQLite file that isn't there yet is made with its tables, and a server's tables
    aren't.
    """

    timeout: Positive = timedelta(seconds=10)
    """How long a call may take."""

    statement_timeout: Positive = timedelta(seconds=10)
    """Servers: after how long the server itself gives a statement up."""

    connect_timeout: Positive = timedelta(seconds=5)
    """Servers: how long to wait for a connection."""

    pool_size: Annotated[int, Field(ge=1)] = 10
    """Servers: how many connections a process has to a URL at most."""

    allow_galera: bool = False
    """MariaDB: whether events may be kept in a Galera cluster.

    Each connection then sets `wsrep_sync_wait = 7`: a statement waits until its node has what the
    others acknowledged. A deletion of events conflicts with what another node appends.
    """

    synchronous: Literal["OFF", "NORMAL", "FULL", "EXTRA"] = "FULL"
    """SQLite's pragma. Below FULL the last commits may be lost when the power fails."""

    busy_timeout: Positive | None = None
    """SQLite: how long to wait for another writer's lock; half of `timeout` unless given."""

    inline_rows: Annotated[int, Field(ge=0, le=2_000)] = 500
    """SQLite: how many rows a read takes at once on the event loop's own thread; 0 for none.

    A hop to a thread costs as much as 30 indexed reads of cached pages, and beside a busy loop a
    thread waits for the interpreter every few rows. So rows are read where they are used; other
    tasks run between two chunks. A read that finds the disk slow goes on in a thread.
    """

    @property
    def lock_timeout(self) -> timedelta:
        """`busy_timeout` or its default."""
        return self.timeout / 2 if self.busy_timeout is None else self.busy_timeout

    @model_validator(mode="after")
    def _lock_before_call(self) -> Self:
        if self.lock_timeout >= self.timeout:
            raise ValueError(
                "busy_timeout must be shorter than timeout, which bounds the whole call"
            )
        return self
