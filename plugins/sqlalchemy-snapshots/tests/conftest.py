"""Snapshot backends in one place, and records for them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from sqlite3 import Connection
from typing import Any
from uuid import uuid4

import pytest

from interlock.backends import AggregateRecord, RecordKey
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from interlock_sqlalchemy_snapshots.config import SQLAlchemySnapshotsConfig
from sql_fixtures import file, opened, place, portable
from sql_rig import Place

__all__ = ["file", "opened", "place", "portable"]

_START = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.fixture
async def open_backend(
    place: Place,
) -> AsyncIterator[Callable[..., Awaitable[SQLAlchemySnapshotBackend]]]:
    async with AsyncExitStack() as stack:

        async def open_backend(
            clock: Callable[[], datetime] = lambda: _START, **options: Any
        ) -> SQLAlchemySnapshotBackend:
            table = place.table("interlock_snapshots")
            options = {"url": place.url, "table": table, "create_schema": True, **options}
            config = SQLAlchemySnapshotsConfig(**options)
            backend = SQLAlchemySnapshotBackend(config, clock=clock)
            await backend.open()
            stack.push_async_callback(backend.close)
            return backend

        yield open_backend


@pytest.fixture
async def backend(
    opened: list[Connection],
    open_backend: Callable[..., Awaitable[SQLAlchemySnapshotBackend]],
) -> SQLAlchemySnapshotBackend:
    assert opened == []
    return await open_backend()


@pytest.fixture
def record() -> Callable[..., AggregateRecord]:
    def record(
        key: RecordKey, version: int, *, taken: int = 0, payload: bytes = b"{}"
    ) -> AggregateRecord:
        return AggregateRecord(
            namespace=key.namespace,
            epoch=key.epoch,
            aggregate_type=key.aggregate_type,
            aggregate_id=key.aggregate_id,
            revision=key.revision,
            version=version,
            last_event_id=uuid4(),
            last_event_at=_START,
            anchor_at=_START + timedelta(microseconds=1),
            verified_at=_START + timedelta(days=20_000),
            taken_at=_START + timedelta(seconds=taken),
            codec="json",
            payload=payload,
        )

    return record
