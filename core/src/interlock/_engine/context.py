"""The context that all services of one registered aggregate share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from interlock._engine.archive_reading import whole_stream
from interlock._engine.known_heads import KnownHeads
from interlock._engine.registration import Registration
from interlock._engine.replay_slots import ReplaySlots
from interlock._engine.reporting import Reporting
from interlock._engine.stream import EventStream
from interlock._storage.archive import Archive, ArchiveFile
from interlock._storage.event_protocols import EventStore
from interlock._storage.protocols import CacheStore, SnapshotStore
from interlock._storage.records import EventRow

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class TypeContext:
    """The stores, the knowledge and the settings of one registered aggregate.

    `cache` is None without a cache strategy, too. `snapshot_queue_size`, `queue_size` and
    `max_attempts` are the application's settings, `late_writes` those of all its types that go on
    behind the answers, `replay_slots` likewise all its. `archive` is None where the application
    names none.
    """

    registration: Registration
    stream: EventStream
    cache: CacheStore | None
    snapshots: SnapshotStore | None
    heads: KnownHeads
    reporting: Reporting
    clock: Clock
    max_attempts: int
    queue_size: int
    snapshot_queue_size: int
    late_writes: set[asyncio.Task[None]]
    replay_slots: ReplaySlots
    archive: Archive | None

    def archive_of(self, aggregate_id: UUID) -> ArchiveFile | None:
        """The archive of a stream, which may not be there yet; None where none are kept."""
        return None if self.archive is None else self.archive.file(self.stream.type, aggregate_id)

    def events(
        self, aggregate_id: UUID, first: int, last: int | None
    ) -> AsyncIterator[Sequence[EventRow]]:
        """The events with `first <= version <= last`, those that are archived, too."""
        file = self.archive_of(aggregate_id)
        if file is None:
            return self.stream.read(aggregate_id, first=first, last=last)
        return whole_stream(self.stream, file, first=first, last=last)

    @property
    def is_local(self) -> bool:
        """Whether a commit waits for no timeout that cancels it, and needs no task of its own.

        So it is where the other stores are local; snapshots of those that aren't are written
        behind it.
        """
        cache, snapshots = self.cache, self.snapshots
        return (
            (self.stream.ends_appends or _is_local(self.stream.store))
            and (cache is None or _is_local(cache))
            and (snapshots is None or not snapshots.is_local or _is_local(snapshots))
        )


def _is_local(store: EventStore | CacheStore | SnapshotStore) -> bool:
    return store.timeout is None and getattr(store, "is_local", False)
