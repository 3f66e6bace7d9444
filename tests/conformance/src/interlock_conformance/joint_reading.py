"""The checks of event stores that read a snapshot and the events after it together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from interlock.backends import (
    AggregateRecord,
    EventRow,
    EventStore,
    ReadsFromSnapshot,
    RecordKey,
    SnapshotStore,
    StoredEvent,
)
from interlock_conformance.checks import IF, check, expect, unless_raised
from interlock_conformance.event_chunks import expect_bounded
from interlock_conformance.harness import EventsHarness
from interlock_conformance.records import told
from interlock_conformance.streams import expect_rows_to_fold, extended, started

_JOINT = IF("read_from_snapshot", "snapshots")
_LONG = 1_200
"""Events: more than a page of whatever server."""


@check(
    "EVENTS-067",
    _JOINT,
    others="the two statements of `SnapshotStore.read` and `EventStore.read`, the second from the "
    "record's own version on, and page by page as ever",
)
async def snapshot_comes_with_its_tail(harness: EventsHarness) -> None:
    """`read_from_snapshot` gives the newest record and all events from its own on, or all."""
    async with _both(harness) as (store, snapshots):
        events = await started(store, _LONG)
        key = harness.key(events[0].aggregate_id)
        await _expect_both(store, snapshots, key, None, events)
        for version in (3, _LONG):
            record = _record_at(harness, key, events[version - 1])
            await snapshots.put(key, record)
            await _expect_both(store, snapshots, key, record, events)
        events = await extended(store, events, 2)
        await _expect_both(store, snapshots, key, record, events)
        other = await started(store, 2)
        await _expect_both(store, snapshots, harness.key(other[0].aggregate_id), None, other)


@check(
    "EVENTS-059",
    _JOINT,
    others="`last` bounds both: the record's version, and the versions of the events",
)
async def snapshot_and_tail_end_at_last(harness: EventsHarness) -> None:
    """With `last`, `read_from_snapshot` gives nothing above it: neither record nor event."""
    async with _both(harness) as (store, snapshots):
        events = await started(store, 9)
        key = harness.key(events[0].aggregate_id)
        record = _record_at(harness, key, events[4])
        await snapshots.put(key, record)
        for last, wanted in ((7, record), (5, record), (4, None), (1, None)):
            await _expect_both(store, snapshots, key, wanted, events[:last], last=last)


@asynccontextmanager
async def _both(harness: EventsHarness) -> AsyncIterator[tuple[EventStore, SnapshotStore]]:
    """The event store and the snapshot store that it reads, open."""
    async with AsyncExitStack() as stack:
        store, snapshots = await harness.make(), await harness.snapshots()
        expect(
            cast("ReadsFromSnapshot", store).keeps_beside(snapshots),
            "True from `keeps_beside` for the snapshot store that the test class gives",
            "False",
        )
        for each in (store, snapshots):
            await harness.enter(each, stack)
        yield store, snapshots


def _record_at(harness: EventsHarness, key: RecordKey, event: StoredEvent) -> AggregateRecord:
    return harness.record(key, event.version)._replace(last_event_id=event.event_id)


async def _expect_both(
    store: EventStore,
    snapshots: SnapshotStore,
    key: RecordKey,
    wanted: AggregateRecord | None,
    events: Sequence[StoredEvent],
    *,
    last: int | None = None,
) -> None:
    __tracebackhide__ = True
    rows: list[EventRow] = []
    with unless_raised("`read_from_snapshot` succeeds"):
        joint = cast("ReadsFromSnapshot", store).read_from_snapshot(snapshots, key, last=last)
        found, given = await joint
        chunks = [given] if isinstance(given, list) else [chunk async for chunk in given]
    for chunk in chunks:
        expect_bounded(chunk)
        rows += [EventRow(*row) for row in chunk]
    expect(found == wanted, f"{told(wanted)}, last={last}", told(found))
    tail = events if wanted is None else events[wanted.version - 1 :]
    expect_rows_to_fold(rows, [event.row() for event in tail])
