"""The cache of one registered aggregate: its entries read, put and removed."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from interlock._engine.context import TypeContext
from interlock._engine.guard import call_backend
from interlock._engine.load_context import LoadedState, LoadTrace
from interlock._engine.reports import Reason, Source
from interlock._engine.state_records import StateRecords, remember
from interlock._storage.breaker import LeavesOut, NotesOutdated, RemovesAnyway, StoreRestsError
from interlock._storage.protocols import at_once
from interlock._storage.records import AggregateRecord, RecordKey, Stamp
from interlock.errors import (
    BackendUnavailableError,
    InterlockError,
    RecordTooLargeError,
    RecordUnusableError,
    StateNotKeptError,
)


class HitChecks(Protocol):
    """Checks of what the cache had."""

    def sample(self, hit: LoadedState) -> None:
        """Perhaps check the hit."""
        ...


class AggregateCache:
    """The cache entries of one registered aggregate; without a cache there are none.

    An entry that isn't used is noted in the trace of the load, with the reason.
    """

    def __init__(self, context: TypeContext, records: StateRecords) -> None:
        self._context = context
        self._store = store = context.cache
        # An observer is told of misses and times, which a look doesn't note.
        is_local = (
            self._store is not None and self._store.is_local and not context.reporting.is_observed
        )
        self._read_at_once = at_once(self._store, "read") if is_local else None
        self._put_at_once = at_once(self._store, "put") if is_local else None
        self.is_there = self._store is not None
        """Whether there is a cache."""
        self._heads = context.heads
        self._mapper = context.registration.mapper
        self._scope = self._mapper.scope
        self._records = records
        self.checks: HitChecks | None = None
        """What looks into hits behind the answers."""
        self._rests = store if isinstance(store, LeavesOut) else None
        self.may_rest = self._rests is not None
        """Whether `leaves_out` is worth a call."""
        self._absent: dict[UUID, tuple[Reason, str]] = {}  # why nothing is cached, the latest last

    @property
    def never_waits(self) -> bool:
        """Whether there is a cache, and it answers within this process."""
        return self._store is not None and self._store.is_local

    def read_at_once(self, aggregate_id: UUID, trace: LoadTrace) -> LoadedState | None:
        """The usable entry of a cache in this process; None if `read` has to look."""
        record = self.record_at_once(aggregate_id)
        if record is None:
            return None
        try:
            state = self._mapper.decoded(record)
        except RecordUnusableError:
            return None
        trace.saw_cache_entry, trace.cache_entry = True, record
        hit = LoadedState.from_record(state, record, Source.CACHE, trace)
        hit.aggregate_id = aggregate_id  # objects that are one compare faster
        return hit

    def record_at_once(self, aggregate_id: UUID) -> AggregateRecord | None:
        """The entry, not decoded; None where there is none, or that takes more than a look."""
        if self._read_at_once is None or self.checks is not None:
            return None
        key = self._scope.key(aggregate_id)
        try:
            record: AggregateRecord | None = self._read_at_once(key)
            if record is not None:
                record.check_is_of(key)
        except Exception:  # noqa: BLE001 `read` tells of it
            return None
        if record is None or record.version < self._heads.version(aggregate_id):
            return None
        return record

    async def read(self, aggregate_id: UUID, trace: LoadTrace) -> LoadedState | None:
        """The usable entry; an unusable one is removed."""
        rests = self._rests
        if self._store is None or (rests is not None and self._is_refused(rests, trace)):
            return None
        store, key, record = self._store, self._mapper.scope.key(aggregate_id), None
        try:
            record = await call_backend("the cache's read", store.timeout, store.read(key))
            if record is None:
                trace.miss(Source.CACHE, *self._why_absent(aggregate_id))
                return None
            trace.saw_cache_entry = True
            if record.version < self._context.heads.version(aggregate_id):
                self._missed(trace, Reason.BELOW_FLOOR, f"version {record.version}")
                return None
            state = self._mapper.state(record, key)
        except RecordUnusableError as error:
            self._missed(trace, Reason.UNUSABLE, error)
            trace.saw_cache_entry = True
            await self.drop(aggregate_id, None if record is None else record.stamp)
            return None
        except InterlockError as error:
            self._missed(trace, Reason.UNAVAILABLE, error)
            return None
        finally:
            if trace.is_timed:
                trace.lap("cache")
        trace.cache_entry = record
        hit = LoadedState.from_record(state, record, Source.CACHE, trace)
        if self.checks is not None:
            self.checks.sample(hit)
        return hit

    async def read_many(self, traces: Mapping[UUID, LoadTrace]) -> dict[UUID, LoadedState | None]:
        """The usable entries, read at once; None for those that need a load of their own."""
        store = self._store
        if store is None:
            return {}
        keys = {aggregate_id: self._mapper.scope.key(aggregate_id) for aggregate_id in traces}
        try:
            read = store.read_many(list(keys.values()))
            records = await call_backend("the cache's read", store.timeout, read)
        except InterlockError as error:
            for trace in traces.values():
                self._missed(trace, Reason.UNAVAILABLE, error)
            return {}
        finally:
            for trace in traces.values():
                trace.lap("cache")
        found: dict[UUID, LoadedState | None] = {}
        for aggregate_id, trace in traces.items():
            record = records.get(keys[aggregate_id])
            if record is None:
                trace.miss(Source.CACHE, *self._why_absent(aggregate_id))
                continue
            trace.saw_cache_entry = True
            found[aggregate_id] = (
                None
                if record.version < self._context.heads.version(aggregate_id)
                else self._loaded(record, keys[aggregate_id], trace)
            )
        return found

    def put_at_once(
        self, loaded: LoadedState, supersedes: Collection[Stamp], now: datetime
    ) -> bool:
        """Whether what a commit made is put, without a wait; if not, `put` has to be called."""
        if self._put_at_once is None or self._absent:
            return False
        aggregate_id = loaded.aggregate_id
        try:
            record = self._records.of_commit(loaded, now)
            if record is None or record.version < self._heads.version(aggregate_id):
                return False
            self._put_at_once(self._scope.key(aggregate_id), record, supersedes)
        except Exception:  # noqa: BLE001 `put` tells of it
            return False
        return True

    async def put(self, loaded: LoadedState, supersedes: Collection[Stamp], now: datetime) -> bool:
        """Whether the state is put; if it can't be, the id's entry is removed."""
        store, aggregate_id = self._store, loaded.aggregate_id
        if store is None:
            return False
        self._absent.pop(aggregate_id, None)
        try:
            record = self._records.cache_entry(loaded, now)
            if record.version < self._context.heads.version(aggregate_id):
                self._context.reporting.count("cache.put_below_floor")
                return False
            key = self._scope.key(aggregate_id)
            if self._put_at_once is not None:
                self._put_at_once(key, record, supersedes)
            else:
                put = store.put(key, record, supersedes)
                await call_backend("the cache's put", store.timeout, put)
            loaded.record = record
        except StateNotKeptError as error:
            self._context.reporting.not_kept("cache.not_kept", error, aggregate_id)
            await self._leave_out(aggregate_id, Reason.NOT_KEPT, error.where)
        except RecordTooLargeError as error:
            self._failed("cache.too_large", error, aggregate_id)
            await self._leave_out(aggregate_id, Reason.TOO_LARGE, str(error))
        except StoreRestsError:
            pass  # counted, and what stands there is removed before it is used again
        except Exception as error:  # noqa: BLE001 the load or commit stands
            self._failed("cache.failed", error, aggregate_id)
            await self.drop(aggregate_id)
        else:
            return True
        return False

    async def drop(self, aggregate_id: UUID, stamp: Stamp | None = None) -> bool:
        """Whether the entry is removed, with a stamp only that one; a failure is counted."""
        try:
            await self._remove(aggregate_id, stamp)
        except StoreRestsError:
            return False  # likewise
        except InterlockError as error:
            self._failed("cache.remove_failed", error, aggregate_id)
            return False
        return True

    def leaves_out(self, aggregate_id: UUID) -> bool:
        """Whether a put would be refused now; it is noted, and the state needn't be encoded."""
        if self._rests is None or not self._rests.leaves_out(self._mapper.scope.key(aggregate_id)):
            return False
        self._absent.pop(aggregate_id, None)
        return True

    def outdate(self, aggregate_id: UUID) -> bool:
        """Note that what stands there is outdated; False if nobody would remove it then."""
        store = self._store
        return isinstance(store, NotesOutdated) and store.note_outdated(
            self._mapper.scope.key(aggregate_id)
        )

    async def forget(self, aggregate_id: UUID) -> None:
        """Remove the entry, be the cache down or not. Raises `BackendUnavailableError`."""
        store, key = self._store, self._mapper.scope.key(aggregate_id)
        if store is None:
            return
        try:
            removal = (
                store.remove_anyway(key) if isinstance(store, RemovesAnyway) else store.remove(key)
            )
            await call_backend("the cache's remove", store.timeout, removal)
        except BackendUnavailableError:
            raise
        except InterlockError as error:
            raise BackendUnavailableError(f"the cache's remove failed: {error}") from error

    def _is_refused(self, store: LeavesOut, trace: LoadTrace) -> bool:
        refusal = store.refusal()
        if refusal is None:
            return False
        self._missed(trace, Reason.UNAVAILABLE, refusal)
        trace.lap("cache")
        return True

    def forget_absence(self, aggregate_id: UUID) -> None:
        """Forget why the id's latest state wasn't cached."""
        self._absent.pop(aggregate_id, None)

    async def _remove(self, aggregate_id: UUID, stamp: Stamp | None = None) -> None:
        store = self._store
        if store is not None:
            removal = store.remove(self._mapper.scope.key(aggregate_id), stamp)
            await call_backend("the cache's remove", store.timeout, removal)

    def _loaded(
        self, record: AggregateRecord, key: RecordKey, trace: LoadTrace
    ) -> LoadedState | None:
        try:
            state = self._mapper.state(record, key)
        except RecordUnusableError:
            return None
        trace.cache_entry = record
        return LoadedState.from_record(state, record, Source.CACHE, trace)

    def _why_absent(self, aggregate_id: UUID) -> tuple[Reason, str]:
        return self._absent.get(aggregate_id, (Reason.ABSENT, ""))

    async def _leave_out(self, aggregate_id: UUID, reason: Reason, detail: str) -> None:
        remember(self._absent, aggregate_id, (reason, detail))
        await self.drop(aggregate_id)

    def _missed(self, trace: LoadTrace, reason: Reason, detail: object) -> None:
        trace.miss(Source.CACHE, reason, detail)
        self._context.reporting.count(f"{Source.CACHE}.{reason}")

    def _failed(self, counter: str, error: Exception, aggregate_id: UUID) -> None:
        self._context.reporting.failed(counter, error, aggregate_id)
