"""A snapshot and the tail behind it in one read, where the event store can."""

from interlock._engine.calls import bounded
from interlock._engine.known_heads import Floor
from interlock._engine.load_context import Ahead, Clock, Registration, Trail
from interlock._storage.protocols import EventStore, ReadsFromSnapshot, SnapshotStore
from interlock._storage.records import AggregateRecord, RecordKey


class ReadsAhead:
    """Reads the snapshots of one registered aggregate, each with its tail."""

    def __init__(
        self,
        events: EventStore,
        reader: ReadsFromSnapshot,
        snapshots: SnapshotStore,
        floor: Floor,
        clock: Clock,
    ) -> None:
        self._events = events
        self._reader = reader
        self._snapshots = snapshots
        self._floor = floor
        self._clock = clock

    async def read(self, key: RecordKey, last: int | None, trail: Trail) -> AggregateRecord | None:
        """The newest record; the tail behind it, or of the whole stream, goes on the trail."""
        noted, began = self._floor.head(key.aggregate_id), self._clock()
        record, chunks = await bounded(
            "the event store's read from a snapshot",
            self._events.timeout,
            self._reader.read_from_snapshot(self._snapshots, key, last=last),
        )
        first = 1 if record is None else max(record.version, 1)
        trail.ahead = Ahead(first, chunks, noted, began)
        return record


def reads_ahead(
    registration: Registration, events: EventStore, floor: Floor, clock: Clock
) -> ReadsAhead | None:
    """None where snapshots and events have to be read one after the other."""
    snapshots = registration.snapshots
    if (
        snapshots is None
        or not isinstance(events, ReadsFromSnapshot)
        or not events.keeps_beside(snapshots)
    ):
        return None
    return ReadsAhead(events, events, snapshots, floor, clock)
