"""The checks that every backend of Interlock passes."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from interlock import backend
from interlock.backends import RecordKey
from interlock_conformance import PackagingConformance, SnapshotConformance

from interlock_sqlite_snapshots.backend import SqliteSnapshotBackend


@pytest.fixture(autouse=True, scope="class")
def _file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    request.cls.file = tmp_path_factory.mktemp("snapshots") / "snapshots.db"


class TestBackend(SnapshotConformance):
    file: Path

    def backend(self) -> object:
        return backend("sqlite-snapshots", file=str(self.file))

    async def tamper(
        self, store: SqliteSnapshotBackend, key: RecordKey, change: Callable[[bytes], bytes]
    ) -> None:
        record = await store.read(key)
        assert record is not None
        values = (change(record.payload), record.version, key.aggregate_id.bytes, key.namespace)
        statement = """
            UPDATE snapshots SET payload = ?
            WHERE version = ? AND aggregate_id = ? AND namespace = ?
        """
        await store._database.write(lambda at: at.execute(statement, values))

    @asynccontextmanager
    async def hold(self, _: object) -> AsyncIterator[None]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield


class TestDistribution(PackagingConformance):
    file: Path
    backend = TestBackend.backend
