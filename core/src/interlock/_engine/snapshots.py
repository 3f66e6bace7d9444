"""The snapshots of one registered aggregate: read, best first, and written."""

from collections.abc import Awaitable, Collection, Mapping
from datetime import datetime
from uuid import UUID

from interlock._engine.context import TypeContext
from interlock._engine.guard import call_backend
from interlock._engine.load_context import LoadedState, LoadRequest, LoadTrace
from interlock._engine.reports import Reason, Source
from interlock._engine.snapshot_queue import SnapshotQueue
from interlock._engine.snapshot_reading import READ, SnapshotCandidates, SnapshotReading
from interlock._engine.state_records import StateRecords
from interlock._model.strategies import NeverSnapshot
from interlock._storage.protocols import Forgetful
from interlock._storage.records import AggregateRecord, RecordKey, Stamp
from interlock.errors import (
    ConfigurationError,
    InterlockError,
    RecordUnusableError,
    StateNotKeptError,
)

_REVISIONS = "the snapshot store's revisions"


class SnapshotHistory:
    """The snapshots of one registered aggregate; without a snapshot store there are none.

    A snapshot that isn't used is noted in the trace of the load, with the reason.
    """

    def __init__(self, context: TypeContext, records: StateRecords) -> None:
        self._context = context
        self._registration = context.registration
        self._store = context.snapshots
        self._records = records
        own = self._registration.snapshot_scope
        self._scopes = [
            own._replace(revision=revision)
            for revision in (own.revision, *self._registration.reads_revisions)
        ]
        self._queue = (
            None
            if self._store is None
            or isinstance(self._registration.snapshot_strategy, NeverSnapshot)
            else SnapshotQueue(self._store, context.reporting, size=context.snapshot_queue_size)
        )
        self._reading = None if self._store is None else SnapshotReading(context, self._store)
        self.are_kept = self._store is not None
        """Whether there is a snapshot store."""
        self.are_written_at_once = self._store is not None and self._store.is_local
        """Whether a snapshot stands when its write returns; else the queue knows its anchor."""
        self.are_taken = self._queue is not None
        """Whether there is a snapshot store, and a strategy that may ask for snapshots."""

    def start(self) -> None:
        """Forget what an earlier life had yet to write."""
        if self._queue is not None:
            self._queue = self._queue.anew()

    def candidates(
        self, aggregate_id: UUID, request: LoadRequest, trace: LoadTrace
    ) -> SnapshotCandidates:
        """The usable snapshots, best first: of this revision, then of those that may be read.

        Only where snapshots `are_kept`.
        """
        if self._reading is None:
            raise AssertionError("no snapshot store")
        self._note_failure(aggregate_id, trace)
        return SnapshotCandidates(self._reading, self._scopes, aggregate_id, request, trace)

    async def read_many(self, traces: Mapping[UUID, LoadTrace]) -> dict[UUID, LoadedState | None]:
        """The newest snapshots, read at once; None for those that need a load of their own.

        Raises `BackendUnavailableError`, whatever the settings say.
        """
        found: dict[UUID, LoadedState | None] = {}
        store = self._store
        if store is None:
            return found
        for aggregate_id, trace in traces.items():
            self._note_failure(aggregate_id, trace)
        for scope in self._scopes:
            absent = [aggregate_id for aggregate_id in traces if aggregate_id not in found]
            if not absent:
                break
            keys = {aggregate_id: scope.key(aggregate_id) for aggregate_id in absent}
            read = store.read_many(list(keys.values()))
            records = await call_backend(READ, store.timeout, read)
            for aggregate_id, key in keys.items():
                trace, record = traces[aggregate_id], records.get(key)
                trace.lap("snapshot")
                if record is None:
                    trace.miss(Source.SNAPSHOT, Reason.ABSENT)
                else:
                    found[aggregate_id] = self._loaded(record, key, trace)
        return found

    async def write(
        self, loaded: LoadedState, supersedes: Collection[Stamp], now: datetime
    ) -> None:
        """Write a snapshot of the state behind its caller; a failure is counted."""
        if self._queue is None:
            return
        try:
            record = self._records.snapshot(loaded, now)
            is_written = await self._queue.write(record.key, record, supersedes)
            if is_written and self.are_written_at_once:
                loaded.record, loaded.anchor_at = record, record.anchor_at
        except StateNotKeptError as error:
            self._not_kept(error, loaded.aggregate_id)
        except Exception as error:  # noqa: BLE001 the load or commit stands
            self._context.reporting.failed("snapshot.failed", error, loaded.aggregate_id)

    async def store(self, loaded: LoadedState, now: datetime) -> bool:
        """Store a snapshot here and now, whatever the strategy says; False if it can't be kept.

        The state is one that the stream had, and has events. Raises what the store raises.
        """
        store = self._store
        if store is None:
            raise AssertionError("no snapshot store")
        try:
            record = self._records.snapshot(loaded, now)
        except StateNotKeptError as error:
            self._not_kept(error, loaded.aggregate_id)
            return False
        put = store.put(record.key, record, loaded.trace.refuted)
        await call_backend("the snapshot store's put", store.timeout, put)
        self._context.reporting.count("snapshot.taken")
        loaded.record, loaded.anchor_at = record, record.anchor_at
        return True

    async def revisions(self, aggregate_id: UUID) -> list[str]:
        """The revisions that have a snapshot; none if the store can't tell."""
        store = self._store
        if store is None:
            return []
        try:
            found = store.revisions(self._registration.snapshot_scope.key(aggregate_id))
            return list(await call_backend(_REVISIONS, store.timeout, found))
        except InterlockError:
            return []

    async def forget(self, aggregate_id: UUID) -> None:
        """Remove all snapshots of the id, of whatever revision.

        Raises `BackendUnavailableError`, and `ConfigurationError` if the store can't.
        """
        store = self._store
        if store is None:
            return
        if not isinstance(store, Forgetful):
            raise ConfigurationError(f"{type(store).__name__} can't forget: it has no `forget`")
        forget = _refusal(store.forget(self._registration.snapshot_scope.key(aggregate_id)))
        refusal = await call_backend("the snapshot store's forget", store.timeout, forget)
        if refusal is not None:
            raise refusal

    async def forget_queued(self, aggregate_id: UUID) -> None:
        """Write no snapshot of the id that is queued, and forget earlier failures."""
        self._records.forget(aggregate_id)
        if self._queue is not None:
            await self._queue.forget(aggregate_id)

    async def prune(self) -> int:
        """Apply the store's retention to all of the type; the number of snapshots removed.

        Without a bound: it goes through everything that is kept.
        """
        if self._store is None:
            return 0
        prune = self._store.prune(self._registration.snapshot_scope)
        return await call_backend("the snapshot store's prune", None, prune)

    def anchor(self, loaded: LoadedState, known: datetime) -> datetime:
        """The time of the state's newest snapshot, also of one that is still to be written.

        Only the anchor of one that is written goes on with the state: the other may fail.
        """
        found = None if self._queue is None else self._queue.anchor(loaded.aggregate_id)
        if found is None or found[0] <= known:
            return known
        anchor_at, is_written = found
        if is_written:
            loaded.anchor_at = anchor_at
        return anchor_at

    async def drain(self) -> None:
        """Wait until what is queued is written."""
        if self._queue is not None:
            await self._queue.drain()

    def give_up(self) -> None:
        """Write nothing any more that is queued."""
        if self._queue is not None:
            self._queue.give_up()

    def _loaded(
        self, record: AggregateRecord, key: RecordKey, trace: LoadTrace
    ) -> LoadedState | None:
        try:
            state = self._registration.mapper.state(record, key)
        except RecordUnusableError:
            return None
        return LoadedState.from_record(state, record, Source.SNAPSHOT, trace)

    def _note_failure(self, aggregate_id: UUID, trace: LoadTrace) -> None:
        """Note why the id's latest snapshot isn't stored, if it isn't."""
        if self._queue is None:
            return
        loss, failure = self._records.loss(aggregate_id), self._queue.failure(aggregate_id)
        if loss is not None:
            trace.miss(Source.SNAPSHOT, Reason.NOT_KEPT, loss)
        elif failure:
            trace.miss(Source.SNAPSHOT, Reason.NOT_WRITTEN, failure)

    def _not_kept(self, error: StateNotKeptError, aggregate_id: UUID) -> None:
        self._context.reporting.not_kept("snapshot.not_kept", error, aggregate_id)


async def _refusal(forget: Awaitable[object]) -> ConfigurationError | None:
    """The error of a store that can't forget, which is no failure of it."""
    try:
        await forget
    except ConfigurationError as refusal:
        return refusal
    return None
