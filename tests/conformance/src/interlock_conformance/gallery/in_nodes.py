"""Correct backends at the nodes of a cluster, for the bugs of stores with several doors."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    ConcurrencyError,
    EventRow,
    RecordCacheBackend,
    RecordKey,
    RecordSnapshotBackend,
    Scope,
    Stamp,
    StoredEvent,
    in_chunks,
    newer,
)


class Entry(NamedTuple):
    """What the nodes agreed on: a change of a key's value, which touches parts of it."""

    key: object
    parts: frozenset[object]
    change: Callable[[Any], Any]  # Any: of a value
    origin: "Node"


class Node:
    """A node: it takes writes, and has the values as of a place in what was agreed on."""

    def __init__(self, log: list[Entry]) -> None:
        self._log = log
        self._values: dict[object, Any] = {}  # Any: as above
        self._applied = 0
        self._is_running = True

    async def value(self, key: object) -> Any:  # Any: as above
        """The value of a key, with all that was agreed on before."""
        self._expect_running()
        self._catch_up()
        return self._values.get(key)

    async def commit(
        self, key: object, decide: Callable[[Any], tuple[Collection[object], Callable[[Any], Any]]]
    ) -> None:
        """Change a value by what `decide` makes of it: parts and a change.

        It is decided anew where another node was first.
        """
        while True:
            found = await self.value(key)
            seen = len(self._log)
            parts, change = decide(found)
            entry = Entry(key, frozenset(parts), change, self)
            await asyncio.sleep(0)  # on its way to the other nodes
            self._expect_running()
            if not any(self._clashes(entry, other) for other in self._log[seen:]):
                self._log.append(entry)
                return

    def stop(self) -> None:
        """Answer nobody any more."""
        self._is_running = False

    def wake(self) -> None:
        """Answer again, with what the node knew before."""
        self._is_running = True

    def replace(self) -> None:
        """Become a new node, which knows nothing yet."""
        self._values, self._applied = {}, 0
        self._is_running = True

    def _clashes(self, entry: Entry, other: Entry) -> bool:
        return entry.key == other.key

    def _catch_up(self) -> None:
        for entry in self._log[self._applied :]:
            self._values[entry.key] = entry.change(self._values.get(entry.key))
        self._applied = len(self._log)

    def _expect_running(self) -> None:
        if not self._is_running:
            raise BackendUnavailableError("the node was stopped", nothing_done=True)


class Events:
    """Keeps streams, see `interlock.backends.EventStore`."""

    timeout: timedelta | None = None

    def __init__(self, node: Node) -> None:
        self._node = node

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        added = tuple(event.row() for event in events)

        def decide(rows: Any) -> tuple[Collection[object], Callable[[Any], Any]]:  # Any: or None
            if _head(rows or ()) != after:
                raise ConcurrencyError(f"the head is {_head(rows or ())}, not {after}")
            return [row.version for row in added], lambda found: (*(found or ()), *added)

        await self._node.commit((events[0].aggregate_type, events[0].aggregate_id), decide)

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        rows = await self._node.value((aggregate_type, aggregate_id)) or ()
        bound = 2**62 if last is None else last
        for chunk in in_chunks(row for row in rows if first <= row.version <= bound):
            yield chunk

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        return _head(await self._node.value((aggregate_type, aggregate_id)) or ())

    async def is_head(
        self, aggregate_type: str, aggregate_id: UUID, version: int, event_id: UUID
    ) -> bool:
        found = await self._node.value((aggregate_type, aggregate_id))
        return _head(found or ()) == (version, event_id)

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        bound, gone = 2**62 if below is None else below, set[object]()

        def decide(rows: Any) -> tuple[Collection[object], Callable[[Any], Any]]:  # Any: as above
            gone.clear()
            gone.update(row.version for row in rows or () if row.version < bound)
            return gone, lambda found: tuple(r for r in found or () if r.version not in gone)

        await self._node.commit((aggregate_type, aggregate_id), decide)
        return len(gone)


class _Records:
    """The newest record of each key."""

    timeout: timedelta | None = None

    def __init__(self, node: Node) -> None:
        self._node = node

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        def decide(found: Any) -> tuple[Collection[object], Callable[[Any], Any]]:  # Any: as above
            is_free = found is None or found.stamp in supersedes
            kept = record if is_free else newer(found, record)
            return [key], lambda _: kept

        await self._node.commit(key, decide)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        def decide(found: Any) -> tuple[Collection[object], Callable[[Any], Any]]:  # Any: as above
            kept = None if found is None or stamp in (None, found.stamp) else found
            return [key], lambda _: kept

        await self._node.commit(key, decide)


class Cache(_Records, RecordCacheBackend):
    """Keeps records, see `interlock.backends.CacheStore`."""

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        found: AggregateRecord | None = await self._node.value(key)
        return found

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        found = {key: await self._node.value(key) for key in keys}
        return {key: record for key, record in found.items() if record is not None}


class Snapshots(_Records, RecordSnapshotBackend):
    """Keeps the newest record of each key, see `interlock.backends.SnapshotStore`."""

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        found: AggregateRecord | None = await self._node.value(key)
        is_above = found is not None and at_or_below is not None and found.version > at_or_below
        return None if is_above else found

    async def revisions(self, key: RecordKey) -> Collection[str]:
        return [] if await self.read(key) is None else [key.revision]

    async def prune(self, scope: Scope) -> int:
        return 0


def _head(rows: Sequence[EventRow]) -> tuple[int, UUID] | None:
    return (rows[-1].version, UUID(bytes=rows[-1].event_id)) if rows else None
