"""Reads of the snapshots of one registered aggregate that loads start from, best first."""

from collections.abc import Sequence
from uuid import UUID

from interlock._engine.breaking import without_breaker
from interlock._engine.context import TypeContext
from interlock._engine.guard import call_backend
from interlock._engine.load_context import LoadedState, LoadRequest, LoadTrace, TailReadAhead
from interlock._engine.reports import Reason, Source
from interlock._storage.protocols import SnapshotStore
from interlock._storage.records import AggregateRecord, RecordKey, Scope
from interlock.errors import BackendUnavailableError, RecordUnusableError

READ = "the snapshot store's read"


class SnapshotReading:
    """Reads single snapshots, and notes in the trace of a load why there is none."""

    def __init__(self, context: TypeContext, store: SnapshotStore) -> None:
        self._context = context
        self._store = store
        self._joint = context.stream.reader_from(without_breaker(store))
        self.mapper = context.registration.mapper

    async def read(
        self, key: RecordKey, bound: int | None, trace: LoadTrace
    ) -> AggregateRecord | None:
        """The newest record, up to the version `bound`."""
        store = self._store
        try:
            record = await call_backend(READ, store.timeout, store.read(key, bound))
        except BackendUnavailableError as error:
            self.missed(trace, Reason.UNAVAILABLE, error)
            if self._context.registration.fails_without_snapshots:
                raise
            trace.snapshots_down = True
            return None
        finally:
            if trace.is_timed:
                trace.lap("snapshot")
        if record is None:
            trace.miss(Source.SNAPSHOT, Reason.ABSENT)
        return record

    async def read_with_tail(
        self, key: RecordKey, bound: int | None, trace: LoadTrace
    ) -> AggregateRecord | None:
        """As `read`; if it can be had, the tail behind the record goes on the trace."""
        context, joint = self._context, self._joint
        if joint is None:
            return await self.read(key, bound, trace)
        noted, began = context.heads.head(key.aggregate_id), context.clock()
        trace.is_reading_stream = True
        try:
            record, events = await joint(key, bound)
        except BackendUnavailableError:
            # Which of the two stores it is, and what that means, shows when each is asked.
            return await self.read(key, bound, trace)
        finally:
            if trace.is_timed:
                trace.lap("snapshot")
        first = 1 if record is None else max(record.version, 1)
        trace.ahead = TailReadAhead(first, context.stream.guarded(events), noted, began)
        if record is None:
            trace.miss(Source.SNAPSHOT, Reason.ABSENT)
        return record

    def missed(self, trace: LoadTrace, reason: Reason, detail: object) -> None:
        """Note and count a snapshot that isn't taken."""
        trace.miss(Source.SNAPSHOT, reason, detail)
        self._context.reporting.count(f"{Source.SNAPSHOT}.{reason}")


class SnapshotCandidates:
    """The usable snapshots for one load, best first: of each scope in turn, from the newest down.

    An object and not a generator, which the event loop would keep a list of.
    """

    __slots__ = (
        "_aggregate_id",
        "_bound",
        "_key",
        "_later",
        "_read",
        "_reading",
        "_trace",
        "_version",
    )

    def __init__(
        self,
        reading: SnapshotReading,
        scopes: Sequence[Scope],
        aggregate_id: UUID,
        request: LoadRequest,
        trace: LoadTrace,
    ) -> None:
        self._reading = reading
        self._read = reading.read_with_tail
        self._aggregate_id = aggregate_id
        self._trace = trace
        self._version = request.version
        self._bound = request.version
        self._key: RecordKey | None = scopes[0].key(aggregate_id)
        self._later = scopes[1:]

    def __aiter__(self) -> "SnapshotCandidates":
        return self

    async def __anext__(self) -> LoadedState:
        reading, trace = self._reading, self._trace
        while (key := self._key) is not None:
            bound = self._bound
            if bound is not None and bound < 1:
                self._begin_next()
                continue
            try:
                read, self._read = self._read, reading.read
                record = await read(key, bound, trace)
                if trace.snapshots_down:
                    break
                if record is None:
                    self._begin_next()
                    continue
                if bound is not None and record.version > bound:
                    raise RecordUnusableError(
                        f"the store gave version {record.version}, asked for {bound} at most"
                    )
                state = reading.mapper.state(record, key)
            except RecordUnusableError as error:
                reading.missed(trace, Reason.UNUSABLE, error)
                if error.version is None or (bound is not None and error.version > bound):
                    self._begin_next()
                else:
                    self._bound = error.version - 1
            else:
                self._bound = record.version - 1
                return LoadedState.from_record(state, record, Source.SNAPSHOT, trace)
        raise StopAsyncIteration

    def _begin_next(self) -> None:
        """Go on with the next scope, if there is one."""
        self._bound = self._version
        self._key = self._later[0].key(self._aggregate_id) if self._later else None
        self._later = self._later[1:]
