"""Writes the statement that creates the table, for people to read or run."""

from interlock_sqlalchemy.dialects import dialect_named
from interlock_sqlalchemy.schema import ddl_of
from interlock_sqlalchemy_events.statements import events_table


def ddl(dialect: str, *, table: str = "interlock_events") -> str:
    """Write `CREATE TABLE` for "sqlite", "postgresql", "mysql" or "mariadb"; needs no driver.

    Raises `ConfigurationError` for another name.
    """
    of = dialect_named(dialect)
    return f"{ddl_of(events_table(table, dialect), of)};\n"
