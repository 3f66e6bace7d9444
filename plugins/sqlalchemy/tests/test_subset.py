"""What holds the SQL against the subset tells what is in it from what isn't."""

import re
from pathlib import Path

import pytest
from sqlalchemy import make_url

from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.dialects import PostgreSQL, mysql

pytest.importorskip("sqlglot", reason="needs sqlglot: it isn't installed")

import sql_subset

PAGE = Path(__file__).parents[3] / "docs/explanation/databases.md"
KEYED = "FROM t WHERE aggregate_id = 'a'"


@pytest.mark.parametrize("dialect", ["postgres", "mysql"])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"SELECT pg_advisory_lock(1) {KEYED}", "pg_advisory_lock()"),
        (f"SELECT get_lock('a', 1) {KEYED}", "get_lock()"),
        (f"SELECT nextval('s') {KEYED}", "nextval()"),
        (f"SELECT count(*) {KEYED}", "Count"),
        (f"SELECT row_number() OVER (ORDER BY v) {KEYED}", "Window"),
        (f"SELECT v {KEYED} FOR UPDATE SKIP LOCKED", "FOR_UPDATE_SKIP_LOCKED"),
        (f"SELECT v {KEYED} FOR SHARE", "FOR_SHARE"),
        (f"SELECT v {KEYED} LIMIT 1 OFFSET 5", "Offset"),
        (f"SELECT v {KEYED} UNION SELECT v {KEYED}", "Union.distinct=True"),
        (f"WITH w AS (SELECT v {KEYED}) SELECT v {KEYED}", "CTE"),
        ("SELECT t.v FROM t LEFT JOIN u ON t.aggregate_id = u.v", "Join.side=LEFT"),
        ("SELECT v FROM t WHERE namespace = 'n'", "no aggregate_id"),
        ("DELETE FROM t WHERE aggregate_id = (SELECT max(v) FROM u)", "no aggregate_id"),
        ("DELETE FROM t WHERE v < 5", "no aggregate_id"),
        (f"DELETE {KEYED} RETURNING v", "Returning"),
        ("UPDATE t SET v = 1 WHERE aggregate_id = 'a'", "Update"),
        ("INSERT INTO t (v) VALUES (1)", "no aggregate_id"),
        ("CREATE TABLE t (aggregate_id SERIAL, PRIMARY KEY (aggregate_id))", "SERIAL"),
        ("CREATE TABLE t (v BIGINT AUTO_INCREMENT)", "AutoIncrementColumnConstraint"),
        ("CREATE TABLE t (v BIGINT NOT NULL, PRIMARY KEY (v))", "no aggregate_id"),
        ("CREATE INDEX i ON t (aggregate_id)", "Index"),
        ("CREATE SEQUENCE s", "Create.kind=SEQUENCE"),
        ("CALL p()", "Command"),
        ("LOCK TABLES t WRITE", "Command"),
    ],
)
def test_what_a_statement_has_beyond_the_subset_is_told(
    text: str, dialect: str, found: str
) -> None:
    assert found in sql_subset.beyond(text, dialect)


def test_what_only_mysql_has_is_told() -> None:
    ignoring = "INSERT IGNORE INTO t (aggregate_id) VALUES ('a')"
    assert sql_subset.beyond(ignoring, "mysql") == ("Insert.ignore=True",)
    assert "Command" in sql_subset.beyond("REPLACE INTO t (aggregate_id) VALUES ('a')", "mysql")


def test_what_is_in_the_subset_is_let_through() -> None:
    assert sql_subset.beyond(f"SELECT v {KEYED} AND v > %s ORDER BY v LIMIT %s", "mysql") == ()


def test_what_a_new_connection_says_stays_in_the_subset() -> None:
    options = SQLAlchemyConfig(url="postgresql://a/b", table="t")
    begin = PostgreSQL(make_url(options.url), options)._begin
    assert sql_subset.beyond(begin, "postgres", is_session=True) == ()
    limits = {"innodb_lock_wait_timeout": "1", "max_execution_time": "1000"}
    shown = mysql._show([*mysql._PINNED, *mysql._SERVER_VARIABLES])
    for text in (mysql._set(mysql._PINNED), mysql._set(limits), mysql._ISOLATION, shown):
        assert sql_subset.beyond(text, "mysql", is_session=True) == ()


def test_the_page_says_of_each_feature_who_documents_it() -> None:
    rows = re.findall(r"^\| (.+?) \|", PAGE.read_text(), re.MULTILINE)
    assert [name for name in rows if name in {f.name for f in sql_subset.FEATURES}] == [
        feature.name for feature in sql_subset.FEATURES
    ]
