"""The rebuilding of an aggregate's snapshots: ahead of the loads that would have to replay."""

from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from uuid import UUID

from interlock._engine.calls import bounded
from interlock._engine.known_heads import Floor, Head
from interlock._engine.load_context import Ask, Clock, Loaded, Registration
from interlock._engine.loading import Loader
from interlock._engine.write_back import Keeper
from interlock._model.strategies import FastForward
from interlock._storage.protocols import EventStore
from interlock._values.ids import plain_id
from interlock.errors import BackendUnavailableError, ConfigurationError, VersionNotFoundError


@dataclass(frozen=True, slots=True)
class RebuildProgress:
    """A snapshot that was just stored: at which version, and where the stream ends."""

    aggregate_type: str
    aggregate_id: UUID
    version: int
    head: int


Progress = Callable[[RebuildProgress], object]


class Rebuilding:
    """Rebuilds the snapshots of one registered aggregate.

    It goes from snapshot to snapshot: each stride is a load of a version, from the state that the
    one before ended in. So it holds a chunk of events, and begins anew where it was interrupted.
    """

    def __init__(
        self,
        registration: Registration,
        *,
        events: EventStore,
        loader: Loader,
        keeper: Keeper,
        floor: Floor,
        clock: Clock,
    ) -> None:
        self._registration = registration
        self._events = events
        self._loader = loader
        self._keeper = keeper
        self._floor = floor
        self._clock = clock

    async def rebuild(self, ids: Iterable[UUID], *, every: int, progress: Progress | None) -> int:
        """The number of snapshots stored."""
        if self._registration.snapshots is None:
            raise ConfigurationError(
                f"{self._registration.tables.name} has no snapshots to rebuild: register it with a "
                "snapshot_backend"
            )
        stored = 0
        for given in ids:
            aggregate_id = plain_id(given, "one of the ids")
            try:
                stored += await self._rebuild(aggregate_id, every, progress)
            except VersionNotFoundError:
                if await self._head(aggregate_id) is not None:
                    raise  # else it was deleted meanwhile, and what was stored for it with it
        return stored

    async def _rebuild(self, aggregate_id: UUID, every: int, progress: Progress | None) -> int:
        name, head = self._registration.tables.name, await self._head(aggregate_id)
        if head is None:
            return 0
        moment, stored = self._floor.forgets.moment, 0
        loaded = await self._begun(aggregate_id, head[0], every)
        while True:
            if loaded.record is None:
                if self._floor.forgets.since(aggregate_id, moment):
                    return stored
                with self._keeper.under_way.of(aggregate_id):
                    is_stored = await self._keeper.snapshot(loaded, self._clock())
                stored += is_stored
                if is_stored and progress is not None:
                    progress(RebuildProgress(name, aggregate_id, loaded.version, head[0]))
            if loaded.version >= head[0]:
                return stored
            loaded = await self._gone_on(loaded, head[0], every)

    async def _head(self, aggregate_id: UUID) -> Head | None:
        head = self._events.head(self._registration.tables.name, aggregate_id)
        return await bounded("the event store's head", self._events.timeout, head)

    async def _begun(self, aggregate_id: UUID, head: int, every: int) -> Loaded:
        """The state after the first stride, from the best baseline that the stream holds."""
        # What may have been read ahead on the first trail goes further than a stride.
        trail, going = self._loader.trail(), self._loader.trail()
        tail, baselines = self._loader.tail, self._loader.baselines
        found_below = baselines.snapshots(aggregate_id, Ask(head, FastForward()), trail)
        async with aclosing(found_below) as snapshots:
            async for found in snapshots:
                baseline = replace(found, trail=going)
                loaded = await tail.fast_forward(baseline, _stride(baseline, head, every), None)
                if loaded is not None:
                    return loaded
        if trail.snapshots_down:
            raise BackendUnavailableError(
                f"the snapshots of {self._registration.tables.name} {aggregate_id} can't be "
                f"rebuilt: {trail.misses[-1].detail}"
            )
        empty = self._loader.empty(aggregate_id, going)
        return await tail.replay(empty, _stride(empty, head, every), None)

    async def _gone_on(self, baseline: Loaded, head: int, every: int) -> Loaded:
        stride = _stride(baseline, head, every)
        loaded = await self._loader.tail.fast_forward(baseline, stride, None)
        if loaded is None:
            raise VersionNotFoundError(
                f"{self._registration.tables.name} {baseline.aggregate_id}: version "
                f"{baseline.version} was read a moment ago and isn't the stream's any more; it was "
                "rolled back, rebuild again"
            )
        return loaded


def _stride(baseline: Loaded, head: int, every: int) -> Ask:
    return Ask(min(baseline.version + every, head), FastForward())
