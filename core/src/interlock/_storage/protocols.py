"""The protocols that a backend implements.

Whoever implements one need not derive from it. The two aggregate-level protocols are for plain
classes; their record-level siblings, which move opaque records, are what the loader talks to.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from interlock._model.aggregate import Aggregate
from interlock._storage.records import (
    AggregateRecord,
    EventRow,
    RecordKey,
    Scope,
    Stamp,
    StoredEvent,
)


@runtime_checkable
class AggregateSnapshotStorageBackend(Protocol):
    """Keeps snapshots of aggregates, durably.

    The aggregate given is a private copy; the one returned is copied by the core. Its JSON
    (`model_dump_json`) carries a stamp, and `model_validate_json` checks it: an aggregate without a
    stamp, or of another type, id or revision, is passed over. A `ValidationError` means an unusable
    snapshot, any other exception that the store is unavailable.
    """

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        """Keep a snapshot; it may replace an older one of the same aggregate."""
        ...

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        """Load the newest snapshot; None if there is none.

        With `intended_version` it is the newest at or below that version.
        """
        ...


@runtime_checkable
class AggregateCacheBackend(Protocol):
    """Keeps recently loaded aggregates; may forget any of them at any time.

    What `AggregateSnapshotStorageBackend` says of copies, stamps and exceptions holds here too.
    """

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        """Get the cached aggregate; None if there is none."""
        ...

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        """Cache the aggregate, replacing the one that was cached under its id."""
        ...

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        """Forget the aggregate; nothing happens if it isn't cached."""
        ...


class Closeable(Protocol):
    """Optional methods of a backend that holds connections; others leave both out.

    After a close, or an `open` that failed, it may be opened again, by another event loop: what
    belongs to a loop (locks, tasks, connections) is made in `open`. A backend that can't raises
    `ConfigurationError` there.
    """

    async def open(self) -> None:
        """Connect. Called once on start, in the process and the event loop of all later calls."""
        ...

    async def close(self) -> None:
        """Disconnect. Called once, after the last call."""
        ...


class CacheStore(Protocol):
    """A cache of encoded records, which loads read and write.

    Raises `RecordUnusableError` for an entry that can't be a record, `BackendUnavailableError` for
    everything else.
    """

    @property
    def timeout(self) -> timedelta | None:
        """How long a call may take before it counts as failed; None for any time."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether it answers within this process, without waiting."""
        ...

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        """Read the entry of the key; None if there is none."""
        ...

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        """Read the entries of the keys; missing and unusable entries are left out."""
        ...

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """Store the record atomically, unless the entry of the key is newer.

        First an entry whose stamp is in `supersedes` is removed. Then: an older version is
        replaced, a newer one is left, and of the same version with the same last event the later
        `verified_at` is kept. The same version with another last event, or an unusable entry, is
        replaced. Raises `RecordTooLargeError` once nothing stands there any more. A time to live
        counts from the put that stored the record: neither reads nor refused puts renew it.
        """
        ...

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        """Remove the entry; with a stamp only if it is the entry's."""
        ...


