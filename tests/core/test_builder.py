"""What the builder accepts, what it wires, and what it refuses before anything is opened."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from interlock.application import ApplicationBuilder, backend
from interlock.application.aggregates import (
    AggregateCacheBackend,
    AggregateSnapshotStorageBackend,
    AlwaysCache,
    FastForward,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    NeverCache,
    SnapshotAfterN,
)
from interlock.domain import Aggregate
from interlock.errors import ConfigurationError
from rig import Rig
from rig_domain import ID, Account, Deposit
from rig_stores import Events, Sharing, Snapshots


class Pool:
    """A connection pool."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[int, str]] = {}


class PooledSnapshots(AggregateSnapshotStorageBackend):
    """As one writes it by hand."""

    def __init__(self, connection_pool: Any, aggregate_type: type[Aggregate]) -> None:
        self.pool = connection_pool
        self.aggregate_type = aggregate_type

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        self.pool.rows[str(aggregate.id)] = (aggregate.version, aggregate.model_dump_json())

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        row = self.pool.rows.get(str(aggregate_id))
        if row and (intended_version is None or row[0] <= intended_version):
            return self.aggregate_type.model_validate_json(row[1])
        return None


class ClientCache(AggregateCacheBackend):
    """As one writes it by hand; validates with the base class."""

    def __init__(self, redis_client: dict[str, str]) -> None:
        self.redis = redis_client

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        data = self.redis.get(f"agg:{aggregate_id}")
        return Aggregate.model_validate_json(data) if data else None

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        self.redis[f"agg:{aggregate.id}"] = aggregate.model_dump_json()

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        self.redis.pop(f"agg:{aggregate_id}", None)


class Typed(ClientCache):
    """Asks by annotated type."""

    def __init__(self, store: Pool) -> None:
        super().__init__({})
        self.store = store


def _built(**registration: Any) -> Any:
    return ApplicationBuilder().register_aggregate(Account, **registration).build()


class TestSources:
    """Where a backend may come from."""

    @pytest.mark.parametrize(
        "source",
        [
            InMemoryAggregateCacheBackend,
            InMemoryAggregateCacheBackend(),
            lambda: InMemoryAggregateCacheBackend(size=5),
            "memory-cache",
            backend("memory-cache", size=5),
        ],
        ids=["class", "instance", "factory", "name", "reference"],
    )
    async def test_a_cache_comes_from(self, source: Any) -> None:
        async with _built(cache_strategy=AlwaysCache, cache_backend=source) as app:
            await app.dispatch(Deposit(aggregate_id=ID))
            assert not (await app.load(Account, ID)).uncommitted_events
            assert app._services[Account].context.cache.is_local

    async def test_strategies_come_as_classes_or_instances(self) -> None:
        for strategy in (AlwaysCache, AlwaysCache()):
            async with _built(cache_strategy=strategy, cache_backend="memory-cache") as app:
                await app.dispatch(Deposit(aggregate_id=ID))
                assert (await app.load(Account, ID)).balance == 1

    async def test_everything_may_be_left_out(self) -> None:
        async with _built() as app:
            assert await app.dispatch(Deposit(aggregate_id=ID)) == 1
            assert (await app.load(Account, ID)).balance == 1

    def test_a_class_is_made_once_per_aggregate_and_an_instance_shared(self) -> None:
        class Other(Aggregate):
            revision = "1"

        shared = Events()
        builder = ApplicationBuilder().register_event_store(shared)
        for cls in (Account, Other):
            builder.register_aggregate(
                cls,
                cache_backend=InMemoryAggregateCacheBackend,
                snapshot_backend=shared_snapshots,
            )
        backends = [made for made, _ in builder.build()._backends._backends]
        assert len([b for b in backends if isinstance(b, InMemoryAggregateCacheBackend)]) == 2
        assert backends.count(shared_snapshots) == 1


shared_snapshots = InMemoryAggregateSnapshotStorageBackend()


