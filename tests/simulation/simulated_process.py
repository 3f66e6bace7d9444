"""Processes: applications that see the stores of a run from behind a wire of their own."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    InMemoryAggregateCacheBackend,
    TieredAggregateCacheBackend,
)
from interlock.backends import RecordCacheBackend
from simulated_bank import RELEASES, Account
from simulated_caches import CacheAtOnce, CacheServer, LocalCache, RemoteCache, WatchedCache
from simulated_settings import Place, Settings
from simulated_stores import (
    ConfirmingEvents,
    Events,
    RemoteDatabase,
    RemoteEvents,
    RemoteSnapshots,
    Snapshots,
)
from surroundings import Fault, Surroundings, Wire

_LONG_ENOUGH = timedelta(seconds=5)  # for every answer

owner: ContextVar["Process | None"] = ContextVar("owner", default=None)
"""The process whose code runs."""


class Stores:
    """The stores of a run."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.events = Events(around.loop.time)
        self.snapshots = Snapshots(keep=2, clock=around.clock)
        self.cache = CacheServer(InMemoryAggregateCacheBackend(clock=around.loop.time))

    async def take(self, others: "Stores", *, are_snapshots_taken: bool) -> None:
        """Have the cache entries of others instead of one's own, and perhaps the snapshots."""
        for key in tuple(others.cache.store.keys()):
            record = await others.cache.store.read(key)
            if record is not None:
                await self.cache.store.remove(key)
                await self.cache.store.put(key, record)
                snapshot = await others.snapshots.read(key)
                if snapshot is not None and are_snapshots_taken:
                    await self.snapshots.put(key, snapshot)


class Process:
    """An application behind a wire, from its start to its end or its crash."""

    floor_size: int | None = None

    def __init__(  # noqa: PLR0917 what a world makes them of
        self,
        stores: Stores,
        settings: Settings,
        number: int,
        disturb: Callable[["Process", Fault, asyncio.Task[Any] | None], object],  # Any: whatever
        hunt: Callable[["Process"], Fault],
        release: type[Account] | None = None,
    ) -> None:
        self.number = number
        self.around = stores.around
        self.settings = settings
        self.wire = Wire(self.around, partial(disturb, self), partial(hunt, self))
        self.crashed = self.around.loop.create_future()
        self.release = release or RELEASES[self.around.choices.below(settings.releases)]
        self.forgot: dict[UUID, int] = {}
        self.tasks: list[asyncio.Task[Any]] = []  # Any: of whatever
        self.calls: list[asyncio.Task[Any]] = []  # Any: likewise; those of callers
        self.is_ending = False
        self._clock_is_off = timedelta()
        plain = ConfirmingEvents if settings.confirms else RemoteEvents
        database = RemoteDatabase if settings.is_one_database else plain
        self.events = database(self.wire, stores.events, is_safe=settings.are_events_safe)
        self.events.refuses = settings.refuses
        self.snapshots = RemoteSnapshots(self.wire, stores.snapshots)
        if settings.does_all_answer:
            self.events.timeout = self.snapshots.timeout = _LONG_ENOUGH
        if settings.are_stores_local:
            self.wire.is_local = True
            for store in (self.events, self.snapshots):
                store.is_local, store.timeout = True, None
        self.application: Application = (
            ApplicationBuilder(clock=self.clock)
            .configure(
                max_attempts=8,
                breaker_failures=settings.crowd.failures,
                floor_size=self.floor_size or settings.limit_of(10_000),
                snapshot_queue_size=settings.limit_of(1000),
                replay_slots=1,
                replay_long=4,
            )
            .register_event_store(self.events)
            .register_aggregate(
                self.release,
                snapshot_strategy=settings.snapshots,
                snapshot_backend=self.snapshots,
                cache_strategy=settings.cache,
                cache_backend=self._cache(stores.cache),
                freshness=settings.freshness,
                on_unavailable=settings.on_unavailable,
                replay_limit=settings.replay_limit,
                replay_limit_holds=settings.replay_limit_holds,
                shadow=settings.shadow,
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
            case Place.MACHINE:
                return LocalCache(self.around, server)
            case Place.AT_ONCE:
                return CacheAtOnce(self.around, server)
            case Place.APART:
                return RemoteCache(self.wire, CacheServer(own), lies=lies)
            case Place.TIERS:
                shared = WatchedCache(self.wire, server, lies=lies)
                return TieredAggregateCacheBackend(own, shared, clock=self.clock)
            case _:
                cache = RemoteCache(self.wire, server, lies=lies)
                if self.settings.does_all_answer:
                    cache.timeout = _LONG_ENOUGH
                return cache


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
