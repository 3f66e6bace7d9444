"""The checks of event stores: an append succeeds only behind the head that it names."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from interlock.backends import EventStore, StoredEvent
from interlock_conformance import (
    event_bad_days,
    event_calls,
    event_chunks,
    event_confirming,
    event_connections,
    event_content,
    event_deletion,
    event_doors,
    event_freezing,
    event_instances,
    event_listings,
    event_model,
    event_outages,
    event_races,
    event_reading,
    event_sizes,
    joint_reading,
)
from interlock_conformance.checks import MUST, check, expect
from interlock_conformance.harness import EventsHarness
from interlock_conformance.records import events_of, head_of
from interlock_conformance.streams import (
    expect_conflict,
    expect_stream,
    extended,
    head_at,
    rows_of,
    started,
    told_rows,
)

MODULES = (
    event_bad_days,
    event_calls,
    event_chunks,
    event_confirming,
    event_connections,
    event_content,
    event_deletion,
    event_doors,
    event_freezing,
    event_instances,
    event_listings,
    event_model,
    event_outages,
    event_races,
    event_reading,
    event_sizes,
    joint_reading,
)
"""The other checks of event stores."""

_ONE_STATEMENT = (
    "insert where the head's version and event id are those of `after`, in one statement"
)
_NONE_THERE = "insert where no event of the stream exists, in one statement"


@check(
    "EVENTS-001",
    MUST,
    others="insert all columns as they are given and select them in the order of the versions",
)
async def appended_events_are_read(harness: EventsHarness) -> None:
    """Events appended to a new stream are read, every field and in order."""
    store = await harness.open()
    await expect_stream(store, await started(store, 3))


@check("EVENTS-002", MUST, others=_ONE_STATEMENT)
async def wrong_head_conflicts(harness: EventsHarness) -> None:
    """An append behind an event that isn't the head raises `ConcurrencyError`."""
    store = await harness.open()
    events = await started(store, 3)
    late = events_of(events[0].aggregate_id, 1, first=3)
    await expect_conflict(store, late, after=head_of(events[:2]), why="the head is version 3")


@check("EVENTS-003", MUST, others="the guard is that the head is `after`, not that it is older")
async def append_behind_head(harness: EventsHarness) -> None:
    """Appends behind the head are read behind what stood there, in their order."""
    store = await harness.open()
    events = await started(store, 1)
    for count in (1, 3, 1):
        events = await extended(store, events, count)
    await expect_stream(store, events)


@check(
    "EVENTS-004",
    MUST,
    others=f"{_ONE_STATEMENT}; a unique key on the version alone accepts another branch",
)
async def other_branch_conflicts(harness: EventsHarness) -> None:
    """An append behind another event of the head's version raises `ConcurrencyError`."""
    store = await harness.open()
    events = await started(store, 3)
    more = events_of(events[0].aggregate_id, 1, first=4)
    await expect_conflict(
        store, more, after=(3, uuid4()), why="another event is the head at version 3"
    )


@check(
    "EVENTS-005",
    MUST,
    others=f"{_ONE_STATEMENT}; a unique key on the version alone accepts a hole",
)
async def hole_conflicts(harness: EventsHarness) -> None:
    """An append behind a version that the stream hasn't reached raises `ConcurrencyError`."""
    store = await harness.open()
    events = await started(store, 3)
    ahead = events_of(events[0].aggregate_id, 3, first=4)
    await expect_conflict(store, ahead[2:], after=head_of(ahead[:2]), why="the head is version 3")


@check("EVENTS-006", MUST, others="as EVENTS-002: the first append has moved the head")
async def repeat_conflicts(harness: EventsHarness) -> None:
    """The same append a second time raises `ConcurrencyError`."""
    store = await harness.open()
    events = await extended(store, await started(store, 2), 2)
    await expect_conflict(
        store, events[2:], after=head_of(events[:2]), why="these events stand there already"
    )


@check(
    "EVENTS-007",
    MUST,
    others="the statement's condition is that the event `after` exists; it holds for no new stream",
)
async def missing_stream_conflicts(harness: EventsHarness) -> None:
    """An append behind an event to a stream without events raises `ConcurrencyError`."""
    store = await harness.open()
    events = events_of(uuid4(), 4)
    await expect_conflict(
        store, events[3:], after=head_of(events[:3]), why="the stream has no events"
    )


@check("EVENTS-008", MUST, others=_NONE_THERE)
async def existing_stream_conflicts(harness: EventsHarness) -> None:
    """An append with `after=None` to a stream with events raises `ConcurrencyError`."""
    store = await harness.open()
    events = await started(store, 2)
    other = events_of(events[0].aggregate_id, 1)
    await expect_conflict(store, other, after=None, why="the head is version 2")


@check(
    "EVENTS-009",
    MUST,
    others=f"{_NONE_THERE}: at an archived stream's deleted versions no unique key stands guard",
)
async def archived_stream_conflicts(harness: EventsHarness) -> None:
    """An append with `after=None` where the first events were deleted is a conflict too."""
    store = await harness.open()
    events = await started(store, 4)
    await store.delete(events[0].aggregate_type, events[0].aggregate_id, below=3)
    other = events_of(events[0].aggregate_id, 1)
    await expect_conflict(store, other, after=None, why="the head is version 4")


@check(
    "EVENTS-010",
    MUST,
    others="check before anything is stored, or roll the transaction back",
)
async def conflict_leaves_nothing(harness: EventsHarness) -> None:
    """An append that conflicts leaves the stream as it was."""
    store = await harness.open()
    events = await started(store, 3)
    aggregate_id = events[0].aggregate_id
    attempts = [
        (events_of(aggregate_id, 2, first=4), (3, uuid4())),
        (events_of(aggregate_id, 3, first=3), head_of(events[:2])),
        (events_of(aggregate_id, 2, first=6), (5, uuid4())),
        (events_of(aggregate_id, 5), None),
    ]
    for more, after in attempts:
        await expect_conflict(store, more, after=after, why="the head is version 3")
        await expect_stream(store, events)
        head = await head_at(store, events[0])
        expect(head == head_of(events), f"the head {head_of(events)}", f"the head {head}")


@check(
    "EVENTS-011",
    MUST,
    others="one transaction, or one lock, around all events of an append",
)
async def append_is_whole(harness: EventsHarness) -> None:
    """The events of one append are seen all together or not at all."""
    store = await harness.open()
    events = await started(store, 4)
    writer = asyncio.create_task(_commits(store, events, 4))
    seen = set()
    while not writer.done():
        head = await head_at(store, events[0])
        seen.add(0 if head is None else head[0])
        await asyncio.sleep(0)
    whole = await writer
    parts = sorted(version for version in seen if version % 4)
    expect(not parts, "heads at multiples of 4 while 4 events at a time are appended", f"{parts}")
    found = await rows_of(store, events[0])
    expect(len(found) == whole, f"{whole} events", told_rows(found))


async def _commits(store: EventStore, events: Sequence[StoredEvent], count: int) -> int:
    for _ in range(8):
        events = await extended(store, events, count)
    return len(events)
