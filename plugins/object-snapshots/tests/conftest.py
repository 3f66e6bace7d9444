"""Backends in a folder, and records for them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from interlock.backends import AggregateRecord, RecordKey
from interlock_object_snapshots.backend import ObjectSnapshotBackend
from interlock_object_snapshots.config import ObjectSnapshotsConfig

START = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def open_backend(
    tmp_path: Path,
) -> AsyncIterator[Callable[..., Awaitable[ObjectSnapshotBackend]]]:
    async with AsyncExitStack() as stack:

        async def open_backend(
            clock: Callable[[], datetime] = lambda: START, **options: Any
        ) -> ObjectSnapshotBackend:
            config = ObjectSnapshotsConfig(url=tmp_path.as_uri(), timeout="60s", **options)
            backend = ObjectSnapshotBackend(config, clock=clock)
            await backend.open()
            stack.push_async_callback(backend.close)
            return backend

        yield open_backend


@pytest.fixture
def key() -> RecordKey:
    return RecordKey("shop", 0, "Order", UUID(int=1), "r1")


@pytest.fixture
def record() -> Callable[..., AggregateRecord]:
    def record(
        key: RecordKey, version: int, *, event: int = 1, taken: int = 1, size: int = 2
    ) -> AggregateRecord:
        return AggregateRecord(
            namespace=key.namespace,
            epoch=key.epoch,
            aggregate_type=key.aggregate_type,
            aggregate_id=key.aggregate_id,
            revision=key.revision,
            version=version,
            last_event_id=UUID(int=event),
            last_event_at=START,
            anchor_at=START,
            verified_at=START,
            taken_at=START + timedelta(seconds=taken),
            codec="json",
            payload=b"x" * size,
        )

    return record
