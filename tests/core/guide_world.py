"""The backends that a user writes by hand, and the world that they are used in."""

import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel

from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AggregateCacheBackend,
    AggregateSnapshotStorageBackend,
    AlwaysCache,
    InMemoryEventStore,
    SnapshotAfterN,
)
from interlock.domain import Aggregate, Command
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
