"""The columns' types in each database, and the names of tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import Column
from sqlalchemy.types import TypeEngine

from interlock.backends import ConfigurationError

NAME_BYTES = 255
"""How long a name may be in the key of a server's table; a longer one is hashed."""

_MYSQL = ("mysql", "mariadb")

# MySQL compares text by a collation, and pads it with spaces: names in a key are bytes there.
Name = Text().with_variant(mysql.VARBINARY(NAME_BYTES), *_MYSQL)
Id = LargeBinary(16).with_variant(mysql.BINARY(16), *_MYSQL)
Label = Text().with_variant(mysql.TEXT(charset="utf8mb4", collation="utf8mb4_bin"), *_MYSQL)
Content = LargeBinary().with_variant(mysql.LONGBLOB(), *_MYSQL)
Number = BigInteger()


Columns = Mapping[str, TypeEngine[Any]]  # of any values


def table_of(name: str, columns: Columns, key: Sequence[str], dialect: str) -> Table:
    """A table without indexes besides its key; `name` may have a schema in front.

    The key of a server's table begins with the aggregate's id: it is random, so neighbours in time
    don't meet in one page or on one node, and it is what a cluster distributes by. A file's begins
    with what its rows share, so that listing a type reads nothing else; a file has no schemas.
    """
    schema, _, own = name.rpartition(".")
    if dialect != "sqlite":
        first = ["aggregate_id", "aggregate_type", "namespace"]
        key = [*first, *(column for column in key if column not in first)]
    elif schema:
        raise ConfigurationError(
            f"a SQLite file has no schemas: name the table {own!r}, not {name!r}"
        )
    return Table(
        own,
        MetaData(),
        *(Column(column, kind, nullable=False) for column, kind in columns.items()),
        PrimaryKeyConstraint(*key),
        schema=schema or None,
        sqlite_with_rowid=False,
        mysql_engine="InnoDB",
        mysql_row_format="DYNAMIC",
        mariadb_engine="InnoDB",
        mariadb_row_format="DYNAMIC",
    )
