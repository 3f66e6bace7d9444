"""Backends on one directory, records for them, and a clock that diskcache reads."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import diskcache  # type: ignore[import-untyped] # it ships no types
import pytest

from interlock.backends import AggregateRecord, RecordKey
from interlock_diskcache_cache.backend import DiskCacheAggregateCacheBackend
from interlock_diskcache_cache.config import DiskCacheConfig

_START = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


def pytest_report_header() -> str:
    return f"diskcache {diskcache.__version__}, SQLite {sqlite3.sqlite_version}"


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("diskcache.core.time", clock)
    return clock


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def execute(directory: Path) -> Callable[..., list[tuple[Any, ...]]]:
    """Run a statement on the database as another program would."""

    def execute(statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(directory / "cache.db", isolation_level=None)) as other:
            return other.execute(statement, values).fetchall()

    return execute


@pytest.fixture
async def open_backend(
    directory: Path,
) -> AsyncIterator[Callable[..., Awaitable[DiskCacheAggregateCacheBackend]]]:
    async with AsyncExitStack() as stack:

        async def open_backend(**options: Any) -> DiskCacheAggregateCacheBackend:
            config = DiskCacheConfig(**{"directory": directory, "timeout": "60s", **options})
            backend = DiskCacheAggregateCacheBackend(config)
            stack.push_async_callback(backend.close)
            await backend.open()
            return backend

        yield open_backend


@pytest.fixture
async def backend(
    open_backend: Callable[..., Awaitable[DiskCacheAggregateCacheBackend]],
) -> DiskCacheAggregateCacheBackend:
    return await open_backend()


@pytest.fixture
def record() -> Callable[..., AggregateRecord]:
    def record(
        key: RecordKey, version: int, *, event: int = 0, verified: int = 0, payload: bytes = b"{}"
    ) -> AggregateRecord:
        return AggregateRecord(
            namespace=key.namespace,
            epoch=key.epoch,
            aggregate_type=key.aggregate_type,
            aggregate_id=key.aggregate_id,
            revision=key.revision,
            version=version,
            last_event_id=UUID(int=event),
            last_event_at=_START,
            anchor_at=_START,
            verified_at=_START + timedelta(seconds=verified),
            taken_at=_START,
            codec="json",
            payload=payload,
        )

    return record
