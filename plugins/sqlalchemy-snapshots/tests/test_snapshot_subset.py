"""Whatever the backend says to a server, the clusters that speak its language document."""

import pytest

from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from interlock_sqlalchemy_snapshots.config import SQLAlchemySnapshotsConfig
from interlock_sqlalchemy_snapshots.ddl import ddl

pytest.importorskip("sqlglot", reason="needs sqlglot: it isn't installed")

from sql_subset import Portable, beyond

URLS = ["postgresql+asyncpg://a/b", "postgresql+psycopg://a/b", "mysql+asyncmy://a/b"]


@pytest.mark.parametrize("url", URLS)
def test_every_statement_stays_in_the_subset(url: str) -> None:
    backend = SQLAlchemySnapshotBackend(SQLAlchemySnapshotsConfig(url=url))
    assert isinstance(backend._statements.read, Portable)  # as all, when they are compiled


@pytest.mark.parametrize(("name", "dialect"), [("postgresql", "postgres"), ("mysql", "mysql")])
def test_the_table_stays_in_the_subset(name: str, dialect: str) -> None:
    assert beyond(ddl(name), dialect) == ()
