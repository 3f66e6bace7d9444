"""Processes: applications that see the stores of a run from behind a wire of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from choices import Choices
from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    CacheStrategy,
    FastForward,
    Freshness,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    MaxAge,
    NeverCache,
    NeverSnapshot,
    Replay,
    SnapshotAfterN,
    SnapshotStrategy,
    Trust,
)
from simulated_bank import Account
from simulated_stores import (
    CacheServer,
    Events,
    RemoteCache,
    RemoteEvents,
    RemoteSnapshots,
    Surroundings,
    Wire,
)

AGE = 0.3  # seconds
FRESHNESS: Sequence[Freshness] = (
    Trust(),
    MaxAge(timedelta(seconds=AGE)),
    FastForward(),
    Replay(),
)
_SNAPSHOTS: Sequence[SnapshotStrategy] = (
    NeverSnapshot(),
    SnapshotAfterN(1),
    SnapshotAfterN(3),
)
_CACHES: Sequence[CacheStrategy] = (NeverCache(), AlwaysCache(), AlwaysCache())


class Stores:
    """The stores of a run."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.events = Events(around.loop.time)
        self.snapshots = InMemoryAggregateSnapshotStorageBackend(keep=2, clock=around.clock)
        self.cache = CacheServer(InMemoryAggregateCacheBackend(clock=around.loop.time))


@dataclass(frozen=True)
class Settings:
    """How the applications of a run are configured."""

    snapshots: SnapshotStrategy
    cache: CacheStrategy
    is_cache_shared: bool
    does_cache_lie: bool
    freshness: Freshness

    @classmethod
    def chosen(cls, choices: Choices) -> Self:
        """Choose a configuration."""
        return cls(
            snapshots=choices.one_of(_SNAPSHOTS),
            cache=choices.one_of(_CACHES),
            is_cache_shared=choices.one_of((True, False)),
            does_cache_lie=choices.one_of((False, True)),
            freshness=choices.one_of((*FRESHNESS[:2], *FRESHNESS)),
        )


class Process:
    """An application behind a wire, from its start to its end or its crash."""

    def __init__(self, stores: Stores, settings: Settings, number: int) -> None:
        self.number = number
        self.wire = Wire(stores.around)
        self.crashed = stores.around.loop.create_future()
        cache: RemoteCache | InMemoryAggregateCacheBackend = (
            RemoteCache(self.wire, stores.cache, lies=settings.does_cache_lie)
            if settings.is_cache_shared
            else InMemoryAggregateCacheBackend(clock=stores.around.loop.time)
        )
        self.application: Application = (
            ApplicationBuilder(clock=stores.around.clock)
            .configure(max_attempts=8)
            .register_event_store(RemoteEvents(self.wire, stores.events))
            .register_aggregate(
                Account,
                snapshot_strategy=settings.snapshots,
                snapshot_backend=RemoteSnapshots(self.wire, stores.snapshots),
                cache_strategy=settings.cache,
                cache_backend=cache,
                freshness=settings.freshness,
            )
            .build()
        )

    def crash(self) -> None:
        """Cut it off: it reaches nothing any more, and nobody hears of it."""
        self.wire.is_cut = True
        self.crashed.set_result(None)
