"""Processes: applications that see the stores of a run from behind a wire of their own."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from typing import Any, Self
from uuid import UUID

from choices import Choices
from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    CacheAfterVersion,
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
    TieredAggregateCacheBackend,
    Trust,
)
from interlock.backends import RecordCacheBackend
from simulated_bank import RELEASES
from simulated_caches import CacheServer, RemoteCache, WatchedCache
from simulated_stores import Events, RemoteDatabase, RemoteEvents, RemoteSnapshots
from surroundings import Fault, Surroundings, Wire

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
_CACHES: Sequence[CacheStrategy] = (
    NeverCache(),
    AlwaysCache(),
    AlwaysCache(),
    CacheAfterVersion(4),
)

owner: ContextVar["Process | None"] = ContextVar("owner", default=None)
"""The process whose code runs."""


class Place(Enum):
    """Where a process keeps its cache."""

    SHARED = auto()
    OWN = auto()
    TIERS = auto()


class Stores:
    """The stores of a run."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.events = Events(around.loop.time)
        self.snapshots = InMemoryAggregateSnapshotStorageBackend(keep=2, clock=around.clock)
        self.cache = CacheServer(InMemoryAggregateCacheBackend(clock=around.loop.time))


@dataclass(frozen=True)
class Settings:
    """How the applications of a run are configured, and the releases of the code that run."""

    snapshots: SnapshotStrategy
    cache: CacheStrategy
    place: Place
    does_cache_lie: bool
    do_clocks_step: bool
    freshness: Freshness
    is_one_database: bool
    releases: int

    @classmethod
    def chosen(cls, choices: Choices) -> Self:
        """Choose a configuration."""
        return cls(
            snapshots=choices.one_of(_SNAPSHOTS),
            cache=choices.one_of(_CACHES),
            place=choices.one_of(tuple(Place)),
            does_cache_lie=choices.one_of((False, True)),
            do_clocks_step=choices.one_of((False, False, True)),
            freshness=choices.one_of((*FRESHNESS[:2], *FRESHNESS)),
            is_one_database=choices.one_of((False, True)),
            releases=choices.one_of((1, 1, 2, 3)),
        )


class Process:
    """An application behind a wire, from its start to its end or its crash."""

    floor_size = 10_000

    def __init__(
        self,
        stores: Stores,
        settings: Settings,
        number: int,
        disturb: Callable[["Process", Fault, asyncio.Task[Any] | None], object],  # Any: whatever
        hunt: Callable[["Process"], Fault],
    ) -> None:
        self.number = number
        self.around = stores.around
        self.settings = settings
        self.wire = Wire(self.around, partial(disturb, self), partial(hunt, self))
        self.crashed = self.around.loop.create_future()
        self.release = RELEASES[self.around.choices.below(settings.releases)]
        self.forgot: dict[UUID, int] = {}
        self.tasks: list[asyncio.Task[Any]] = []  # Any: of whatever
        self.calls: list[asyncio.Task[Any]] = []  # Any: likewise; those of callers
        self.is_ending = False
        self._clock_is_off = timedelta()
        database = RemoteDatabase if settings.is_one_database else RemoteEvents
        self.application: Application = (
            ApplicationBuilder(clock=self.clock)
            .configure(max_attempts=8, floor_size=self.floor_size)
            .register_event_store(database(self.wire, stores.events))
            .register_aggregate(
                self.release,
                snapshot_strategy=settings.snapshots,
                snapshot_backend=RemoteSnapshots(self.wire, stores.snapshots),
                cache_strategy=settings.cache,
                cache_backend=self._cache(stores.cache),
                freshness=settings.freshness,
            )
            .build()
        )

    def clock(self) -> datetime:
        """Tell the time as this process has it."""
        return self.around.clock() + self._clock_is_off

    def step_clock(self, by: timedelta) -> None:
        """Set the clock on, or back."""
        self._clock_is_off += by

    def under_way(self) -> list[asyncio.Task[Any]]:
        """List what this process hasn't ended."""
        self.tasks = [task for task in self.tasks if not task.done()]
        return self.tasks

    def crash(self) -> None:
        """Cut it off: it reaches nothing any more, and nobody hears of it."""
        self.wire.is_cut = True
        self.crashed.set_result(None)

    async def close(self) -> None:
        """Close the application, as the process itself would."""
        owner.set(self)
        task = asyncio.current_task()
        assert task is not None, "in a task"
        self.tasks.append(task)
        await self.application.close()

    def _cache(self, server: CacheServer) -> RecordCacheBackend:
        lies = self.settings.does_cache_lie
        own = InMemoryAggregateCacheBackend(clock=self.around.loop.time)
        match self.settings.place:
            case Place.OWN:
                return own
            case Place.TIERS:
                shared = WatchedCache(self.wire, server, lies=lies)
                return TieredAggregateCacheBackend(own, shared, clock=self.clock)
            case _:
                return RemoteCache(self.wire, server, lies=lies)


def make_task(
    loop: asyncio.AbstractEventLoop,
    work: Any,  # Any: a coroutine of whatever
    **options: Any,  # Any: what the version of Python gives
) -> asyncio.Task[Any]:
    """Make a task that its process knows of."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    process = options["context"].get(owner) if options.get("context") else owner.get()
    if process is not None:
        process.tasks.append(task)
    return task
