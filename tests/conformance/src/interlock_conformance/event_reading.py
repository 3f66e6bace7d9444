"""The checks of event stores: what is read, of which stream, and what is left after a deletion."""

from typing import cast
from uuid import uuid4

from interlock.backends import EventRow, ReadsToFold
from interlock_conformance.checks import IF, MUST, check, expect, unless_raised
from interlock_conformance.harness import EventsHarness
from interlock_conformance.records import DIARY, NOTEBOOK, events_of, head_of
from interlock_conformance.streams import (
    expect_rows,
    expect_rows_to_fold,
    expect_stream,
    extended,
    head_at,
    rows_of,
    started,
    told_rows,
)

LONG = 20_000
CHUNK = 2_000
"""No chunk has more events; a store that has fewer in a chunk is as right."""

_WHOLE_KEY = "have a column for the namespace, the type and the id, and compare all three"


@check("EVENTS-012", MUST, others="where version >= first and version <= last, both inclusive")
async def range_is_inclusive(harness: EventsHarness) -> None:
    """A read between two versions gives both of them and what is between."""
    store = await harness.open()
    events = await started(store, 9)
    for first, last in ((3, 6), (1, 1), (9, 9), (4, None), (1, 8)):
        await expect_stream(store, events[first - 1 : last], first=first, last=last)


@check("EVENTS-029", MUST, others="test a bound by `is None`, never by its truth")
async def empty_range_is_empty(harness: EventsHarness) -> None:
    """A read that ends before it begins gives nothing, and so does one up to version 0."""
    store = await harness.open()
    events = await started(store, 5)
    for first, last in ((1, 0), (4, 3), (5, 1)):
        found = await rows_of(store, events[0], first=first, last=last)
        expect(not found, f"no events from version {first} to {last}", told_rows(found))


