"""One load from its beginning to its end: cache, snapshots, tail, fold."""

from contextlib import aclosing
from datetime import timedelta
from uuid import UUID

from interlock._engine.cache import AggregateCache
from interlock._engine.context import TypeContext
from interlock._engine.load_context import LoadedState, LoadRequest, LoadTrace
from interlock._engine.replay import TailReplay
from interlock._engine.reports import LoadReport
from interlock._engine.snapshots import SnapshotHistory
from interlock._model.strategies import MaxAge, Trust


class StateReader:
    """Reads states of one registered aggregate, each for itself, and keeps them nowhere."""

    def __init__(
        self, context: TypeContext, cache: AggregateCache, snapshots: SnapshotHistory
    ) -> None:
        self._context = context
        self._cache = cache
        self._snapshots = snapshots
        self.tail = TailReplay(context, snapshots)

    async def read(
        self, aggregate_id: UUID, request: LoadRequest, trace: LoadTrace | None = None
    ) -> LoadedState:
        """The state asked for, from the best baseline that the stream proves.

        With a trace that has misses, the cache was asked already.
        """
        if trace is None:
            trace = self.trace()
        loaded = await self._read(aggregate_id, request, trace)
        self.report(request, loaded)
        return loaded

    async def _read(
        self, aggregate_id: UUID, request: LoadRequest, trace: LoadTrace
    ) -> LoadedState:
        if request.may_use_cache and not trace.misses:
            entry = await self._cache.read(aggregate_id, trace)
            if entry is not None:
                if self.is_fresh(entry, request):
                    return entry
                loaded = await self.tail.fast_forward(entry, request)
                if loaded is not None:
                    return loaded
                await self._cache.drop(aggregate_id, entry.stamp)
        if self._snapshots.are_kept and request.may_use_snapshots:
            candidates = self._snapshots.candidates(aggregate_id, request, trace)
            async with aclosing(candidates) as snapshots:
                async for snapshot in snapshots:
                    loaded = await self.tail.fast_forward(snapshot, request)
                    if loaded is not None:
                        return loaded
        return await self.tail.replay(self.empty(aggregate_id, trace), request)

    def is_fresh(self, entry: LoadedState, request: LoadRequest) -> bool:
        """Whether a cache entry is an answer by itself; a clock that jumped back makes none."""
        if isinstance(request.freshness, MaxAge):
            age = self._context.clock() - entry.verified_at
            return timedelta(0) <= age < request.freshness.delta
        return isinstance(request.freshness, Trust)

    def empty(self, aggregate_id: UUID, trace: LoadTrace) -> LoadedState:
        """The aggregate before its first event."""
        return LoadedState.empty(self._context.registration.aggregate_type, aggregate_id, trace)

    def trace(self) -> LoadTrace:
        """The trace of a load that begins now."""
        return LoadTrace(
            is_timed=self._context.reporting.is_observed,
            forget_count=self._context.heads.forgets.count,
        )

    def report(self, request: LoadRequest, loaded: LoadedState) -> None:
        """Tell the observers of a load."""
        if self._context.reporting.is_observed:
            self._context.reporting.tell(self.told(request, loaded))

    def told(self, request: LoadRequest, loaded: LoadedState) -> LoadReport:
        """The report of a load."""
        return LoadReport(
            aggregate_type=self._context.registration.name,
            aggregate_id=loaded.aggregate_id,
            asked_version=request.version,
            freshness=request.freshness,
            baseline=loaded.source,
            baseline_version=loaded.source_version,
            version=loaded.version,
            events_folded=loaded.events_folded,
            is_current=loaded.is_current,
            misses=tuple(loaded.trace.misses),
            phases=loaded.trace.phases,
        )
