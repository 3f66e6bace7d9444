"""The loading of one aggregate: cache, snapshot, tail, fold, fill."""

import copy
from datetime import timedelta
from uuid import UUID

from interlock.aggregate import Aggregate
from interlock.baselines import Baselines
from interlock.flights import Flight, Flights
from interlock.floor import Floor
from interlock.keeping import Keeper
from interlock.loaded import Ask, Loaded, Registration, Trail
from interlock.policies import Freshness, MaxAge, Replay, Trust
from interlock.ports import EventStore
from interlock.reports import LoadReport, Reporting, Source
from interlock.tail import Clock, Tail

_TRUSTING = (Trust, MaxAge)


class Loader:
    """Loads the aggregates of one registered type."""

    def __init__(
        self,
        registration: Registration,
        *,
        events: EventStore,
        keeper: Keeper,
        floor: Floor,
        reporting: Reporting,
        clock: Clock,
    ) -> None:
        self.flights = Flights()
        self._registration = registration
        self._keeper = keeper
        self._floor = floor
        self._reporting = reporting
        self._clock = clock
        self._baselines = Baselines(registration, keeper, floor, reporting)
        self._tail = Tail(
            registration,
            events=events,
            baselines=self._baselines,
            floor=floor,
            reporting=reporting,
            clock=clock,
        )

    async def load(
        self, aggregate_id: UUID, *, version: int | None = None, freshness: Freshness | None = None
    ) -> Aggregate:
        """An object of the caller's own. Flights are shared; see ARCHITECTURE, "Load and save"."""
        ask = Ask(version, freshness or self._registration.freshness)
        floor = self._floor.version(aggregate_id)
        is_trusting = isinstance(ask.freshness, _TRUSTING)
        known = None
        if is_trusting and self._baselines.cache_never_waits:
            # A cache that never waits is asked at once: a hit costs less than a flight.
            known = Trail(is_timed=self._reporting.is_observed)
            hit = await self._cached_answer(aggregate_id, ask, known)
            if hit is not None:
                return hit.state

        async def read_and_keep(flight: Flight) -> Loaded:
            nonlocal known
            trail, known = known, None
            loaded = await self.read(aggregate_id, ask, flight, trail)
            await self.keep(loaded, ask)
            return loaded

        what = (version, ask.freshness)
        joins_running = is_trusting and version is None
        loaded, flight = await self.flights.share(
            aggregate_id, what, read_and_keep, joins_running=joins_running
        )
        if loaded.version < floor and version is None:
            loaded, flight = await self.flights.share(
                aggregate_id, what, read_and_keep, joins_running=False
            )
        if loaded.head is not None and version is None:
            self._floor.raise_to(aggregate_id, loaded.head)
        return loaded.state if flight.waiters == 1 else self.copy(loaded)

    async def read(
        self,
        aggregate_id: UUID,
        ask: Ask,
        flight: Flight | None = None,
        trail: Trail | None = None,
    ) -> Loaded:
        """The state asked for, unshared, and kept nowhere yet.

        A trail that says why the cache had nothing usable is gone on with, without asking it again.
        """
        if trail is None:
            trail = Trail(is_timed=self._reporting.is_observed)
        loaded = await self._read(aggregate_id, ask, flight, trail)
        self._report(ask, loaded)
        return loaded

    async def _read(
        self, aggregate_id: UUID, ask: Ask, flight: Flight | None, trail: Trail
    ) -> Loaded:
        if _may_use_cache(ask) and not trail.misses:
            baseline = await self._baselines.cached(aggregate_id, trail)
            if baseline is not None:
                if self._is_fresh(baseline, ask):
                    return baseline
                loaded = await self._tail.fast_forward(baseline, ask, flight)
                if loaded is not None:
                    return loaded
                await self._keeper.drop(aggregate_id, baseline.stamp)
        if self._registration.snapshots is not None and not isinstance(ask.freshness, Replay):
            async for baseline in self._baselines.snapshots(aggregate_id, ask, trail):
                loaded = await self._tail.fast_forward(baseline, ask, flight)
                if loaded is not None:
                    return loaded
        empty = Loaded(aggregate_id, self._registration.aggregate_type(id=aggregate_id), trail)
        return await self._tail.replay(empty, ask, flight)

    async def keep(self, loaded: Loaded, ask: Ask) -> None:
        """Fill the cache and snapshot as the strategies say."""
        if self._is_news(loaded, ask):
            await self._keeper.after_load(loaded, self._clock())

    async def _cached_answer(self, aggregate_id: UUID, ask: Ask, trail: Trail) -> Loaded | None:
        """A cache hit that is an answer by itself."""
        if not _may_use_cache(ask):
            return None
        hit = await self._baselines.cached(aggregate_id, trail)
        if hit is None or hit.head is None or not self._is_fresh(hit, ask):
            return None
        self._floor.raise_to(aggregate_id, hit.head)
        self._report(ask, hit)
        return hit

    def _is_fresh(self, hit: Loaded, ask: Ask) -> bool:
        """Whether a cache hit is an answer by itself; a clock that jumped back makes none."""
        if isinstance(ask.freshness, MaxAge):
            return timedelta(0) <= self._clock() - hit.verified_at < ask.freshness.delta
        return isinstance(ask.freshness, Trust)

    def _is_news(self, loaded: Loaded, ask: Ask) -> bool:
        """Whether there is something to keep that isn't kept already."""
        if ask.version is not None or isinstance(ask.freshness, Replay) or not loaded.is_current:
            return False
        is_cached = loaded.baseline is Source.CACHE and loaded.events_folded == 0
        return not is_cached or isinstance(ask.freshness, MaxAge)

    def copy(self, loaded: Loaded) -> Aggregate:
        """Another object of the same state."""
        if loaded.record is None:
            return copy.deepcopy(loaded.state)
        return self._registration.mapper.state(loaded.record)

    def _report(self, ask: Ask, loaded: Loaded) -> None:
        if not self._reporting.is_observed:
            return
        trail = loaded.trail
        self._reporting.tell(
            LoadReport(
                aggregate_type=self._registration.tables.name,
                aggregate_id=loaded.aggregate_id,
                asked_version=ask.version,
                freshness=ask.freshness,
                baseline=loaded.baseline,
                baseline_version=loaded.baseline_version,
                version=loaded.version,
                events_folded=loaded.events_folded,
                is_current=loaded.is_current,
                misses=tuple(trail.misses),
                phases=trail.phases,
            )
        )


def _may_use_cache(ask: Ask) -> bool:
    return not (ask.skips_cache or ask.version is not None or isinstance(ask.freshness, Replay))