@check("EVENTS-013", MUST, others="ask for the next page behind the last version read")
async def long_stream_is_complete(harness: EventsHarness) -> None:
    """A read of a long stream gives every event, once and in order."""
    store, aggregate_id = await harness.open(), uuid4()
    events = events_of(aggregate_id, LONG, payload=b"{}")
    await store.append(events[: LONG // 2], after=None)
    await store.append(events[LONG // 2 :], after=head_of(events[: LONG // 2]))
    found = await rows_of(store, events[0])
    expect_rows(found, [event.row() for event in events])


@check(
    "EVENTS-109",
    IF("read_to_fold"),
    others="the statement of `read`, with null in the place of the metadata",
)
async def what_is_folded_is_what_is_read(harness: EventsHarness) -> None:
    """`read_to_fold` gives what `read` gives, of the same bounds; the metadata may be missing."""
    store = await harness.open()
    events = await started(store, CHUNK + 9)
    for first, last in ((1, None), (3, 6), (1, 1), (CHUNK, None), (5, 4)):
        found: list[EventRow] = []
        with unless_raised("`read_to_fold` succeeds"):
            async for chunk in cast("ReadsToFold", store).read_to_fold(
                NOTEBOOK, events[0].aggregate_id, first=first, last=last
            ):
                found += [EventRow(*row) for row in chunk]
        expect_rows_to_fold(found, [event.row() for event in events[first - 1 : last]])


@check(
    "EVENTS-014",
    MUST,
    others="read pages of 500 or 1,000 by the primary key, and give each as a chunk",
)
async def chunks_are_bounded(harness: EventsHarness) -> None:
    """A long stream is read in chunks of bounded size."""
    store = await harness.open()
    events = await started(store, 2 * CHUNK)
    chunks = store.read(events[0].aggregate_type, events[0].aggregate_id)
    sizes = [len(chunk) async for chunk in chunks]
    largest = max(sizes, default=0)
    expect(largest <= CHUNK, f"chunks of at most {CHUNK} events", f"one of {largest}")


@check("EVENTS-015", MUST, others="an iterator that ends at once; None; 0 rows deleted")
async def unknown_stream_is_empty(harness: EventsHarness) -> None:
    """A stream without events reads as empty, has no head, and nothing of it is deleted."""
    store, event = await harness.open(), events_of(uuid4(), 1)[0]
    found = await rows_of(store, event)
    expect(not found, "no events", told_rows(found))
    head = await head_at(store, event)
    expect(head is None, "no head: None", f"{head}")
    with unless_raised("a deletion that finds nothing succeeds"):
        deleted = await store.delete(event.aggregate_type, event.aggregate_id)
    expect(deleted == 0, "0 events deleted", f"{deleted}")


@check("EVENTS-016", MUST, others="bounds are conditions of the query, not positions in a list")
async def nothing_beyond_the_head(harness: EventsHarness) -> None:
    """A read that begins behind the head is empty; one that ends behind it ends with the head."""
    store = await harness.open()
    events = await started(store, 3)
    found = await rows_of(store, events[0], first=4)
    expect(not found, "no events from version 4", told_rows(found))
    found = await rows_of(store, events[0], first=900, last=1_000)
    expect(not found, "no events from version 900", told_rows(found))
    await expect_stream(store, events[1:], first=2, last=1_000)


@check("EVENTS-017", MUST, others="the version and the id of the last row, ordered descending")
async def head_is_last_event(harness: EventsHarness) -> None:
    """`head` gives the version and the id of the last event."""
    store = await harness.open()
    events = await started(store, 3)
    head = await head_at(store, events[0])
    expect(head == head_of(events), f"{head_of(events)}", f"{head}")


@check(
    "EVENTS-018",
    MUST,
    others="keep the version as an integer; where it must be text, pad it with zeros",
)
async def versions_are_numbers(harness: EventsHarness) -> None:
    """Versions are ordered and compared as numbers: 9, 10 and 100 are in this order."""
    store = await harness.open()
    events = await started(store, 9)
    events = await extended(store, await extended(store, events, 1), 91)
    head = await head_at(store, events[0])
    expect(head == head_of(events), "version 101 is the head", f"{head}")
    await expect_stream(store, events[8:101], first=9, last=101)
    await expect_stream(store, events)


@check(
    "EVENTS-019",
    MUST,
    others="read from where it is written: no replica, no cache of heads, no snapshot held open",
)
async def appends_are_seen_at_once(harness: EventsHarness) -> None:
    """Every append that was acknowledged is seen by the next `head` and the next read."""
    store = await harness.open()
    events = await started(store, 1)
    for _ in range(12):
        head = await head_at(store, events[0])
        expect(head == head_of(events), f"the head {head_of(events)}", f"{head}")
        await expect_stream(store, events)
        events = await extended(store, events)


@check("EVENTS-020", MUST, others=_WHOLE_KEY)
async def types_are_apart(harness: EventsHarness) -> None:
    """Streams of two types with one id don't meet."""
    store, aggregate_id = await harness.open(), uuid4()
    first = await started(store, 2, aggregate_type=NOTEBOOK, aggregate_id=aggregate_id)
    second = await started(store, 3, aggregate_type=DIARY, aggregate_id=aggregate_id)
    await expect_stream(store, first)
    await expect_stream(store, second)
    await store.delete(DIARY, aggregate_id)
    await expect_stream(store, first)


@check("EVENTS-021", MUST, others=_WHOLE_KEY)
async def ids_are_apart(harness: EventsHarness) -> None:
    """Streams of one type don't meet."""
    store = await harness.open()
    streams = [await started(store, count) for count in (2, 3, 4)]
    for events in streams:
        await expect_stream(store, events)
    await store.delete(NOTEBOOK, streams[1][0].aggregate_id)
    await expect_stream(store, streams[0])
    await expect_stream(store, streams[2])


@check(
    "EVENTS-028",
    MUST,
    others="compare bytes, with a binary collation: many a database's own ignores case, accents "
    "and spaces at the end",
)
async def alike_types_are_apart(harness: EventsHarness) -> None:
    """Streams of types that differ in case, an accent or a space at the end don't meet."""
    store, aggregate_id = await harness.open(), uuid4()
    types = ("Resume", "RESUME", "Resumé", "Resume ", "Re", "Resume_", "Resume%")
    streams = [
        await started(store, count, aggregate_type=name, aggregate_id=aggregate_id)
        for count, name in enumerate(types, 1)
    ]
    for events in streams:
        await expect_stream(store, events)


@check("EVENTS-022", IF("namespace"), others=_WHOLE_KEY)
async def namespaces_are_apart(harness: EventsHarness) -> None:
    """Streams of one type and id in two namespaces don't meet."""
    aggregate_id = uuid4()
    store = await harness.open(namespace=f"{harness.namespace}-a")
    other = await harness.open(namespace=f"{harness.namespace}-b")
    first = await started(store, 2, aggregate_id=aggregate_id)
    second = await started(other, 3, aggregate_id=aggregate_id)
    await expect_stream(store, first)
    await expect_stream(other, second)
    await other.delete(NOTEBOOK, aggregate_id)
    await expect_stream(store, first)


@check("EVENTS-023", MUST, others="delete by the stream's key, and count the rows")
async def deleted_stream_is_gone(harness: EventsHarness) -> None:
    """A deleted stream has no event and no head; the number of its events is told."""
    store = await harness.open()
    events = await started(store, 3)
    deleted = await store.delete(events[0].aggregate_type, events[0].aggregate_id)
    expect(deleted == 3, "3 events deleted", f"{deleted}")
    found = await rows_of(store, events[0])
    expect(not found, "no events", told_rows(found))
    head = await head_at(store, events[0])
    expect(head is None, "no head: None", f"{head}")


@check("EVENTS-024", MUST, others="keep nothing of a stream but its events")
async def deleted_stream_begins_anew(harness: EventsHarness) -> None:
    """After its deletion a stream begins at version 1 again."""
    store = await harness.open()
    events = await started(store, 3)
    await store.delete(events[0].aggregate_type, events[0].aggregate_id)
    again = await started(store, 2, aggregate_id=events[0].aggregate_id)
    await expect_stream(store, again)


@check("EVENTS-025", MUST, others="where version < below; the rest isn't renumbered")
async def archived_stream_keeps_its_versions(harness: EventsHarness) -> None:
    """A deletion below a version leaves that version and what is behind it, as they were."""
    store = await harness.open()
    events = await started(store, 6)
    deleted = await store.delete(events[0].aggregate_type, events[0].aggregate_id, below=4)
    expect(deleted == 3, "3 events deleted, versions 1 to 3", f"{deleted}")
    await expect_stream(store, events[3:])
    await expect_stream(store, events[4:5], first=5, last=5)
    head = await head_at(store, events[0])
    expect(head == head_of(events), f"the head {head_of(events)}", f"{head}")


@check("EVENTS-036", MUST, others="test a bound by `is None`: 0 isn't the whole stream")
async def nothing_is_below_the_first(harness: EventsHarness) -> None:
    """A deletion below version 0 or 1 deletes nothing."""
    store = await harness.open()
    events = await started(store, 3)
    for below in (0, 1):
        deleted = await store.delete(NOTEBOOK, events[0].aggregate_id, below=below)
        expect(deleted == 0, f"0 events deleted below version {below}", f"{deleted}")
        await expect_stream(store, events)


@check("EVENTS-026", MUST, others="take the next version from the head, not from a count of rows")
async def archived_stream_goes_on(harness: EventsHarness) -> None:
    """Behind the head of a stream whose first events were deleted events are appended as ever."""
    store = await harness.open()
    events = await started(store, 4)
    await store.delete(events[0].aggregate_type, events[0].aggregate_id, below=4)
    events = await extended(store, events, 2)
    await expect_stream(store, events[3:])


@check(
    "EVENTS-027",
    MUST,
    others="copy what is given, hand out copies or what can't be changed",
)
async def nothing_is_shared(harness: EventsHarness) -> None:
    """Changing the list that was given, or one that was read, changes no stream."""
    store = await harness.open()
    events = list(events_of(uuid4(), 3))
    await store.append(events, after=None)
    kept = list(events)
    events.clear()
    for read in (1, 2):
        async for chunk in store.read(NOTEBOOK, kept[0].aggregate_id):
            if isinstance(chunk, list):
                chunk.clear()
        found = await rows_of(store, kept[0])
        expect(len(found) == 3, "3 events", f"{told_rows(found)} after read {read}")
