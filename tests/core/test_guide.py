"""Backends written by hand after the guide, as plain classes: they work, and change no answer."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from guide_world import (
    AddPoints,
    BankAccount,
    DepositMoney,
    LoyaltyCard,
    Pool,
    PostgresSnapshots,
    Redis,
    RedisCache,
    World,
)
from interlock._engine.breaking import without_breaker
from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    InMemoryAggregateSnapshotStorageBackend,
    MaxAge,
    NullAggregateCacheBackend,
    NullAggregateSnapshotStorageBackend,
    Replay,
    SnapshotAfterN,
    Trust,
)
from interlock.domain import Aggregate
from interlock.errors import ConfigurationError


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
    backend: Any = without_breaker(part.context.snapshots)
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