class AnswersAtOnce(Protocol):
    """Optional for a local cache: its calls without a coroutine.

    A class that overrides `read` or `put` and not these is asked by its own.
    """

    def read_at_once(self, key: RecordKey) -> AggregateRecord | None:
        """As `CacheStore.read`."""
        ...

    def put_at_once(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """As `CacheStore.put`."""
        ...


def at_once(store: object, name: str, *, of: Collection[str] = ()) -> Any:  # Any: any signature
    """The store's method `<name>_at_once`; None without one.

    Nor if a class that derives from the one that has it overrides the method `name`, or one `of`
    these: then its own are called.
    """
    for cls in type(store).__mro__:
        if f"{name}_at_once" in vars(cls):
            return getattr(store, f"{name}_at_once")
        if not vars(cls).keys().isdisjoint({name, *of}):
            break
    return None


@runtime_checkable
class ChangeNotifier(Protocol):
    """Optional for a shared cache: report other processes' changes to the tier in front of it."""

    async def watch(self, changed: Callable[[str], None], reset: Callable[[], None]) -> None:
        """Report changes until the backend is closed; called once, after `open`.

        `changed` gets the `RecordKey.text()` of each entry that somebody put or removed; this
        backend's own doing needs no telling. `reset` is called when the channel breaks, and again
        when it is connected anew, before the first change that comes over it. Both return at once
        and don't raise. A channel that can't be had yet is tried again later, and raises nothing.
        """
        ...


class SnapshotStore(Protocol):
    """A store of encoded snapshots, which loads read and write.

    Errors, `timeout` and `is_local` are as in `CacheStore`.
    """

    @property
    def timeout(self) -> timedelta | None:
        """How long a call may take before it counts as failed; None for any time."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether it answers within this process, without waiting."""
        ...

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        """Read the newest record, with `at_or_below` up to that version; None if there is none.

        For an unusable one `RecordUnusableError` tells its version, so that the next can be asked
        for.
        """
        ...

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        """Read the newest record of each key; missing and unusable records are left out."""
        ...

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """Store the record under its version in one transaction, replacing that version.

        First the records whose stamps are in `supersedes` are removed. An older record than the
        newest is kept only if it is among the newest `keep` of its revision. Then retention
        applies. A store without transactions writes before it removes: who is killed in between
        leaves more records, never fewer.
        """
        ...

    async def revisions(self, key: RecordKey) -> Collection[str]:
        """List the revisions that the key's aggregate has records of, the latest taken first."""
        ...

    async def prune(self, scope: Scope) -> int:
        """Apply retention to all revisions of the scope's type; return how many records it removed.

        The last record of an aggregate is never removed.
        """
        ...


@runtime_checkable
class Forgetful(Protocol):
    """Optional for a snapshot store: forget an aggregate."""

    async def forget(self, key: RecordKey) -> int:
        """Remove all records of the key's aggregate, of any revision; return their number.

        A tombstone is kept for a day: a put of a record whose `taken_at` isn't after it leaves no
        record, and raises no error. It stands before the first record goes, and whoever puts while
        this runs leaves none either. Raises `ConfigurationError` if it can't.
        """
        ...


@runtime_checkable
class ListsIds(Protocol):
    """Optional for a snapshot store: list the aggregates that it has snapshots of, for tools."""

    def ids(self, scope: Scope) -> AsyncIterator[UUID]:
        """List the ids of the aggregates with a record in the scope, each once, in any order."""
        ...


@runtime_checkable
class RemovesOne(Protocol):
    """Optional for a snapshot store: remove one record, for tools."""

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        """Remove the record with this stamp; nothing happens if there is none."""
        ...


@runtime_checkable
class TellsNewest(Protocol):
    """Optional for a snapshot store: tell when the newest snapshots were taken."""

    async def newest(self, namespace: str) -> Mapping[str, datetime]:
        """Tell when the newest record of each aggregate type was taken, of any revision.

        It may scan the whole store: it serves tools, not loads.
        """
        ...


class EventStore(Protocol):
    """Stores streams of events durably, and decides which of two concurrent appends succeeds.

    `read` and `head` see every append acknowledged before they began: a lagging replica is no event
    store. Raises `BackendUnavailableError` where it can't answer. One that answers within this
    process, without waiting, may say so by `is_local`, as caches do, and one whose appends end
    within its `timeout`, also when nobody cancels them, by `ends_appends`: commands then need no
    task to protect their commits. One that can tell without waiting whether an event is the head
    may do so in `is_head_at_once(aggregate_type, aggregate_id, version, event_id)`; False where it
    isn't, or where that can't be told.
    """

    @property
    def timeout(self) -> timedelta | None:
        """How long a call may take before it counts as failed; None for any time."""
        ...

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        """Append the events, all or none, if the stream's head is exactly `after`.

        `after` is the head's (version, event id).
        `after=None` asks for a stream without events. The events are of one stream, with contiguous
        versions from `after`'s. Raises `ConcurrencyError` if the head is another;
        `BackendUnavailableError(nothing_done=True)` if nothing was stored nor will be. After any
        other exception the outcome counts as unknown.

        The comparison is made when the events are stored, so an append that was given up and comes
        late is a conflict or whole. An event's id may stand in other streams.
        """
        ...

    def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        """Read the events with `first <= version <= last` in chunks, in the order of versions.

        A chunk has no more than 2,000 events, and no more than 16 MiB of payloads unless it is a
        single event.
        """
        ...

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        """Read the version and id of the last event; None for a stream without events."""
        ...

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        """Delete the stream, or its events with `version < below`; return how many it deleted.

        Those of exactly this type and id go, as a whole: a read beside it sees the stream before or
        after.
        What is appended at the same time goes with it, or is a conflict: no event is left behind
        one that is gone.
        """
        ...


@runtime_checkable
class ReadsFromSnapshot(Protocol):
    """Optional for an event store: read a snapshot and the events after it together.

    A store whose events and snapshots are in one database answers a cold load in one round trip.
    """

    def keeps_beside(self, snapshots: SnapshotStore) -> bool:
        """Whether this snapshot store can be read so; asked once, before it is opened."""
        ...

    async def read_from_snapshot(
        self, snapshots: SnapshotStore, key: RecordKey, *, last: int | None = None
    ) -> tuple[AggregateRecord | None, AsyncIterator[Sequence[EventRow]]]:
        """Read the key's newest record and the events after it, as of now or later.

        The record is what `SnapshotStore.read(key, last)` gives, the events are what
        `EventStore.read` gives from the record's version on (its own event comes first), or from
        version 1 if there is no record. Raises as the two do.
        """
        ...


@runtime_checkable
class ReadsMany(Protocol):
    """Optional for an event store: read the tails of many streams at once."""

    def read_many(
        self, aggregate_type: str, first: Mapping[UUID, int]
    ) -> AsyncIterator[tuple[UUID, Sequence[EventRow]]]:
        """Read the events of many streams in chunks; `first` has each id's first version.

        A chunk is of one id, and no larger than one of `EventStore.read`.
        The chunks of one id are consecutive and ascending, the ids come in any order; an id without
        such events may be left out. It sees what `EventStore.read` sees.
        """
        ...


@runtime_checkable
class ConfirmsHead(Protocol):
    """Optional for an event store: tell whether an event is still the head, for less than a read.

    A cached state under `FastForward` is then confirmed instead of read on from, and so is the
    state on which a command decided that stores nothing.
    """

    async def is_head(
        self, aggregate_type: str, aggregate_id: UUID, version: int, event_id: UUID
    ) -> bool:
        """Tell whether the stream's last event is this one, at a moment after the call began.

        True is as good as a `head` that was read: it sees every append acknowledged before.
        False where another event is the last, or none. Beside appends it may also be False of the
        head, which costs a read then, or a second run of the handler. Raises
        `BackendUnavailableError` where it can't answer.
        """
        ...


@runtime_checkable
class Freezes(Protocol):
    """Optional for an event store: make its namespace read-only, so that it can be moved.

    Appends and deletions of every process then raise `BackendUnavailableError`, with `nothing_done`
    (`frozen` makes it). Reads go on. It holds until somebody thaws it, whatever restarts.
    """

    async def freeze(self) -> None:
        """Refuse appends and deletions from now on; frozen already, it stays so.

        What began before has ended when this returns: it stands, or was refused. Raises
        `BackendUnavailableError`, and leaves the namespace as it was, where others' writes don't
        end within 5 seconds.
        """
        ...

    async def thaw(self) -> None:
        """Take appends and deletions again; nothing happens if it isn't frozen."""
        ...

    async def frozen_since(self) -> datetime | None:
        """Tell when it was frozen, in UTC; None if it isn't."""
        ...


@runtime_checkable
class ListsStreams(Protocol):
    """Optional for an event store: list the streams that it has, for tools."""

    def ids(self, aggregate_type: str, *, after: UUID | None = None) -> AsyncIterator[UUID]:
        """List the ids of the type's streams in ascending order, those greater than `after`.

        A stream is listed once if it has an event, also if its first ones were deleted. One that
        begins or goes while this runs may be listed or not. Nothing is held open between two ids,
        and memory doesn't grow with their number.
        """
        ...
