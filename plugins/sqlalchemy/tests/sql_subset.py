"""The SQL that the plugins keep to, and what holds a text against it.

All of it is documented by CockroachDB, YugabyteDB and Citus where they speak PostgreSQL, and by
TiDB and Vitess where they speak MySQL; docs/explanation/databases.md says where, and what to know.
What isn't listed isn't used: no locks but those that writing takes, no sequences, no triggers, no
procedures, no window functions, no outer joins, no transaction over two aggregates.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp

from interlock_sqlalchemy.database import Statement

KEY = "aggregate_id"
"""What a cluster distributes the rows by."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A row of the page's table: how sqlglot calls what it consists of, and its options."""

    name: str
    parts: str


FEATURES = (
    Feature(
        "`SELECT` by the key",
        "Select Column Identifier Alias TableAlias From Table Where And Or Paren EQ GT GTE LT LTE"
        " Parameter Placeholder Literal Cast DataType DataType.nested=True",
    ),
    Feature(
        "`ORDER BY` and `LIMIT`",
        "Order Ordered Ordered.desc=True Ordered.nulls_first=True Limit",
    ),
    Feature("`CASE` and `octet_length`", "Case If Add octet_length() ByteLength"),
    Feature("`SELECT DISTINCT`", "Distinct"),
    Feature("`GROUP BY` and `max`", "Group Max"),
    Feature("`IN` a list", "In"),
    Feature("`unnest` of arrays, joined", "Unnest Join"),
    Feature("`INSERT ... SELECT ... WHERE`", "Insert Schema Subquery Exists Not Star"),
    Feature("`FOR UPDATE` in its subquery", "FOR_UPDATE"),
    Feature("`UNION ALL` and `coalesce`", "Union Coalesce Null"),
    Feature("`INSERT ... VALUES`", "Values Tuple"),
    Feature(
        "`ON CONFLICT DO UPDATE`, `ON DUPLICATE KEY UPDATE`",
        "OnConflict OnConflict.duplicate=True Var VALUES()",
    ),
    Feature("`DELETE` by the key", "Delete"),
    Feature("`version()`", "CurrentVersion"),
    Feature(
        "`CREATE TABLE` with a primary key",
        "Create Create.kind=TABLE ColumnDef ColumnConstraint NotNullColumnConstraint PrimaryKey"
        " IndexParameters DataTypeParam CharacterSetColumnConstraint CollateColumnConstraint"
        " Properties EngineProperty RowFormatProperty",
    ),
    Feature(
        "types",
        "ARRAY BIGINT BINARY INT LONGBLOB TEXT VARBINARY VARCHAR",  # VARBINARY is BYTEA, too
    ),
)

SESSION = {
    "postgres": "set_config() pg_is_in_recovery() current_setting() Boolean Case If",
    "mysql": "Set SetItem SetItem.kind=SESSION SetItem.kind=TRANSACTION Show",
}
"""What a new connection says and asks besides."""

_CONTENT = ("this", "is_string")
_LISTED = frozenset(part for feature in FEATURES for part in feature.parts.split())


class Portable(Statement):
    """A statement that is held against the list when it is compiled.

    Each test has a schema of its own (`sql_rig.made`); the same statement about another one isn't
    parsed again.
    """

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type] # as they came
        dialect = "mysql" if arguments[1].name in ("mysql", "mariadb") else "postgres"  # type: ignore[attr-defined] # SQLAlchemy's dialect
        found = beyond(re.sub(r"\bt_[0-9a-f]{32}\b", "t", self.text), dialect)
        assert not found, f"{found} in {self.text}"


@cache
def beyond(text: str, dialect: str, *, is_session: bool = False) -> tuple[str, ...]:
    """What of a statement isn't in the list, sqlglot's "postgres" or "mysql" being its dialect."""
    tree = sqlglot.parse_one(text.replace("%s", "$1" if dialect == "postgres" else "?"), dialect)
    listed = _LISTED | frozenset(SESSION[dialect].split()) if is_session else _LISTED
    found = {part for node in tree.walk() for part in _parts(node) if part not in listed}
    if not is_session:
        found |= {f"no {KEY}" for node in tree.walk() if not _names_key(node)}
    return tuple(sorted(found))


def _parts(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Anonymous):
        yield f"{node.name}()"
        return
    if isinstance(node, exp.Lock):
        yield node.sql("postgres").replace(" ", "_")
        return
    yield type(node).__name__
    for name, value in node.args.items():
        if isinstance(value, exp.DType):
            yield value.value
        elif value and name not in _CONTENT and not isinstance(value, (exp.Expr, list)):
            yield f"{type(node).__name__}.{name}={value}"


def _names_key(node: exp.Expr) -> bool:
    """Whether a part of a statement that touches a table says which aggregates it is about."""
    if isinstance(node, exp.Insert):
        return KEY in [column.name for column in node.this.expressions]
    if isinstance(node, exp.PrimaryKey):
        return bool(node.expressions[0].name == KEY)
    if not isinstance(node, (exp.Select, exp.Delete)):
        return True
    tables = [table for table in node.find_all(exp.Table) if _is_of(table, node)]
    group = node.args.get("group")
    if group is not None and [column.name for column in group.expressions] == ["aggregate_type"]:
        return True  # an overview of the whole table, which nobody waits for but an operator
    return not tables or any(
        column.name == KEY
        and isinstance(column.parent, (exp.EQ, exp.GT, exp.In))
        and _is_of(column, node)
        for column in node.find_all(exp.Column)
    )


def _is_of(part: exp.Expr, node: exp.Expr) -> bool:
    return part.find_ancestor(exp.Select, exp.Delete) is node
