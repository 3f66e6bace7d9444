"""The protocols of event stores: the one that each implements, and what it may do besides."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable
from uuid import UUID

from interlock._storage.protocols import SnapshotStore
from interlock._storage.records import AggregateRecord, EventRow, RecordKey, StoredEvent


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
class ReadsToFold(Protocol):
    """Optional for an event store: read events for less, since their metadata isn't wanted."""

    def read_to_fold(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        """Read as `EventStore.read` does; `metadata` may be left out, as `None`.

        A class that overrides `read` of one that has this is read by its own `read`.
        """
        ...


ReadEvents = AsyncIterator[Sequence[EventRow]] | list[EventRow]
"""The events of a read: chunks, or all of them."""


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
    ) -> tuple[AggregateRecord | None, ReadEvents]:
        """Read the key's newest record and the events after it, as of now or later.

        The record is what `SnapshotStore.read(key, last)` gives, the events are what
        `EventStore.read` gives from the record's version on (its own event comes first), or from
        version 1 if there is no record: in chunks, or as a list where they are no more than one
        chunk. They are folded, so `metadata` may be left out, as `None`. Raises as the two do.
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
        such events may be left out. It sees what `EventStore.read` sees. They are folded, so
        `metadata` may be left out, as `None`.
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
