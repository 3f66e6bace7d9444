"""One load from its beginning to its end: cache, snapshots, tail, fold."""

from collections.abc import Awaitable
from datetime import timedelta
from uuid import UUID

from interlock._engine.cache import AggregateCache
from interlock._engine.context import TypeContext
from interlock._engine.load_context import LoadedState, LoadRequest, LoadTrace
from interlock._engine.replay import TailReplay
from interlock._engine.reports import LoadReport, Operation, OperationKind, Source
from interlock._engine.snapshots import SnapshotHistory
from interlock._model.strategies import FastForward, Freshness, MaxAge, Trust
from interlock._storage.records import AggregateRecord
from interlock.errors import RecordUnusableError


class StateReader:
    """Reads states of one registered aggregate, each for itself, and keeps them nowhere."""

    def __init__(
        self, context: TypeContext, cache: AggregateCache, snapshots: SnapshotHistory
    ) -> None:
        self._context = context
        self._cache = cache
        self._snapshots = snapshots
        self._decoded = context.registration.mapper.decoded
        self.tail = TailReplay(context, snapshots)

    def read(
        self, aggregate_id: UUID, request: LoadRequest, trace: LoadTrace | None = None
    ) -> Awaitable[LoadedState]:
        """The state asked for, from the best baseline that the stream proves."""
        reading = self._read(aggregate_id, request, trace or self.trace())
        is_observed = self._context.reporting.is_observed
        return self._reported(aggregate_id, request, reading) if is_observed else reading

    def hit(self, aggregate_id: UUID, request: LoadRequest) -> LoadedState | None:
        """The state of a cache in this process, where it is the answer as it is; else `read` it."""
        if request.skips_cache or request.version is not None:
            return None
        record = self._cache.record_at_once(aggregate_id)
        if record is None or not self.is_fresh(record, request.freshness):
            return None
        try:
            state = self._decoded(record)
        except RecordUnusableError:
            return None
        trace = LoadTrace.of_hit(record, self._context.heads.forgets.count)
        hit = LoadedState.from_record(state, record, Source.CACHE, trace)
        hit.aggregate_id = aggregate_id  # objects that are one compare faster
        return hit

    async def _read(
        self, aggregate_id: UUID, request: LoadRequest, trace: LoadTrace
    ) -> LoadedState:
        if request.may_use_cache and self._cache.is_there:
            entry = None if trace.is_timed else self._cache.read_at_once(aggregate_id, trace)
            if entry is None:
                entry = await self._cache.read(aggregate_id, trace)
            if entry is not None:
                if self.is_fresh(entry, request.freshness):
                    return entry
                loaded = await self.tail.fast_forward(entry, request)
                if loaded is not None:
                    return loaded
                await self._cache.drop(aggregate_id, entry.stamp)
        if self._snapshots.are_kept and request.may_use_snapshots:
            async for snapshot in self._snapshots.candidates(aggregate_id, request, trace):
                loaded = await self.tail.fast_forward(snapshot, request)
                if loaded is not None:
                    return loaded
        return await self.tail.replay(self.empty(aggregate_id, trace), request)

    def is_answer(self, record: AggregateRecord, freshness: Freshness) -> bool:
        """Whether a cached record is one by itself, as it is or by a look at the stream's head."""
        if isinstance(freshness, FastForward):
            return self._context.stream.is_head_at_once(
                record.aggregate_id, record.version, record.last_event_id
            )
        return self.is_fresh(record, freshness)

    def is_fresh(self, entry: LoadedState | AggregateRecord, freshness: Freshness) -> bool:
        """Whether a cache entry is an answer by itself; a clock that jumped back makes none."""
        if isinstance(freshness, Trust):
            return True
        if isinstance(freshness, MaxAge):
            return timedelta(0) <= self._context.clock() - entry.verified_at < freshness.delta
        return False

    def empty(self, aggregate_id: UUID, trace: LoadTrace) -> LoadedState:
        """The aggregate before its first event."""
        return LoadedState.empty(self._context.registration.aggregate_type, aggregate_id, trace)

    def trace(self) -> LoadTrace:
        """The trace of a load that begins now."""
        return LoadTrace(
            is_timed=self._context.reporting.is_observed,
            forget_count=self._context.heads.forgets.count,
        )

    async def _reported(
        self, aggregate_id: UUID, request: LoadRequest, reading: Awaitable[LoadedState]
    ) -> LoadedState:
        name = self._context.registration.name
        with self._context.reporting.around(Operation(OperationKind.LOAD, name, aggregate_id)):
            loaded = await reading
            self.report(request, loaded)
            return loaded

    def report(self, request: LoadRequest, loaded: LoadedState) -> None:
        """Tell the observers of a load."""
        if self._context.reporting.is_observed:
            self._context.reporting.tell("on_load", self.told(request, loaded), loaded.aggregate_id)

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
            duration=loaded.trace.duration(),
        )
