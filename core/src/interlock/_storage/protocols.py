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
    RecordKey,
    Scope,
    Stamp,
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
    return variant(store, f"{name}_at_once", of=(name, *of))


def variant(store: object, name: str, *, of: Collection[str]) -> Any:  # Any: any signature
    """The store's method `name`, which does the same as the methods `of` for less; None without.

    Nor if a class that derives from the one that has it overrides one `of` these.
    """
    for cls in type(store).__mro__:
        if name in vars(cls):
            return getattr(store, name)
        if not vars(cls).keys().isdisjoint(of):
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
