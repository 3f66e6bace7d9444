"""The checks that every backend of Interlock passes."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from interlock import backend
from interlock_conformance import EventStoreConformance, PackagingConformance


@pytest.fixture(autouse=True, scope="class")
def _file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    request.cls.file = tmp_path_factory.mktemp("events") / "events.db"


class TestBackend(EventStoreConformance):
    file: Path

    def backend(self) -> object:
        return backend("sqlite-events", file=str(self.file))

    @asynccontextmanager
    async def hold(self, _: object) -> AsyncIterator[None]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield


class TestDistribution(PackagingConformance):
    file: Path
    backend = TestBackend.backend
