"""The checks that every backend of Interlock passes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from interlock import backend
from interlock.backends import RecordKey
from interlock_conformance import CacheConformance, PackagingConformance

from interlock_lmdb_cache.backend import LmdbCacheBackend
from interlock_lmdb_cache.entries import Entries, Transaction


@pytest.fixture(autouse=True, scope="class")
def _directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    request.cls.directory = tmp_path_factory.mktemp("cache")


class TestBackend(CacheConformance):
    directory: Path

    def backend(self) -> object:
        return backend("lmdb-cache", directory=str(self.directory))

    async def advance(self, store: LmdbCacheBackend, seconds: float) -> None:
        now = store.clock() + seconds
        store.clock = lambda: now

    async def tamper(
        self, store: LmdbCacheBackend, key: RecordKey, change: Callable[[bytes], bytes]
    ) -> None:
        def spoil(entries: Entries, txn: Transaction) -> None:
            name = key.text().encode()
            entry = entries.get(txn, name)
            assert entry is not None
            entries.set(txn, name, entry.ends, change(entry.blob))

        await store._write(spoil)

    @asynccontextmanager
    async def hold(self, store: LmdbCacheBackend) -> AsyncIterator[None]:
        assert store._entries is not None
        loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1)  # it ends what it begins
        txn = await loop.run_in_executor(thread, store._entries.writing)
        yield
        await loop.run_in_executor(thread, txn.abort)
        thread.shutdown()


class TestDistribution(PackagingConformance):
    directory: Path
    backend = TestBackend.backend
