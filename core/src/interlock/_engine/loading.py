"""The loads of one registered aggregate: shared where they can be, never behind a known head."""

from collections.abc import Awaitable, Coroutine
from uuid import UUID

from interlock._engine.cache import AggregateCache
from interlock._engine.context import TypeContext
from interlock._engine.flights import Flight, Flights
from interlock._engine.guard import go_on
from interlock._engine.load_context import LoadedState, LoadRequest, LoadTrace
from interlock._engine.reading import StateReader
from interlock._engine.reports import Source
from interlock._engine.state_records import StateRecords
from interlock._engine.write_back import WriteBack
from interlock._model.aggregate import Aggregate
from interlock._model.strategies import Freshness, MaxAge, Replay, Trust
from interlock.errors import RecordUnusableError

_FEW = 100
"""So many events are folded in about the time that a flight and a copy take."""


class Loader:
    """Loads the aggregates of one registered type."""

    def __init__(
        self,
        context: TypeContext,
        cache: AggregateCache,
        records: StateRecords,
        reader: StateReader,
        write_back: WriteBack,
    ) -> None:
        self._context = context
        self._cache = cache
        self._records = records
        self._reader = reader
        self._write_back = write_back
        self._freshness = context.registration.freshness
        self._decoded = context.registration.mapper.decoded
        self._is_light = False
        self.flights = Flights()

    def start(self) -> None:
        """Forget the loads of an earlier life."""
        self.flights = Flights()

    def hit(self, aggregate_id: UUID, freshness: Freshness | None) -> Aggregate | None:
        """The cached state, an object of the caller's own, where it is the answer.

        None where it isn't, or where something has to be waited for or told: `load` then has it.
        """
        record, heads = self._cache.record_at_once(aggregate_id), self._context.heads
        if record is None or not self._reader.is_answer(record, freshness or self._freshness):
            return None
        try:
            state = self._decoded(record)
        except RecordUnusableError:
            return None
        head = record.version, record.last_event_id
        heads.raise_to(aggregate_id, head, since=heads.forgets.count)
        return state

    async def load(
        self, aggregate_id: UUID, version: int | None = None, freshness: Freshness | None = None
    ) -> Aggregate:
        """An object of the caller's own; which loads share a flight, ADR 4 says."""
        context, reader = self._context, self._reader
        freshness = freshness or self._freshness
        request = LoadRequest(version, freshness)
        known, trace = context.heads.version(aggregate_id), reader.trace()
        began = self._context.clock()
        loaded, flight = await self._read_shared_or_alone(aggregate_id, request, trace)
        is_behind = loaded.version < known or loaded.is_too_old(request, began)
        if version is None and is_behind:
            loaded, flight = await self._read_shared(
                aggregate_id, request, self._reader.trace(), joins_running=False
            )
        if version is None and loaded.head is not None and not loaded.is_current:
            since = loaded.trace.forget_count
            self._context.heads.raise_to(aggregate_id, loaded.head, since=since)

        if flight is None or flight.waiters == 1:
            return loaded.state
        copy = self._records.copy(loaded)
        if copy is None:
            alone = self._reader.trace()
            return (await self._read_and_keep(aggregate_id, request, alone)).state
        return copy

    async def keep(self, loaded: LoadedState, request: LoadRequest) -> None:
        """Fill the cache and snapshot as the strategies say."""
        aggregate_id = loaded.aggregate_id
        if self._write_back.is_idle or not self._is_news(loaded, request):
            return
        if not self._context.heads.forgets.since(aggregate_id, loaded.trace.forget_count):
            with self._write_back.in_flight.of(aggregate_id):
                await self._write_back.after_load(loaded, self._context.clock())

    async def drain(self) -> None:
        """Wait until no load is under way, and what loads and commits kept is written."""
        await self.flights.drain()
        await self._write_back.drain()

    async def _read_shared_or_alone(
        self, aggregate_id: UUID, request: LoadRequest, trace: LoadTrace
    ) -> tuple[LoadedState, Flight | None]:
        """The state; alone where loads were so light that sharing one costs as much."""
        if self._is_light:
            return await self._read_noting_cost(aggregate_id, request, trace), None
        joins_running = _may_trust(request) and request.version is None
        return await self._read_shared(aggregate_id, request, trace, joins_running=joins_running)

    def _read_shared(
        self, aggregate_id: UUID, request: LoadRequest, trace: LoadTrace, *, joins_running: bool
    ) -> Awaitable[tuple[LoadedState, Flight]]:
        def read(trace: LoadTrace) -> Coroutine[None, None, LoadedState]:
            return self._read_noting_cost(aggregate_id, request, trace)

        return self.flights.share(aggregate_id, request, read, trace, joins_running=joins_running)

    async def _read_and_keep(
        self, aggregate_id: UUID, request: LoadRequest, trace: LoadTrace
    ) -> LoadedState:
        loaded = await self._reader.read(aggregate_id, request, trace)
        await self.keep(loaded, request)
        return loaded

    async def _read_noting_cost(
        self, aggregate_id: UUID, request: LoadRequest, trace: LoadTrace
    ) -> LoadedState:
        """Read, and note whether that was so light that the next load may do it alone.

        It is where stores answer without waiting and the tail is short. A load alone that turns out
        to wait leaves the next to a flight. See ADR 4.
        """
        steps = self._read_and_keep(aggregate_id, request, trace).__await__()
        try:
            waits_for = next(steps)
        except StopIteration as stop:
            loaded: LoadedState = stop.value
            self._is_light = loaded.events_folded <= _FEW
            return loaded
        self._is_light = False
        with self.flights.unshared():
            return await go_on(steps, waits_for)

    def _is_news(self, loaded: LoadedState, request: LoadRequest) -> bool:
        """Whether there is something to keep that isn't kept already."""
        is_replay = isinstance(request.freshness, Replay)
        if request.version is not None or is_replay or not loaded.is_current:
            return False
        is_cached = loaded.source is Source.CACHE and loaded.events_folded == 0
        return not is_cached or isinstance(request.freshness, MaxAge)


def _may_trust(request: LoadRequest) -> bool:
    """Whether a state that isn't proven by this load may be its answer."""
    return isinstance(request.freshness, (Trust, MaxAge))
