"""The loading of many aggregates: one read of the cache, the snapshots and the tails per batch."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from interlock._engine.cache import AggregateCache
from interlock._engine.context import TypeContext
from interlock._engine.load_context import LoadedState, LoadRequest, LoadTrace
from interlock._engine.loading import Loader
from interlock._engine.reading import StateReader
from interlock._engine.replay import TailFold
from interlock._engine.reports import Reason, Source
from interlock._engine.snapshots import SnapshotHistory
from interlock._engine.state_records import StateRecords
from interlock._engine.stream import Chunks
from interlock._model.aggregate import Aggregate
from interlock._model.strategies import Freshness
from interlock._storage.records import EventRow
from interlock._values.ids import plain_id
from interlock.errors import (
    EventApplyError,
    InterlockError,
    StreamTruncatedError,
    UnknownEventError,
)

_BATCH = 500  # ids; what bounds the memory


@dataclass(frozen=True, slots=True)
class _Batch:
    """The reads for some ids; an id in neither gets a load of its own."""

    answers: dict[UUID, LoadedState]
    baselines: dict[UUID, LoadedState]  # whose tails can't be read at once


class BatchLoader:
    """Loads aggregates of one registered type by the batch.

    Only what is plain is done here: whatever is amiss with an id's record, its stream or a backend
    leaves the id to a load of its own, which knows what to do.
    """

    def __init__(
        self,
        context: TypeContext,
        *,
        cache: AggregateCache,
        snapshots: SnapshotHistory,
        records: StateRecords,
        reader: StateReader,
        loader: Loader,
    ) -> None:
        self._context = context
        self._cache = cache
        self._snapshots = snapshots
        self._records = records
        self._reader = reader
        self._loader = loader

    async def load(
        self, ids: Iterable[UUID], freshness: Freshness | None
    ) -> AsyncIterator[Aggregate]:
        """An object for each id, in their order; a batch is read when its first is asked for."""
        request = LoadRequest(None, freshness or self._context.registration.freshness)
        remaining = iter(ids)
        while asked := list(islice(remaining, _BATCH)):
            times = Counter(plain_id(i, "an id") for i in asked if isinstance(i, UUID))
            with self._context.reporting.around_batch(len(times)):
                batch = await self._read(times.keys(), request)
            for given in asked:
                aggregate_id = plain_id(given, "one of the ids")
                times[aggregate_id] -= 1
                answer = await self._answer(aggregate_id, batch, request)
                if answer is None:
                    yield await self._loader.load(aggregate_id, freshness=request.freshness)
                elif times[aggregate_id]:
                    copy = self._records.copy(answer)
                    if copy is None:
                        copy = await self._loader.load(aggregate_id, freshness=request.freshness)
                    yield copy
                else:
                    del batch.answers[aggregate_id]
                    yield answer.state

    async def _read(self, ids: Collection[UUID], request: LoadRequest) -> _Batch:
        traces = {aggregate_id: self._reader.trace() for aggregate_id in ids}
        found = await self._find(traces, request)
        answers, baselines, freshness = {}, {}, request.freshness
        for aggregate_id, baseline in found.items():
            if baseline.source is Source.CACHE and self._reader.is_fresh(baseline, freshness):
                answers[aggregate_id] = baseline
                if baseline.head is not None:
                    since = baseline.trace.forget_count
                    self._context.heads.raise_to(aggregate_id, baseline.head, since=since)
                self._reader.report(request, baseline)
            else:
                baselines[aggregate_id] = baseline
        if not baselines:
            return _Batch(answers, baselines)
        tails = {i: self._reader.tail.start(baseline) for i, baseline in baselines.items()}
        chunks = self._context.stream.read_many({i: tail.first for i, tail in tails.items()})
        if chunks is None:
            return _Batch(answers, baselines)
        for loaded in await self._read_tails(chunks, tails, request):
            answers[loaded.aggregate_id] = loaded
            await self._report_and_keep(loaded, request)
        return _Batch(answers, {})

    async def _find(
        self, traces: Mapping[UUID, LoadTrace], request: LoadRequest
    ) -> dict[UUID, LoadedState]:
        """The baselines; none for an id whose record or snapshots are unusable."""
        found: dict[UUID, LoadedState | None] = {}
        if request.may_use_cache:
            found |= await self._cache.read_many(traces)
        absent = {i: trace for i, trace in traces.items() if i not in found}
        if absent and request.may_use_snapshots:
            try:
                found |= await self._snapshots.read_many(absent)
            except InterlockError:
                found |= dict.fromkeys(absent)
        for aggregate_id, trace in absent.items():
            if aggregate_id not in found:
                found[aggregate_id] = self._reader.empty(aggregate_id, trace)
        return {i: baseline for i, baseline in found.items() if baseline is not None}

    async def _read_tails(
        self,
        chunks: Chunks[tuple[UUID, Sequence[EventRow]]],
        tails: dict[UUID, TailFold],
        request: LoadRequest,
    ) -> list[LoadedState]:
        """The baselines after their tails; none of those whose streams are amiss."""
        replay, long = self._reader.tail, None
        try:
            async for aggregate_id, rows in chunks:
                tail = tails.get(aggregate_id)
                if tail is not None and not self._extend(tail, rows):
                    del tails[aggregate_id]
                elif tail is not None and long is None and replay.is_long(tail):
                    await replay.take_slot(tail, request)
                    long = tail
        except InterlockError:
            return []
        finally:
            if long is not None:
                self._context.replay_slots.release()
        ends = [self._reader.tail.end(tail, request) for tail in tails.values()]
        return [loaded for loaded in ends if loaded is not None]

    def _extend(self, tail: TailFold, rows: Sequence[EventRow]) -> bool:
        try:
            return self._reader.tail.extend(tail, rows)
        except (EventApplyError, StreamTruncatedError, UnknownEventError):
            return False  # raised again when its turn has come

    async def _answer(
        self, aggregate_id: UUID, batch: _Batch, request: LoadRequest
    ) -> LoadedState | None:
        """The state that was read for the id, unless something has outdated it."""
        baseline = batch.baselines.pop(aggregate_id, None)
        if baseline is not None:
            loaded = await self._reader.tail.fast_forward(baseline, request)
            if loaded is not None:
                batch.answers[aggregate_id] = loaded
                await self._report_and_keep(loaded, request)
        answer = batch.answers.get(aggregate_id)
        return None if answer is None or self._is_outdated(answer, request) else answer

    def _is_outdated(self, answer: LoadedState, request: LoadRequest) -> bool:
        """Whether something has happened since the batch was read that the answer doesn't show."""
        return (
            answer.version < self._context.heads.version(answer.aggregate_id)
            or self._context.heads.forgets.since(answer.aggregate_id, answer.trace.forget_count)
            or answer.is_too_old(request, self._context.clock())
        )

    async def _report_and_keep(self, loaded: LoadedState, request: LoadRequest) -> None:
        self._reader.report(request, loaded)
        # A batch doesn't wait five hundred times for a cache that has just not answered.
        if all(miss.reason is not Reason.UNAVAILABLE for miss in loaded.trace.misses):
            await self._loader.keep(loaded, request)
