"""The streams of one aggregate type: reads, and appends until their outcome is known."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Generic, TypeVar
from uuid import UUID

from interlock._engine.guard import call_backend, translate
from interlock._engine.known_heads import Head
from interlock._engine.reporting import Reporting
from interlock._storage.event_protocols import (
    ConfirmsHead,
    EventStore,
    ListsStreams,
    ReadEvents,
    ReadsFromSnapshot,
    ReadsMany,
)
from interlock._storage.protocols import SnapshotStore, at_once, variant
from interlock._storage.records import AggregateRecord, EventRow, RecordKey, StoredEvent
from interlock.errors import (
    AppendOutcomeUnknownError,
    BackendUnavailableError,
    ConcurrencyError,
    ConfigurationError,
    InterlockError,
)

T = TypeVar("T")


class Chunks(Generic[T]):
    """The chunks of a read of events, each waited for as one call of the store.

    An object and not a generator, which the event loop would keep a list of.
    """

    __slots__ = ("_bound", "_chunks", "_what")

    def __init__(
        self,
        chunks: AsyncIterator[T],
        bound: timedelta | None,
        what: str = "the event store's read",
    ) -> None:
        self._chunks = chunks
        self._bound = bound
        self._what = what

    def __aiter__(self) -> "Chunks[T]":
        return self

    def __anext__(self) -> Awaitable[T]:
        return call_backend(self._what, self._bound, anext(self._chunks))


ReaderFromSnapshot = Callable[
    [RecordKey, int | None], Awaitable[tuple[AggregateRecord | None, ReadEvents]]
]

_APPEND = "the event store's append"
_ATTEMPTS = 4
_PAUSE_SECONDS = 0.02  # before the second attempt; doubled each time


class _Standing(Enum):
    """The owner of the events at the versions of an append."""

    OURS = "ours"
    OTHERS = "others"
    NONE = "none"


class EventStream:
    """The streams of one aggregate type in an event store, behind a guard."""

    def __init__(self, aggregate_type: str, store: EventStore, reporting: Reporting) -> None:
        self.type = aggregate_type
        self.store = store
        self.ends_appends: bool = getattr(store, "ends_appends", False)
        """Whether an append ends by itself within the store's timeout."""
        self._is_head_at_once = at_once(store, "is_head", of=("head", "read"))
        self._read_to_fold = variant(store, "read_to_fold", of=("read",)) or store.read
        self.confirming = store if isinstance(store, ConfirmsHead) else None
        """The store, if it confirms heads for less than a read."""
        self._reporting = reporting

    def read(
        self, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> Chunks[Sequence[EventRow]]:
        """The events with `first <= version <= last`, chunk by chunk."""
        store = self.store
        chunks = store.read(self.type, aggregate_id, first=first, last=last)
        return Chunks(chunks, store.timeout)

    def read_to_fold(
        self, aggregate_id: UUID, *, first: int, last: int | None
    ) -> Chunks[Sequence[EventRow]]:
        """As `read`, but the rows may have no metadata."""
        chunks = self._read_to_fold(self.type, aggregate_id, first=first, last=last)
        return Chunks(chunks, self.store.timeout)

    def read_many(
        self, first: Mapping[UUID, int]
    ) -> Chunks[tuple[UUID, Sequence[EventRow]]] | None:
        """The events of each id from its version on; None if the store reads one by one."""
        store = self.store
        if not isinstance(store, ReadsMany):
            return None
        return Chunks(store.read_many(self.type, first), store.timeout)

    def reader_from(self, snapshots: SnapshotStore) -> ReaderFromSnapshot | None:
        """How a snapshot of the store and the tail behind it are one read; None if they are two."""
        store = self.store
        if not isinstance(store, ReadsFromSnapshot) or not store.keeps_beside(snapshots):
            return None

        def read(
            key: RecordKey, last: int | None
        ) -> Awaitable[tuple[AggregateRecord | None, ReadEvents]]:
            joint = store.read_from_snapshot(snapshots, key, last=last)
            return call_backend("the event store's read from a snapshot", store.timeout, joint)

        return read

    def guarded(self, events: ReadEvents) -> ReadEvents:
        """The events, whose chunks are each waited for as one call of the store."""
        return events if isinstance(events, list) else Chunks(events, self.store.timeout)

    def is_head_at_once(self, aggregate_id: UUID, version: int, event_id: UUID) -> bool:
        """Whether this is the last event, as far as the store can tell without being waited for."""
        if self._is_head_at_once is None:
            return False
        try:
            return bool(self._is_head_at_once(self.type, aggregate_id, version, event_id))
        except Exception:  # noqa: BLE001 `read` tells of it
            return False

    async def is_head(self, aggregate_id: UUID, head: Head) -> bool:
        """Whether this is the last event, as a store that confirms heads says, or by a read."""
        version, event_id = head
        if self.confirming is None:
            ids = await self.ids(aggregate_id, version, version + 1)
            return ids == {version: event_id.bytes}
        confirmed = self.confirming.is_head(self.type, aggregate_id, version, event_id)
        return await call_backend("the event store's is_head", self.store.timeout, confirmed)

    async def head(self, aggregate_id: UUID) -> Head | None:
        """The version and the id of the last event."""
        head = self.store.head(self.type, aggregate_id)
        return await call_backend("the event store's head", self.store.timeout, head)

    async def ids(self, aggregate_id: UUID, first: int, last: int) -> dict[int, bytes]:
        """The event ids by version, from `first` to `last`."""
        ids: dict[int, bytes] = {}
        async for rows in self.read(aggregate_id, first=first, last=last):
            ids.update((row[0], row[1]) for row in rows)
        return ids

    def streams(self, after: UUID | None = None) -> Chunks[UUID]:
        """The ids of the type's streams, ascending; `ConfigurationError` if they aren't listed."""
        store = self.store
        if not isinstance(store, ListsStreams):
            raise ConfigurationError(
                f"{type(store).__name__} can't list the streams of {self.type}: it has no method "
                "`ids`; name the aggregates' ids yourself"
            )
        return Chunks(store.ids(self.type, after=after), store.timeout, "the event store's ids")

    async def delete(self, aggregate_id: UUID, *, below: int | None = None) -> int:
        """Delete the whole stream, or its events with `version < below`; their number."""
        deleted = self.store.delete(self.type, aggregate_id, below=below)
        return await call_backend("the event store's delete", self.store.timeout, deleted)

    async def append(
        self, events: Sequence[StoredEvent], after: Head | None, *, is_proven: bool
    ) -> None:
        """Append the events under their ids; returns when they stand.

        After anything but a plain success the stream is asked who stands there: our ids (done),
        others (`ConcurrencyError`) or nobody (appended again under the same ids, a few times).
        Without the event of `after` nothing can be appended: a `ConcurrencyError`, too. Raises
        `AppendOutcomeUnknownError` if that can't be found out, and `BackendUnavailableError` if the
        store says that it has not stored them and will not; `is_proven` says that `after` was read
        from the stream, so that this isn't because of what a cache said.
        """
        store = self.store
        bound = None if self.ends_appends else store.timeout
        try:
            append = store.append(events, after=after)
            if bound is None:  # as `call_backend`, without a coroutine more
                try:
                    await append
                except BaseException as error:  # noqa: BLE001 it is raised again
                    translate(error, _APPEND, None)
            else:
                await call_backend(_APPEND, bound, append)
        except InterlockError as error:
            found_out = self._found_out(events, after, error, is_proven=is_proven)
            # With a timeout it is cancelled, which only a task of its own may be, see `to_the_end`.
            await (found_out if self.store.timeout is None else asyncio.create_task(found_out))

    async def _found_out(
        self,
        events: Sequence[StoredEvent],
        after: Head | None,
        failure: InterlockError,
        *,
        is_proven: bool,
    ) -> None:
        """Return when the events of an append that failed stand; append them again if need be."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                try:
                    append = self.store.append(events, after=after)
                    await call_backend(_APPEND, self.store.timeout, append)
                except InterlockError as error:
                    failure = error
                else:
                    return
            is_refused = attempt == 0 and _is_refusal(failure)
            if is_refused and is_proven:
                raise failure
            standing = await self._find_out(events, after, failure, is_first=attempt == 0)
            if standing is _Standing.OURS:
                self._reporting.count("append.reply_lost")
                return
            if standing is _Standing.OTHERS or isinstance(failure, ConcurrencyError):
                raise ConcurrencyError(
                    f"{events[0].aggregate_type} {events[0].aggregate_id}: wanted to append after "
                    f"{after}; that isn't the stream's head any more"
                ) from failure
            if is_refused:
                raise failure
            self._reporting.failed("append.retried", failure, events[0].aggregate_id)
            await asyncio.sleep(_PAUSE_SECONDS * 2**attempt)
        raise _unknown(events, f"{failure}")

    async def _find_out(
        self,
        events: Sequence[StoredEvent],
        after: Head | None,
        failure: InterlockError,
        *,
        is_first: bool,
    ) -> _Standing:
        first = events[0].version if after is None else after[0]
        for attempt in range(_ATTEMPTS):
            try:
                standing = await self.ids(events[0].aggregate_id, first, events[-1].version)
            except InterlockError as error:
                if is_first and (isinstance(failure, ConcurrencyError) or _is_refusal(failure)):
                    raise failure from error  # no earlier attempt of ours can have stored anything
                unanswered = error
                await asyncio.sleep(_PAUSE_SECONDS * 2**attempt)
            else:
                ours = {event.version: event.event_id.bytes for event in events}
                before = {} if after is None else {after[0]: after[1].bytes}
                if standing == before:
                    return _Standing.NONE
                return _Standing.OURS if standing.items() >= ours.items() else _Standing.OTHERS
        raise _unknown(events, f"{failure}; and to look for it: {unanswered}") from failure


def _is_refusal(failure: InterlockError) -> bool:
    return isinstance(failure, BackendUnavailableError) and failure.nothing_done


def _unknown(events: Sequence[StoredEvent], why: str) -> AppendOutcomeUnknownError:
    return AppendOutcomeUnknownError(
        f"{events[0].aggregate_type} {events[0].aggregate_id}: whether versions "
        f"{events[0].version} to {events[-1].version} were appended isn't known ({why}); look "
        "for the event ids before you dispatch the command again",
        event_ids=[event.event_id for event in events],
    )
