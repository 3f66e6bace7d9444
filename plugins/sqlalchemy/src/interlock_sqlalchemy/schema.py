"""The table on start: created if asked, checked, never altered."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Dialect, Table, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import NullType, TypeEngine

from interlock.backends import ConfigurationError


def ddl_of(table: Table, dialect: Dialect) -> str:
    """Write the statement that creates the table."""
    return str(CreateTable(table).compile(dialect=dialect)).strip()


def missing_table_error(table: Table, where: str, ddl: str) -> ConfigurationError:
    """Make the error to raise where the table or the whole database is missing."""
    return ConfigurationError(
        f"there is no table {table.fullname!r} in {where}; set create_schema = true, or run:\n{ddl}"
    )


def ensure_table(
    connection: Connection,
    table: Table,
    where: str,
    *,
    create: bool,
    is_outage: Callable[[BaseException], bool],
) -> None:
    """Create the table if `create` asks for it, and check its shape.

    Raises `ConfigurationError` if it is missing or of another shape, and the driver's error where
    that `is_outage`: another time it may be made.
    """
    if not _exists(connection, table):
        ddl = ddl_of(table, connection.dialect)
        if not create:
            raise missing_table_error(table, where, ddl)
        _create(connection, table, where, ddl, is_outage)
    differences = list(_differences(connection, table))
    if differences:
        raise ConfigurationError(
            f"the table {table.fullname!r} in {where} has another shape: {'; '.join(differences)}; "
            "move it out of the way, or name another one (table = ...)"
        )


def _exists(connection: Connection, table: Table) -> bool:
    inspector = inspect(connection)
    is_table = inspector.has_table(table.name, schema=table.schema)
    return is_table or table.name in inspector.get_view_names(schema=table.schema)


def _create(
    connection: Connection,
    table: Table,
    where: str,
    ddl: str,
    is_outage: Callable[[BaseException], bool],
) -> None:
    try:
        connection.execute(CreateTable(table, if_not_exists=True))
    except DBAPIError as error:
        if is_outage(error):
            raise
        # PostgreSQL lets two that create a table at once collide, IF NOT EXISTS or not.
        if not _exists(connection, table):
            raise ConfigurationError(
                f"can't create the table {table.fullname!r} in {where}: {error.orig}; let somebody "
                f"who may create it run:\n{ddl}"
            ) from error


def _differences(connection: Connection, table: Table) -> list[str]:
    inspector = inspect(connection)
    dialect = connection.dialect
    wanted = {c.name: _shape(c.type, dialect, nullable=bool(c.nullable)) for c in table.columns}
    found = {
        c["name"]: _shape(c["type"], dialect, nullable=c["nullable"])
        for c in inspector.get_columns(table.name, schema=table.schema)
    }
    differences = [f"column {name} is missing" for name in wanted if name not in found]
    differences += [f"column {name} is unknown" for name in found if name not in wanted]
    differences += [
        f"column {name} is {found[name]}, wanted {wanted[name]}"
        for name in wanted
        if name in found and found[name] != wanted[name]
    ]
    wanted_key = [c.name for c in table.primary_key.columns]
    found_key = inspector.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
    if found_key != wanted_key:
        differences.append(f"its primary key is {found_key}, wanted {wanted_key}")
    return differences


def _shape(of: TypeEngine[Any], dialect: Dialect, *, nullable: bool) -> str:  # of any values
    # SQLite knows columns without a type.
    name = "of no type" if isinstance(of, NullType) else of.compile(dialect)
    # MySQL tells of a column's number of digits, which means nothing.
    name = name.partition("(20)")[0] if name.startswith("BIGINT") else name
    return name if nullable else f"{name} NOT NULL"
