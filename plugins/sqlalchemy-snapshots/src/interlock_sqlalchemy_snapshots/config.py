"""The options of `sqlalchemy-snapshots`."""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from interlock_sqlalchemy.config import Positive, SQLAlchemyConfig, TableName


class SQLAlchemySnapshotsConfig(SQLAlchemyConfig):
    """The options of `sqlalchemy-snapshots`."""

    distribution: ClassVar[str] = "interlock-sqlalchemy-snapshots"

    table: TableName = "interlock_snapshots"
    """The table, with a schema in front if need be. Stores that share one are configured alike."""

    timeout: Positive = timedelta(seconds=5)
    """How long a call may take."""

    keep: Annotated[int, Field(ge=1)] = 1
    """How many snapshots of a revision to keep of each aggregate, the newest."""

    keep_revisions: Annotated[int, Field(ge=1)] = 2
    """How many revisions to keep snapshots of, of each aggregate, the most recently taken."""

    keep_for: Positive | None = None
    """How long to keep a snapshot after it was taken, unless it is an aggregate's newest."""