class TestHandWritten:
    """Plain classes with constructors of their own."""

    async def test_they_work_as_they_are(self) -> None:
        pool, client = Pool(), dict[str, str]()
        builder = (
            ApplicationBuilder()
            .register_dependency("connection_pool", pool)
            .register_dependency("redis_client", client)
            .register_aggregate(
                Account,
                snapshot_strategy=SnapshotAfterN(2),
                snapshot_backend=PooledSnapshots,
                cache_strategy=AlwaysCache,
                cache_backend=ClientCache,
            )
        )
        async with builder.build() as app:
            for _ in range(3):
                await app.dispatch(Deposit(aggregate_id=ID))
            assert pool.rows[str(ID)][0] == 2
            for forget in (dict.copy, dict.clear):
                forget(client)
                state = await app.load(Account, ID, freshness=FastForward())
                assert type(state) is Account
                assert state == Account(id=ID, version=3, balance=3)

    async def test_a_json_that_was_changed_is_an_unusable_record(self) -> None:
        client = dict[str, str]()
        async with Rig(cache=ClientCache(client), freshness=FastForward()) as rig:
            await rig.deposit(1)
            client[f"agg:{ID}"] = client[f"agg:{ID}"].replace('"balance":1', '"balance":9')
            with pytest.raises(ValidationError):
                Account.model_validate_json(client[f"agg:{ID}"])
            assert (await rig.load()).balance == 1
            assert rig.app.counters()["cache.unusable"] == 1

    def test_dependencies_are_found_by_annotated_type(self) -> None:
        pool = Pool()
        builder = ApplicationBuilder().register_dependency(Pool, pool)
        app = builder.register_aggregate(Account, cache_backend=Typed).build()
        backends = [made for made, _ in app._backends._backends]
        assert [made.store for made in backends if isinstance(made, Typed)] == [pool]

    def test_a_parameter_that_nothing_fills_is_told(self) -> None:
        with pytest.raises(ConfigurationError, match="ClientCache needs 'redis_client'"):
            _built(cache_backend=ClientCache)

    def test_a_constructor_that_raises_is_told(self) -> None:
        def broken() -> None:
            raise OSError("no such host")

        with pytest.raises(ConfigurationError, match="no such host"):
            _built(cache_backend=broken)

    @pytest.mark.parametrize(
        ("given", "lacks"),
        [
            ({"cache_backend": object(), "cache_strategy": AlwaysCache}, "get_aggregate"),
            ({"snapshot_backend": object()}, "save_snapshot"),
        ],
    )
    def test_an_object_without_the_methods_is_told(self, given: dict[str, Any], lacks: str) -> None:
        with pytest.raises(ConfigurationError, match=lacks):
            _built(**given)

    def test_an_event_store_without_the_methods_is_told(self) -> None:
        with pytest.raises(ConfigurationError, match="is no event store: it lacks append"):
            ApplicationBuilder().register_event_store(object()).build()  # type: ignore[arg-type] # the point


class TestScopes:
    """Records of different applications don't meet."""

    @pytest.mark.parametrize("setting", [{"namespace": "other"}, {"epoch": 1}])
    async def test_namespace_and_epoch_keep_cached_states_apart(
        self, setting: dict[str, Any]
    ) -> None:
        cache = InMemoryAggregateCacheBackend()
        async with Rig(cache=cache) as rig, Rig(cache=cache, settings=setting) as other:
            await rig.deposit(1)
            assert (await other.load()).balance == 0

    @pytest.mark.parametrize("snapshots", [Snapshots, Sharing])
    async def test_the_epoch_keeps_snapshots_together(self, snapshots: type[Any]) -> None:
        more: dict[str, Any] = {
            "snapshot_strategy": SnapshotAfterN(1),
            "cache_strategy": NeverCache,
        }
        async with Rig(snapshots=snapshots(), **more) as rig:
            await rig.deposit(1)
            async with Rig(
                events=rig.events, snapshots=rig.snapshots, settings={"epoch": 1}, **more
            ) as later:
                await later.load()
                assert later.report.baseline_version == 1

    async def test_types_of_one_id_are_kept_apart(self) -> None:
        cache = InMemoryAggregateCacheBackend()
        app = (
            ApplicationBuilder()
            .register_aggregate(Account, cache_strategy=AlwaysCache, cache_backend=cache)
            .register_aggregate(Quiet, cache_strategy=AlwaysCache, cache_backend=cache)
            .build()
        )
        async with app:
            await app.dispatch(Deposit(aggregate_id=ID))
            assert (await app.load(Account, ID)).balance == 1
            assert await app.load(Quiet, ID) == Quiet(id=ID)


class Quiet(Aggregate):
    """Has no handlers."""

    revision = "1"
