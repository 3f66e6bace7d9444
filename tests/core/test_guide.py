"""Backends written by hand after the guide, as plain classes: they work, and change no answer."""

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AggregateCacheBackend,
    AggregateSnapshotStorageBackend,
    AlwaysCache,
    FastForward,
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
    MaxAge,
    NullAggregateCacheBackend,
    NullAggregateSnapshotStorageBackend,
    Replay,
    SnapshotAfterN,
    Trust,
)
from interlock.domain import Aggregate, Command
from interlock.errors import ConfigurationError
from interlock.routing import applies_event, handles_command

T = TypeVar("T", bound=Aggregate)


class DepositMoney(Command[int]):
    amount: int


class AddPoints(Command[None]):
    points: int


class MoneyDeposited(BaseModel):
    amount: int


class PointsAdded(BaseModel):
    points: int


class BankAccount(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: DepositMoney) -> int:
        if command.amount <= 0:
            raise ValueError("amount must be positive", self.balance)
        self.emit(MoneyDeposited(amount=command.amount))
        return self.balance

    @applies_event
    def apply_deposited(self, event: MoneyDeposited) -> None:
        self.balance += event.amount


class LoyaltyCard(Aggregate):
    points: int = 0

    @handles_command
    def add(self, command: AddPoints) -> None:
        self.emit(PointsAdded(points=command.points))

    @applies_event
    def apply_added(self, event: PointsAdded) -> None:
        self.points += event.points


class Pool:
    """A connection pool over SQLite, in the manner of asyncpg's."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute(
            "create table snapshots (aggregate_id text primary key, aggregate_type text,"
            " version integer, data text)"
        )

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Pool"]:
        yield self

    async def execute(self, statement: str, *values: Any) -> None:
        self._run(statement, values)

    async def fetchrow(self, statement: str, *values: Any) -> Any:
        return self._run(statement, values).fetchone()

    def _run(self, statement: str, values: Sequence[Any]) -> sqlite3.Cursor:
        """For SQLite `$1` is a parameter whose name is "1"."""
        named = {str(number): value for number, value in enumerate(values, 1)}
        return self._connection.execute(statement, named)

    def close(self) -> None:
        self._connection.close()

    def rows(self) -> int:
        return int(self._connection.execute("select count(*) from snapshots").fetchone()[0])

    def rewrite(self, change: Any) -> None:
        """Replace each stored JSON by what the function makes of it."""
        for key, data in self._connection.execute(
            "select aggregate_id, data from snapshots"
        ).fetchall():
            self._connection.execute(
                "update snapshots set data = ?, version = ? where aggregate_id = ?",
                (change(data), json.loads(change(data))["version"], key),
            )


class PostgresSnapshots(AggregateSnapshotStorageBackend):
    """One row for an aggregate, in the place of the last."""

    def __init__(self, connection_pool: Any, aggregate_type: type[Aggregate]) -> None:
        self.pool = connection_pool
        self.aggregate_type = aggregate_type

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        async with self.pool.acquire() as connection:
            await connection.execute(
                "insert into snapshots values ($1, $2, $3, $4) on conflict (aggregate_id)"
                " do update set version = $3, data = $4",
                str(aggregate.id),
                type(aggregate).__name__,
                aggregate.version,
                aggregate.model_dump_json(),
            )

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(
                "select data, version from snapshots where aggregate_id = $1", str(aggregate_id)
            )
            if row and (intended_version is None or row["version"] <= intended_version):
                return self.aggregate_type.model_validate_json(row["data"])
            return None


class Redis:
    """Three commands of a Redis client."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.entries.get(key)

    async def set(self, key: str, value: str, *, ex: int) -> None:
        self.entries[key] = value

    async def delete(self, key: str) -> None:
        self.entries.pop(key, None)


class RedisCache(AggregateCacheBackend):
    """Validates with the base class, and has the id alone for a key."""

    def __init__(self, redis_client: Any) -> None:
        self.redis = redis_client
        self.ttl = 3600

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        data = await self.redis.get(f"agg:{aggregate_id}")
        return Aggregate.model_validate_json(data) if data else None

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        await self.redis.set(f"agg:{aggregate.id}", aggregate.model_dump_json(), ex=self.ttl)

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        await self.redis.delete(f"agg:{aggregate_id}")


