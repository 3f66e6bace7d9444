"""Databases with accounts in them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

from pydantic import BaseModel

from account import Account
from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    InMemoryAggregateCacheBackend,
    NeverCache,
    NeverSnapshot,
    SnapshotWhenReplayed,
)
from interlock.backends import EventStore, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from interlock_sqlalchemy_snapshots.config import SQLAlchemySnapshotsConfig

_BATCH = 5_000


class Ours:
    """Event store and snapshots in one database, as a user configures them."""

    def __init__(self, url: str, prefix: str = "") -> None:
        self._url = url
        self._prefix = prefix

    def events(self) -> SQLAlchemyEventStore:
        """A new event store in the database."""
        table = f"{self._prefix}interlock_events"
        return SQLAlchemyEventStore(
            SQLAlchemyEventsConfig(url=self._url, table=table, create_schema=True)
        )

    def application(
        self, *, snapshots: bool = False, takes_snapshots: bool = False, cache: bool = False
    ) -> Application:
        """An application on the database."""
        table = f"{self._prefix}interlock_snapshots"
        snapshot_backend = SQLAlchemySnapshotBackend(
            SQLAlchemySnapshotsConfig(url=self._url, table=table, create_schema=True)
        )
        return (
            ApplicationBuilder()
            .register_event_store(self.events())
            .register_aggregate(
                Account,
                snapshot_strategy=SnapshotWhenReplayed(1) if takes_snapshots else NeverSnapshot(),
                snapshot_backend=snapshot_backend if snapshots or takes_snapshots else None,
                cache_strategy=AlwaysCache if cache else NeverCache,
                cache_backend=InMemoryAggregateCacheBackend if cache else None,
            )
            .build()
        )


@asynccontextmanager
async def opened(store: SQLAlchemyEventStore) -> AsyncIterator[SQLAlchemyEventStore]:
    """The store, open."""
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def append_to(
    store: EventStore,
    account_id: UUID,
    events: Sequence[BaseModel],
    *,
    after: tuple[int, UUID] | None,
) -> tuple[int, UUID]:
    """Append events by the store's own append, some thousand at a time; the new head."""
    now = datetime.now(UTC)
    for start in range(0, len(events), _BATCH):
        version = after[0] if after else 0
        stored = [
            StoredEvent(
                aggregate_type="Account",
                aggregate_id=account_id,
                version=number,
                event_id=uuid4(),
                type=type(event).__name__,
                schema_version=1,
                recorded_at=now,
                metadata=b'{"command_id":"00000000-0000-0000-0000-000000000000"}',
                payload=event.model_dump_json().encode(),
            )
            for number, event in enumerate(events[start : start + _BATCH], version + 1)
        ]
        await store.append(stored, after=after)
        after = (stored[-1].version, stored[-1].event_id)
    if after is None:
        raise ValueError("no events to append")
    return after


async def fill(
    ours: Ours, accounts: Mapping[UUID, Sequence[BaseModel]], *, snapshot_at: int | None = None
) -> list[Account]:
    """Store the accounts, each with a snapshot at a version if one is asked for: these states."""
    heads: dict[UUID, tuple[int, UUID]] = {}
    async with opened(ours.events()) as store:
        for account_id, events in accounts.items():
            heads[account_id] = await append_to(store, account_id, events[:snapshot_at], after=None)
    if snapshot_at is None:
        return []
    async with ours.application(takes_snapshots=True) as app:
        states = [await app.load(Account, account_id) for account_id in accounts]
    async with opened(ours.events()) as store:
        for account_id, events in accounts.items():
            await append_to(store, account_id, events[snapshot_at:], after=heads[account_id])
    return states
