"""A tier in the process hears from a real Redis what others have changed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest

from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    InMemoryAggregateCacheBackend,
    InMemoryEventStore,
    TieredAggregateCacheBackend,
)
from interlock_redis_cache.backend import RedisAggregateCacheBackend
from interlock_redis_cache.config import RedisConfig
from redis_rig import Server
from teller import Account, Deposit

_PATIENCE = 30.0  # seconds


class Process:
    """A process with a tier of its own; all share the event store and the Redis."""

    def __init__(self, events: InMemoryEventStore, url: str) -> None:
        self.local = InMemoryAggregateCacheBackend()
        shared = RedisAggregateCacheBackend(RedisConfig(url=url))
        self.app: Application = (
            ApplicationBuilder()
            .register_event_store(events)
            .register_aggregate(
                Account,
                cache_strategy=AlwaysCache,
                cache_backend=TieredAggregateCacheBackend(self.local, shared),
            )
            .build()
        )

    async def deposit(self, account_id: UUID, amount: int) -> None:
        await self.app.dispatch(Deposit(aggregate_id=account_id, amount=amount))

    async def balance(self, account_id: UUID) -> int:
        return (await self.app.load(Account, account_id)).balance


@pytest.fixture
def redis() -> Server:
    return Server()


@pytest.fixture
async def two(redis: Server) -> AsyncIterator[tuple[Process, Process]]:
    events = InMemoryEventStore()
    async with AsyncExitStack() as stack:
        stack.callback(redis.end)
        processes = Process(events, redis.url), Process(events, redis.url)
        for process in processes:
            await stack.enter_async_context(process.app)
        yield processes


async def until(holds: Callable[[], object]) -> None:
    """Wait until the channel has told it."""
    async with asyncio.timeout(_PATIENCE):
        while not holds():  # noqa: ASYNC110 what it waits for comes over the network
            await asyncio.sleep(0.005)


async def test_what_another_process_commits_leaves_the_local_tier(
    two: tuple[Process, Process],
) -> None:
    one, other = two
    account_id = uuid4()
    await one.deposit(account_id, 5)
    assert await one.balance(account_id) == 5
    assert len(one.local.keys()) == 1
    await other.deposit(account_id, 7)
    await until(lambda: not one.local.keys())
    assert await one.balance(account_id) == 12


async def test_a_lost_server_empties_the_local_tier_and_changes_no_answer(
    two: tuple[Process, Process], redis: Server
) -> None:
    one, other = two
    account_id = uuid4()
    await one.deposit(account_id, 5)
    assert len(one.local.keys()) == 1
    redis.kill()
    await until(lambda: not one.local.keys())
    await other.deposit(account_id, 7)
    await one.deposit(account_id, 1)
    assert await one.balance(account_id) == 13
    redis.start()
    await until_told(one, other)


async def until_told(one: Process, other: Process) -> None:
    """The channel works again: what the other commits is told to the first."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            account_id = uuid4()
            await one.deposit(account_id, 1)
            if one.local.keys():
                await other.deposit(account_id, 1)
                await asyncio.sleep(0.05)
                if not one.local.keys():
                    return
                one.local.clear()
            await asyncio.sleep(0.05)
