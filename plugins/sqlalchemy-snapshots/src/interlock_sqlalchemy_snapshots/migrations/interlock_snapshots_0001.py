"""The table of snapshots, as of version 0.1.

The option `interlock_snapshots_table` of Alembic's configuration names it, with a schema in front
if need be; `interlock_snapshots` if it is left out. What stands here isn't changed any more: a
later shape comes as another revision.
"""

import sqlalchemy as sa
from alembic import context, op  # type: ignore[import-not-found,unused-ignore] # who wants it has it
from sqlalchemy.dialects import mysql

revision = "interlock_snapshots_0001"
down_revision = None
branch_labels = ("interlock_snapshots",)
depends_on = None

_MYSQL = ("mysql", "mariadb")


def upgrade() -> None:
    """Create the table."""
    schema, name = _name()
    utf8 = mysql.TEXT(charset="utf8mb4", collation="utf8mb4_bin")
    key_name = sa.Text().with_variant(mysql.VARBINARY(255), *_MYSQL)
    identity = sa.LargeBinary(16).with_variant(mysql.BINARY(16), *_MYSQL)
    label = sa.Text().with_variant(utf8, *_MYSQL)
    content = sa.LargeBinary().with_variant(mysql.LONGBLOB(), *_MYSQL)
    number = sa.BigInteger()
    first = ["aggregate_id", "aggregate_type", "namespace"]
    if op.get_bind().dialect.name == "sqlite":
        first.reverse()
    op.create_table(
        name,
        sa.Column("namespace", key_name, nullable=False),
        sa.Column("aggregate_type", key_name, nullable=False),
        sa.Column("aggregate_id", identity, nullable=False),
        sa.Column("revision", key_name, nullable=False),
        sa.Column("version", number, nullable=False),
        sa.Column("last_event_id", identity, nullable=False),
        sa.Column("last_event_at", number, nullable=False),
        sa.Column("anchor_at", number, nullable=False),
        sa.Column("verified_at", number, nullable=False),
        sa.Column("taken_at", number, nullable=False),
        sa.Column("codec", label, nullable=False),
        sa.Column("checksum", identity, nullable=False),
        sa.Column("payload", content, nullable=False),
        sa.Column("details", content, nullable=False),
        sa.PrimaryKeyConstraint(*first, "revision", "version"),
        schema=schema,
        sqlite_with_rowid=False,
        mysql_engine="InnoDB",
        mysql_row_format="DYNAMIC",
        mariadb_engine="InnoDB",
        mariadb_row_format="DYNAMIC",
    )


def downgrade() -> None:
    """Drop the table, with all that is in it."""
    schema, name = _name()
    op.drop_table(name, schema=schema)


def _name() -> tuple[str | None, str]:
    found = context.config.get_main_option("interlock_snapshots_table") or "interlock_snapshots"
    schema, _, name = found.rpartition(".")
    return schema or None, name