class World:
    """An application on hand-written backends, and a second process on the same stores."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.redis, self.events = pool, Redis(), InMemoryEventStore()

    def app(self, redis: Redis | None = None) -> Application:
        builder = (
            ApplicationBuilder()
            .register_event_store(self.events)
            .register_dependency("connection_pool", self.pool)
            .register_dependency("redis_client", redis or self.redis)
        )
        for aggregate in (BankAccount, LoyaltyCard):
            builder.register_aggregate(
                aggregate,
                snapshot_strategy=SnapshotAfterN(10),
                snapshot_backend=PostgresSnapshots,
                cache_strategy=AlwaysCache,
                cache_backend=RedisCache,
            )
        return builder.build()


@pytest.fixture
def pool() -> Iterator[Pool]:
    with closing(Pool()) as pool:
        yield pool


@pytest.fixture
def world(pool: Pool) -> World:
    return World(pool)


async def deposit(app: Application, aggregate_id: UUID, *amounts: int) -> None:
    for amount in amounts:
        await app.dispatch(DepositMoney(aggregate_id=aggregate_id, amount=amount))


async def test_hand_written_backends_are_used_and_return_the_right_type(world: World) -> None:
    account_id = uuid4()
    async with world.app() as app:
        await deposit(app, account_id, *range(1, 26))
        assert world.pool.rows() == 1
        assert list(world.redis.entries) == [f"agg:{account_id}"]
        cached = await app.load(BankAccount, account_id)
        from_snapshot = await app.load(BankAccount, account_id, version=25)
        plain = await app.load(BankAccount, account_id, freshness=Replay())
    assert type(cached) is type(from_snapshot) is BankAccount
    assert cached == from_snapshot == plain
    assert plain.balance == 325


async def test_two_types_under_one_id_do_not_mix(world: World) -> None:
    shared_id = uuid4()
    async with world.app() as app:
        for _ in range(12):
            await deposit(app, shared_id, 1)
            await app.dispatch(AddPoints(aggregate_id=shared_id, points=3))
        account = await app.load(BankAccount, shared_id)
        card = await app.load(LoyaltyCard, shared_id)
    assert (account.balance, card.points) == (12, 36)


async def test_a_stale_entry_decides_nothing(world: World) -> None:
    account_id = uuid4()
    async with world.app() as app, world.app(redis=Redis()) as other:
        await deposit(app, account_id, 1)
        await deposit(other, account_id, 2, 3)
        with pytest.raises(ValueError, match="positive") as caught:
            await deposit(app, account_id, 0)
        assert caught.value.args == ("amount must be positive", 6)
        command = DepositMoney(aggregate_id=account_id, amount=4)
        assert await app.dispatch(command) == 10


async def test_a_snapshot_ahead_of_a_restored_stream_changes_nothing(world: World) -> None:
    account_id = uuid4()
    async with world.app(redis=Redis()) as app:
        await deposit(app, account_id, *[1] * 20)
    del world.events._streams["BankAccount", account_id][5:]
    async with world.app(redis=Redis()) as app:
        assert (await app.load(BankAccount, account_id)).balance == 5
        await deposit(app, account_id, 10)
        assert (await app.load(BankAccount, account_id, freshness=FastForward())).balance == 15


async def test_a_tampered_row_changes_nothing(world: World) -> None:
    account_id = uuid4()
    async with world.app(redis=Redis()) as app:
        await deposit(app, account_id, *[1] * 20)
    world.pool.rewrite(lambda data: data.replace('"balance":20', '"balance":21'))
    async with world.app(redis=Redis()) as app:
        assert (await app.load(BankAccount, account_id)).balance == 20
        assert app.counters()["snapshot.unusable"] == 1


async def test_max_age_on_a_plain_cache_reads_the_tail(world: World) -> None:
    account_id = uuid4()
    async with world.app() as app, world.app(redis=Redis()) as other:
        await deposit(app, account_id, 1)
        await deposit(other, account_id, 2)
        aged = await app.load(BankAccount, account_id, freshness=MaxAge(timedelta(days=1)))
        assert aged.balance == 3


def test_a_parameter_that_cannot_be_filled_is_named() -> None:
    builder = ApplicationBuilder().register_aggregate(
        BankAccount, snapshot_backend=PostgresSnapshots, snapshot_strategy=SnapshotAfterN(5)
    )
    with pytest.raises(ConfigurationError, match=r"PostgresSnapshots needs 'connection_pool'"):
        builder.build()


def test_dependencies_are_filled_by_type_too(pool: Pool) -> None:
    class Typed(PostgresSnapshots):
        def __init__(self, pool: Pool, aggregate_type: type[Aggregate]) -> None:
            super().__init__(pool, aggregate_type)

    builder = ApplicationBuilder().register_dependency(Pool, pool)
    builder.register_aggregate(BankAccount, snapshot_backend=Typed)
    (part,) = builder.build()._services.values()
    assert part.context.snapshots is not None
    backend: Any = part.context.snapshots.store
    assert backend._backend.pool is pool
    assert backend._backend.aggregate_type is BankAccount


def test_a_constructor_that_raises_is_told_with_its_cause() -> None:
    class Failing(RedisCache):
        def __init__(self) -> None:
            raise OSError("no server")

    builder = ApplicationBuilder().register_aggregate(
        BankAccount, cache_backend=Failing, cache_strategy=AlwaysCache
    )
    with pytest.raises(ConfigurationError, match=r"Failing could not be made.*no server"):
        builder.build()


async def test_the_defaults_keep_nothing() -> None:
    app = ApplicationBuilder().register_aggregate(BankAccount).build()
    (part,) = app._services.values()
    assert (part.context.cache, part.context.snapshots) == (None, None)
    assert part.context.registration.freshness == Trust()
    async with app:
        account_id = uuid4()
        await deposit(app, account_id, 5)
        assert (await app.load(BankAccount, account_id)).balance == 5
        assert not await app.exists(BankAccount, uuid4())
        assert (await app.load(BankAccount, uuid4())).version == 0


@pytest.mark.parametrize("is_class", [True, False])
async def test_backends_are_given_as_classes_instances_or_factories(*, is_class: bool) -> None:
    def factory() -> NullAggregateCacheBackend:
        return NullAggregateCacheBackend()

    app = (
        ApplicationBuilder()
        .register_aggregate(
            BankAccount,
            snapshot_strategy=SnapshotAfterN(2),
            snapshot_backend=(
                InMemoryAggregateSnapshotStorageBackend
                if is_class
                else InMemoryAggregateSnapshotStorageBackend()
            ),
            cache_strategy=AlwaysCache if is_class else AlwaysCache(),
            cache_backend=factory,
        )
        .register_aggregate(LoyaltyCard, snapshot_backend=NullAggregateSnapshotStorageBackend)
        .build()
    )
    async with app:
        account_id = uuid4()
        await deposit(app, account_id, 1, 2)
        assert app.counters() == {"snapshot.taken": 1}
