"""The options of `sqlalchemy-events`."""

from typing import ClassVar

from interlock_sqlalchemy.config import SQLAlchemyConfig, TableName


class SQLAlchemyEventsConfig(SQLAlchemyConfig):
    """The options of `sqlalchemy-events`."""

    distribution: ClassVar[str] = "interlock-sqlalchemy-events"

    table: TableName = "interlock_events"
    """The table, with a schema in front if need be. Stores that share one are configured alike."""

    namespace: str | None = None
    """The application's namespace, which keeps apart what shares a table."""
