"""The loading of many aggregates: one read of the cache, the snapshots and the tails per batch."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from interlock._engine.calls import bounded
from interlock._engine.known_heads import Floor
from interlock._engine.load_context import Ask, Clock, Loaded, Registration, Trail
from interlock._engine.loading import Loader, is_too_old, may_use_cache
from interlock._engine.replay import Following
from interlock._engine.reports import Reason, Source
from interlock._model.aggregate import Aggregate
from interlock._model.strategies import Freshness, Replay
from interlock._storage.protocols import EventStore, ReadsMany
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
    """What was read for some ids; an id in neither is left to a load of its own."""

    answers: dict[UUID, Loaded]
    baselines: dict[UUID, Loaded]  # whose tails can't be read at once


class ManyLoader:
    """Loads aggregates of one registered type by the batch.

    Only what is plain is done here: whatever is amiss with an id's record, its stream or a backend
    leaves the id to a load of its own, which knows what to do.
    """

    def __init__(
        self,
        registration: Registration,
        *,
        events: EventStore,
        loader: Loader,
        floor: Floor,
        clock: Clock,
    ) -> None:
        self._registration = registration
        self._events = events
        self._reader = events if isinstance(events, ReadsMany) else None
        self._loader = loader
        self._floor = floor
        self._clock = clock

    async def load(
        self, ids: Iterable[UUID], freshness: Freshness | None
    ) -> AsyncIterator[Aggregate]:
        """An object for each id, in their order; a batch is read when its first is asked for."""
        ask = Ask(None, freshness or self._registration.freshness)
        remaining = iter(ids)
        while asked := list(islice(remaining, _BATCH)):
            times = Counter(plain_id(i, "an id") for i in asked if isinstance(i, UUID))
            batch = await self._read(times.keys(), ask)
            for given in asked:
                aggregate_id = plain_id(given, "one of the ids")
                times[aggregate_id] -= 1
                answer = await self._answer(aggregate_id, batch, ask)
                if answer is None:
                    yield await self._loader.load(aggregate_id, freshness=ask.freshness)
                elif times[aggregate_id]:
                    copy = self._loader.copy(answer)
                    if copy is None:
                        copy = await self._loader.load(aggregate_id, freshness=ask.freshness)
                    yield copy
                else:
                    del batch.answers[aggregate_id]
                    yield answer.state

    async def _read(self, ids: Collection[UUID], ask: Ask) -> _Batch:
        trails = {aggregate_id: self._loader.trail() for aggregate_id in ids}
        found = await self._found(trails, ask)
        answers, baselines = {}, {}
        for aggregate_id, baseline in found.items():
            if baseline.baseline is Source.CACHE and self._loader.is_fresh(baseline, ask):
                answers[aggregate_id] = baseline
                if baseline.head is not None:
                    moment = baseline.trail.moment
                    self._floor.raise_to(aggregate_id, baseline.head, since=moment)
                self._loader.report(ask, baseline)
            else:
                baselines[aggregate_id] = baseline
        if self._reader is None or not baselines:
            return _Batch(answers, baselines)
        for loaded in await self._followed(self._reader, baselines, ask):
            answers[loaded.aggregate_id] = loaded
            await self._told_and_kept(loaded, ask)
        return _Batch(answers, {})

    async def _found(self, trails: Mapping[UUID, Trail], ask: Ask) -> dict[UUID, Loaded]:
        """What to begin with; nothing for those of which a record or the snapshots are amiss."""
        found: dict[UUID, Loaded | None] = {}
        if may_use_cache(ask):
            found |= await self._loader.baselines.cached_many(trails)
        absent = {i: trail for i, trail in trails.items() if i not in found}
        if absent and not isinstance(ask.freshness, Replay):
            try:
                found |= await self._loader.baselines.snapshots_many(absent)
            except InterlockError:
                found |= dict.fromkeys(absent)
        for aggregate_id, trail in absent.items():
            if aggregate_id not in found:
                found[aggregate_id] = self._loader.empty(aggregate_id, trail)
        return {i: baseline for i, baseline in found.items() if baseline is not None}

    async def _followed(
        self, reader: ReadsMany, baselines: Mapping[UUID, Loaded], ask: Ask
    ) -> list[Loaded]:
        """The baselines after their tails; none of those whose streams are amiss."""
        tail, name = self._loader.tail, self._registration.tables.name
        under_way = {i: tail.begin(baseline) for i, baseline in baselines.items()}
        chunks = reader.read_many(name, {i: each.first for i, each in under_way.items()})
        timeout = self._events.timeout
        try:
            while (
                chunk := await bounded("the event store's read", timeout, anext(chunks, None))
            ) is not None:
                aggregate_id, rows = chunk
                following = under_way.get(aggregate_id)
                if following is not None and not self._extended(following, rows):
                    del under_way[aggregate_id]
        except InterlockError:
            return []
        ends = [tail.end(following, ask) for following in under_way.values()]
        return [loaded for loaded in ends if loaded is not None]

    def _extended(self, following: Following, rows: Sequence[EventRow]) -> bool:
        try:
            return self._loader.tail.extend(following, rows)
        except (EventApplyError, StreamTruncatedError, UnknownEventError):
            return False  # raised again when its turn has come

    async def _answer(self, aggregate_id: UUID, batch: _Batch, ask: Ask) -> Loaded | None:
        """What was read for the id, if it can be given, and given now."""
        baseline = batch.baselines.pop(aggregate_id, None)
        if baseline is not None:
            loaded = await self._loader.tail.fast_forward(baseline, ask, None)
            if loaded is not None:
                batch.answers[aggregate_id] = loaded
                await self._told_and_kept(loaded, ask)
        answer = batch.answers.get(aggregate_id)
        return None if answer is None or self._is_outdated(answer, ask) else answer

    def _is_outdated(self, answer: Loaded, ask: Ask) -> bool:
        """Whether something has happened since the batch was read that the answer doesn't show."""
        return (
            answer.version < self._floor.version(answer.aggregate_id)
            or self._floor.forgets.since(answer.aggregate_id, answer.trail.moment)
            or is_too_old(answer, ask, self._clock())
        )

    async def _told_and_kept(self, loaded: Loaded, ask: Ask) -> None:
        self._loader.report(ask, loaded)
        # A batch doesn't wait five hundred times for a cache that has just not answered.
        if all(miss.reason is not Reason.UNAVAILABLE for miss in loaded.trail.misses):
            await self._loader.keep(loaded, ask)
