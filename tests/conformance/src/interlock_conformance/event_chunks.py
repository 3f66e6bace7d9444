"""The checks of event stores: how much one chunk of a read holds."""

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID, uuid4

from interlock.backends import EventRow, EventStore, ReadsMany, StoredEvent
from interlock_conformance.checks import IF, MUST, check, expect, unless_raised
from interlock_conformance.event_reading import CHUNK
from interlock_conformance.harness import EventsHarness
from interlock_conformance.hostile import MEBIBYTE
from interlock_conformance.records import NOTEBOOK, events_of, head_of
from interlock_conformance.streams import expect_rows, expect_rows_to_fold, extended, started

BYTES = 16 * MEBIBYTE
"""No chunk of several events has larger payloads; a store that has fewer in one is as right."""

_LARGE = 20
"""So many events of 1 MiB, which every store takes, are more than a chunk holds."""


@check(
    "EVENTS-055",
    MUST,
    others="end the page before the event that is too much: by a running sum of the lengths in the "
    "query, or row by row; the sizes of the page before don't tell those of the next",
)
async def chunks_are_bounded_in_bytes(harness: EventsHarness) -> None:
    """A chunk has no more than 16 MiB of payloads, or is a single event."""
    store = await harness.open()
    events = await _of_all_sizes(store)
    for first in (1, CHUNK + 1):  # the large ones come late, and at once
        found: list[EventRow] = []
        with unless_raised("a read of large events succeeds"):
            async for chunk in store.read(NOTEBOOK, events[0].aggregate_id, first=first):
                expect_bounded(chunk)
                found += [EventRow(*row) for row in chunk]
        expect_rows(found, [event.row() for event in events[first - 1 :]])


@check(
    "EVENTS-056",
    IF("read_many"),
    others="page over all the streams as over one, by id and version, and end a chunk where the id "
    "changes",
)
async def chunks_of_many_are_bounded(harness: EventsHarness) -> None:
    """A chunk of `read_many` has no more events, and no more bytes, than one of `read` may have."""
    store = await harness.open()
    large, small = await _of_all_sizes(store), await started(store, 3)
    first = {large[0].aggregate_id: 1, small[0].aggregate_id: 2, uuid4(): 1}
    found: Mapping[UUID, list[EventRow]] = {aggregate_id: [] for aggregate_id in first}
    with unless_raised("`read_many` of large events succeeds"):
        async for aggregate_id, chunk in cast("ReadsMany", store).read_many(NOTEBOOK, first):
            expect_bounded(chunk)
            found[aggregate_id].extend(EventRow(*row) for row in chunk)
    for events in (large, small[1:]):
        expect_rows_to_fold(found[events[0].aggregate_id], [event.row() for event in events])


async def _of_all_sizes(store: EventStore) -> Sequence[StoredEvent]:
    """A stream of small events, large ones and small ones, in this order."""
    events = list(await started(store, CHUNK))
    for place in range(_LARGE):
        payload = b'{"text":"%d%s"}' % (place % 10, b"x" * (MEBIBYTE - 12))
        aggregate_id, version = events[-1].aggregate_id, events[-1].version + 1
        large = events_of(aggregate_id, 1, first=version, payload=payload)
        with unless_raised("an append of an event of 1 MiB succeeds"):
            await store.append(large, after=head_of(events))
        events += large
    return await extended(store, events, 40)


def expect_bounded(chunk: Sequence[EventRow]) -> None:
    """Expect no more events, and no more bytes, than a chunk may have."""
    __tracebackhide__ = True
    size = sum(len(EventRow(*row).payload) for row in chunk)
    expect(
        len(chunk) <= CHUNK and (size <= BYTES or len(chunk) == 1),
        f"chunks of at most {CHUNK} events and {BYTES} bytes of payloads, or of one event",
        f"one of {len(chunk)} events with {size} bytes",
    )
