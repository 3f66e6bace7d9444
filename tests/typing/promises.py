"""What type checkers know of the calls of an application; it is read by them and never run.

An `ignore` stands where they have to complain: one that isn't needed is itself told.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from contextlib import aclosing
from datetime import timedelta
from typing import assert_type
from uuid import UUID

from pydantic import BaseModel

from interlock import uuid_of
from interlock.application import (
    Application,
    ApplicationBuilder,
    CacheBackendSource,
    RecordedEvent,
    backend,
)
from interlock.application.aggregates import (
    AggregateCacheBackend,
    AggregateSnapshotStorageBackend,
    AlwaysCache,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
    SnapshotAfterN,
    Trust,
)
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command


class Deposit(Command[int]):
    amount: int


class Close(Command[None]):
    pass


class Deposited(BaseModel):
    amount: int


class Account(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> int:
        self.emit(Deposited(amount=command.amount))
        return self.balance

    @handles_command(once=True)
    async def close(self, command: Close) -> None: ...

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount


async def calls(app: Application, account_id: UUID) -> None:
    """An answer has the command's type, a load the class's, an event that of its class."""
    print(await app.dispatch(Deposit(aggregate_id=account_id, amount=1)))  # noqa: T201 it takes any object
    assert_type(await app.dispatch(Deposit(aggregate_id=account_id, amount=1)), int)
    await app.dispatch(Close(aggregate_id=account_id))
    assert_type(await app.load(Account, account_id), Account)
    async with aclosing(app.load_many(Account, [account_id])) as accounts:
        async for account in accounts:
            assert_type(account, Account)
    async with aclosing(app.events(Account, account_id)) as everything:
        async for recorded in everything:
            assert_type(recorded, RecordedEvent[BaseModel])
    async for recorded in app.events(Account, account_id, of=Deposited):
        assert_type(recorded.event.amount, int)
        assert_type(version_of(recorded), int)


def version_of(recorded: RecordedEvent[BaseModel]) -> int:
    """Takes any event."""
    return recorded.version


def of_any(command: Command[object]) -> UUID:
    """Takes any command."""
    return command.aggregate_id


def declarations(account: Account) -> None:
    """A decorated method keeps its type, and an id of text is a UUID."""
    made = Deposit(aggregate_id=uuid_of("account", "A-1"), amount=1)
    assert_type(account.deposit(made), int)
    assert_type(of_any(made), UUID)
    assert_type(account.id, UUID)


class OwnCache:
    """Derives from nothing, and is made with what `register_dependency` provides."""

    def __init__(self, client: dict[UUID, Aggregate]) -> None:
        self._client = client

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        return self._client.get(aggregate_id)

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        self._client[aggregate.id] = aggregate

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        self._client.pop(aggregate_id, None)


def made() -> AggregateCacheBackend:
    """A factory."""
    return OwnCache({})


def backends(
    given: AggregateSnapshotStorageBackend, given_class: type[AggregateSnapshotStorageBackend]
) -> None:
    """An instance, a class, a factory, a name or a reference, each of the kind that is wanted."""
    builder = ApplicationBuilder().register_event_store(InMemoryEventStore())
    for events in (InMemoryEventStore, "memory-events", backend("sqlalchemy-events", url="...")):
        builder.register_event_store(events)
    caches: list[CacheBackendSource] = [
        OwnCache({}),
        OwnCache,
        made,
        lambda: OwnCache({}),
        "hot",
        backend("memory-cache", size=5),
        InMemoryAggregateCacheBackend,
    ]
    for cache in caches:
        builder.register_aggregate(Account, cache_backend=cache)
    builder.register_aggregate(Account, snapshot_backend=given)
    builder.register_aggregate(Account, snapshot_backend=given_class)
    builder.register_aggregate(Account, snapshot_backend=InMemoryAggregateSnapshotStorageBackend())


def wrong_backends(builder: ApplicationBuilder) -> None:
    """One of another kind, or no backend at all."""
    builder.register_event_store(OwnCache({}))  # type: ignore[arg-type]
    builder.register_event_store(5)  # type: ignore[arg-type]
    builder.register_aggregate(Account, cache_backend=InMemoryEventStore())  # type: ignore[arg-type]
    builder.register_aggregate(Account, cache_backend=InMemoryEventStore)  # type: ignore[arg-type]
    builder.register_aggregate(Account, snapshot_backend=OwnCache)  # type: ignore[arg-type]
    builder.register_aggregate(Account, snapshot_backend=object())  # type: ignore[arg-type]


def settings(builder: ApplicationBuilder) -> None:
    """The fields of `[application]`, each of its type."""
    builder.configure(namespace="bank", epoch=1, close_timeout=timedelta(seconds=5))
    builder.configure(namespce="bank")  # type: ignore[call-arg]
    builder.configure(epoch="1")  # type: ignore[arg-type]
    builder.configure(close_timeout=5)  # type: ignore[arg-type]


def options(builder: ApplicationBuilder) -> None:
    """A strategy of the kind, or its class; the rest as values."""
    builder.register_aggregate(Account, cache_strategy=AlwaysCache, freshness=Trust())
    builder.register_aggregate(Account, snapshot_strategy=SnapshotAfterN(5), replay_limit=7)
    builder.register_aggregate(Account, snapshot_strategy=AlwaysCache())  # type: ignore[arg-type]
    builder.register_aggregate(Account, freshness=Trust)  # type: ignore[arg-type]
    builder.register_aggregate(Account, on_unavailable="explode")  # type: ignore[arg-type]
    builder.register_aggregate(Account, replay_limt=7)  # type: ignore[call-arg]
