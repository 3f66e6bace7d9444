import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from diskcache import Cache  # type: ignore[import-untyped] # it ships no types

from interlock.application import backend
from interlock.backends import RecordKey
from interlock_conformance.cases import CacheConformance, PackagingConformance


@pytest.fixture(autouse=True, scope="class")
def _directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    request.cls.directory = tmp_path_factory.mktemp("parent") / "cache"


class TestDiskCache(CacheConformance):
    directory: Path

    def backend(self) -> object:
        return backend("diskcache-cache", directory=str(self.directory))

    async def tamper(self, store: Any, key: RecordKey, change: Callable[[bytes], bytes]) -> None:
        def spoil(cache: Cache) -> None:
            cache.set(key.text(), change(cache.get(key.text())))

        await store._client.write(spoil)

    async def advance(self, store: Any, seconds: float) -> None:
        def age(cache: Cache) -> None:
            cache._sql("UPDATE Cache SET expire_time = expire_time - ?", (seconds,))

        await store._client.write(age)

    @asynccontextmanager
    async def hold(self, _: object) -> AsyncIterator[None]:
        with closing(sqlite3.connect(self.directory / "cache.db", isolation_level=None)) as other:
            other.execute("begin immediate")
            yield

    @asynccontextmanager
    async def break_(self, _: object) -> AsyncIterator[None]:
        moved = self.directory.with_name("moved")
        self.directory.rename(moved)
        self.directory.mkdir()
        (self.directory / "cache.db").write_bytes(b"no database " * 1_000)
        yield
        shutil.rmtree(self.directory)
        moved.rename(self.directory)


class TestDistribution(PackagingConformance):
    directory: Path
    backend = TestDiskCache.backend
