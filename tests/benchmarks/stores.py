"""Files with the same accounts in them: ours, and the floor's."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from pydantic import BaseModel

from account import Account
from floor import Floor
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
    """Event store and snapshots on one SQLite file, as a user configures them."""

    def __init__(self, folder: Path) -> None:
        self._url = f"sqlite:///{folder / 'interlock.db'}"

    def events(self) -> SQLAlchemyEventStore:
        """A new event store on the file."""
        return SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=self._url, create_schema=True))

    def application(
        self, *, snapshots: bool = False, takes_snapshots: bool = False, cache: bool = False
    ) -> Application:
        """An application on the file."""
        snapshot_backend = SQLAlchemySnapshotBackend(
            SQLAlchemySnapshotsConfig(url=self._url, create_schema=True)
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
    ours: Ours, floor: Floor, accounts: dict[UUID, list[BaseModel]], *, snapshot_at: int | None
) -> None:
    """Store the same accounts in both, each with a snapshot at a version if one is asked for."""
    heads: dict[UUID, tuple[int, UUID]] = {}
    async with opened(ours.events()) as store:
        for account_id, events in accounts.items():
            before = events[:snapshot_at] if snapshot_at else events
            heads[account_id] = await append_to(store, account_id, before, after=None)
    if snapshot_at:
        async with ours.application(takes_snapshots=True) as app:
            for account_id in accounts:
                floor.snapshot(await app.load(Account, account_id))
        async with opened(ours.events()) as store:
            for account_id, events in accounts.items():
                await append_to(store, account_id, events[snapshot_at:], after=heads[account_id])
    for account_id, events in accounts.items():
        floor.append(account_id, events)
