"""The loading of one aggregate: cache, snapshot, tail, fold, fill."""

import copy
from collections.abc import Awaitable, Coroutine
from contextlib import aclosing
from datetime import datetime, timedelta
from uuid import UUID

from interlock._engine.ahead import reads_ahead
from interlock._engine.baselines import Baselines
from interlock._engine.calls import the_rest
from interlock._engine.flights import Flight, Flights
from interlock._engine.known_heads import Floor
from interlock._engine.load_context import Ask, Clock, Loaded, Registration, Trail
from interlock._engine.replay import Tail
from interlock._engine.reports import LoadReport, Reporting, Source
from interlock._engine.write_back import Keeper
from interlock._model.aggregate import Aggregate
from interlock._model.strategies import Freshness, MaxAge, Replay, Trust
from interlock._storage.protocols import EventStore

_TRUSTING = (Trust, MaxAge)
_FEW = 100
"""So many events are folded in about the time that a flight and a copy take."""


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
        self._is_light = False
        self._registration = registration
        self._keeper = keeper
        self.begin()
        self._floor = floor
        self._reporting = reporting
        self._clock = clock
        self.baselines = Baselines(
            registration,
            keeper=keeper,
            floor=floor,
            reporting=reporting,
            ahead=reads_ahead(registration, events, floor, clock),
        )
        self.tail = Tail(
            registration,
            events=events,
            baselines=self.baselines,
            floor=floor,
            reporting=reporting,
            clock=clock,
        )

    def begin(self) -> None:
        """Know nothing of an earlier life's loads and of what it had yet to keep."""
        self.flights = Flights()
        self._keeper.begin()

    async def load(
        self, aggregate_id: UUID, *, version: int | None = None, freshness: Freshness | None = None
    ) -> Aggregate:
        """An object of the caller's own; which loads share a flight, ADR 4 says."""
        ask = Ask(version, freshness or self._registration.freshness)
        floor = self._floor.version(aggregate_id)
        is_trusting = isinstance(ask.freshness, _TRUSTING)
        known = None
        if is_trusting and self.baselines.cache_never_waits:
            known = self.trail()
            hit = await self._cached_answer(aggregate_id, ask, known)
            if hit is not None:
                return hit.state

        began, flight = self._clock(), None
        if self._is_light:
            loaded = await self._felt(self._read_and_keep(aggregate_id, ask, None, known))
        else:
            joins_running = is_trusting and version is None
            loaded, flight = await self._flown(
                aggregate_id, ask, known, joins_running=joins_running
            )
        if version is None and (loaded.version < floor or is_too_old(loaded, ask, began)):
            loaded, flight = await self._flown(aggregate_id, ask, None, joins_running=False)
        if version is None and loaded.head is not None and not loaded.is_current:
            self._floor.raise_to(aggregate_id, loaded.head, since=loaded.trail.moment)
        if flight is None or flight.waiters == 1:
            return loaded.state
        copy = self.copy(loaded)
        if copy is None:
            return (await self._read_and_keep(aggregate_id, ask, None, None)).state
        return copy

    def _flown(
        self, aggregate_id: UUID, ask: Ask, known: Trail | None, *, joins_running: bool
    ) -> Awaitable[tuple[Loaded, Flight]]:
        return self.flights.share(
            aggregate_id,
            ask,
            lambda flight: self._felt(self._read_and_keep(aggregate_id, ask, flight, known)),
            joins_running=joins_running,
        )

    async def _read_and_keep(
        self, aggregate_id: UUID, ask: Ask, flight: Flight | None, known: Trail | None
    ) -> Loaded:
        loaded = await self.read(aggregate_id, ask, flight, known)
        await self.keep(loaded, ask)
        return loaded

    async def _felt(self, reading: Coroutine[None, None, Loaded]) -> Loaded:
        """What is read; whether that was so little that the next load may do it by itself.

        Stores that answer without waiting, a short tail: a flight would cost as much. One that
        turns out to wait leaves the next to a flight. See ADR 4.
        """
        steps = reading.__await__()
        try:
            waits_for = next(steps)
        except StopIteration as stop:
            loaded: Loaded = stop.value
            self._is_light = loaded.events_folded <= _FEW
            return loaded
        self._is_light = False
        with self.flights.alone():
            return await the_rest(steps, waits_for)

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
            trail = self.trail()
        loaded = await self._read(aggregate_id, ask, flight, trail)
        self.report(ask, loaded)
        return loaded

    async def _read(
        self, aggregate_id: UUID, ask: Ask, flight: Flight | None, trail: Trail
    ) -> Loaded:
        if may_use_cache(ask) and not trail.misses:
            baseline = await self.baselines.cached(aggregate_id, trail)
            if baseline is not None:
                if self.is_fresh(baseline, ask):
                    return baseline
                loaded = await self.tail.fast_forward(baseline, ask, flight)
                if loaded is not None:
                    return loaded
                await self._keeper.drop(aggregate_id, baseline.stamp)
        if self._registration.snapshots is not None and not isinstance(ask.freshness, Replay):
            if flight is not None and self.baselines.reads_ahead:
                flight.has_begun = True
            async with aclosing(self.baselines.snapshots(aggregate_id, ask, trail)) as snapshots:
                async for baseline in snapshots:
                    loaded = await self.tail.fast_forward(baseline, ask, flight)
                    if loaded is not None:
                        return loaded
        return await self.tail.replay(self.empty(aggregate_id, trail), ask, flight)

    def empty(self, aggregate_id: UUID, trail: Trail) -> Loaded:
        """The aggregate before its first event; as in every state, no name of it is unset."""
        cls = self._registration.aggregate_type
        state = cls(id=aggregate_id)
        state.__pydantic_fields_set__.update(cls.model_fields)
        return Loaded(aggregate_id, state, trail)

    def trail(self) -> Trail:
        """That of a load which begins now."""
        return Trail(is_timed=self._reporting.is_observed, moment=self._floor.forgets.moment)

    async def drain(self) -> None:
        """Wait until no load is under way, and what loads and commits kept is written."""
        await self.flights.drain()
        await self._keeper.drain()

    async def keep(self, loaded: Loaded, ask: Ask) -> None:
        """Fill the cache and snapshot as the strategies say."""
        if self._keeper.is_idle:
            return
        aggregate_id = loaded.aggregate_id
        if self._is_news(loaded, ask) and not self._floor.forgets.since(
            aggregate_id, loaded.trail.moment
        ):
            with self._keeper.under_way.of(aggregate_id):
                await self._keeper.after_load(loaded, self._clock())

    async def _cached_answer(self, aggregate_id: UUID, ask: Ask, trail: Trail) -> Loaded | None:
        """A cache hit that is an answer by itself."""
        if not may_use_cache(ask):
            return None
        hit = await self.baselines.cached(aggregate_id, trail)
        if hit is None or hit.head is None or not self.is_fresh(hit, ask):
            return None
        self._floor.raise_to(aggregate_id, hit.head, since=trail.moment)
        self.report(ask, hit)
        return hit

    def is_fresh(self, hit: Loaded, ask: Ask) -> bool:
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

    def copy(self, loaded: Loaded) -> Aggregate | None:
        """Another object of the same state; None if the state holds what can't be copied."""
        if loaded.record is not None:
            return self._registration.mapper.state(loaded.record, loaded.record.key)
        try:
            return copy.deepcopy(loaded.state)
        except Exception:  # noqa: BLE001 whatever a foreign object raises when it is copied
            return None

    def report(self, ask: Ask, loaded: Loaded) -> None:
        """Tell the observers of a load."""
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


def is_too_old(loaded: Loaded, ask: Ask, began: datetime) -> bool:
    """Whether what a call was given was read from the stream too long before the call began."""
    freshness = ask.freshness
    return isinstance(freshness, MaxAge) and began - loaded.verified_at >= freshness.delta


def may_use_cache(ask: Ask) -> bool:
    """Whether what is asked for may come from the cache."""
    return not (ask.skips_cache or ask.version is not None or isinstance(ask.freshness, Replay))
