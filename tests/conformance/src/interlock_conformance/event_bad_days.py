"""The checks of event stores: a lock that another has, a disk that fails, descriptors that stay."""

from functools import partial
from uuid import uuid4

from interlock.backends import BackendUnavailableError, EventStore
from interlock_conformance.bad_days import (
    CLOSED,
    FAILED,
    OFF_THE_LOOP,
    expect_few_descriptors,
    expect_patience,
    opened_in_time,
)
from interlock_conformance.checks import IF, MUST, check, expect
from interlock_conformance.event_network import UNKNOWN, all_of, calls, expect_honest, healed_head
from interlock_conformance.harness import EventsHarness
from interlock_conformance.network import answered, outcome, told_outcome
from interlock_conformance.records import NOTEBOOK, events_of, head_of
from interlock_conformance.streams import started


@check("EVENTS-140", IF("hold"), others=OFF_THE_LOOP)
async def lock_is_waited_for_off_the_loop(harness: EventsHarness) -> None:
    """A call that meets another's lock waits for it, and other tasks of the loop go on."""
    store = await harness.open()
    await expect_patience(harness, store, calls(store, events_of(uuid4(), 2)))


@check(
    "EVENTS-141",
    IF("hold"),
    others="tell the driver's error of a lock from that of a key that is taken; a conflict says "
    "that the head was looked at, and is another",
)
async def lock_that_stays_is_no_conflict(harness: EventsHarness) -> None:
    """While another keeps its lock an append raises `BackendUnavailableError`, no conflict."""
    store = await opened_in_time(harness)
    events = events_of(uuid4(), 2)
    await answered(store, partial(store.append, events, after=None), "an append succeeds")
    more = events_of(events[0].aggregate_id, 2, first=3)
    async with harness.hold(store):
        result = await outcome(store, store.append(more, after=head_of(events)))
    expect(
        isinstance(result, BackendUnavailableError),
        "BackendUnavailableError from an append that never had the lock",
        told_outcome(result),
    )
    other = events_of(uuid4(), 1)  # what was handed over before it has ended
    await answered(store, partial(store.append, other, after=None), "an append succeeds")
    await expect_honest(store, events, more, result)


@check("EVENTS-142", IF("break_"), others=FAILED)
async def failing_disk_is_an_outage(harness: EventsHarness) -> None:
    """While the disk fails no stream is empty, without a head or shorter than it is."""
    store = await harness.open()
    events = await started(store, 3)
    aggregate_id = events[0].aggregate_id
    async with harness.break_(store):
        head = await outcome(store, store.head(NOTEBOOK, aggregate_id))
        rows = await outcome(store, all_of(store, aggregate_id))
    wanted = (("head", head, head_of(events)), ("read", rows, [event.row() for event in events]))
    for name, result, right in wanted:
        expect(
            isinstance(result, BackendUnavailableError) or result == right,
            f"BackendUnavailableError from `{name}`, or what stands there",
            told_outcome(result),
        )
    found = await healed_head(store, aggregate_id)
    expect(found == head_of(events), f"the head {head_of(events)}", f"{found}")


@check("EVENTS-143", IF("break_"), others=UNKNOWN)
async def failed_commit_is_no_denial(harness: EventsHarness) -> None:
    """After an append whose commit failed nobody says that nothing was done, if it was."""
    store = await harness.open()
    for size in (1, 3):
        events = await started(store, 2)
        more = events_of(events[0].aggregate_id, size, first=3)
        async with harness.break_(store):
            result = await outcome(store, store.append(more, after=head_of(events)))
        await expect_honest(store, events, more, result)


@check("EVENTS-144", MUST, others=CLOSED)
async def descriptors_are_closed(harness: EventsHarness) -> None:
    """Calls, and lives from `open` to `close`, leave no descriptor open."""

    async def use(store: EventStore) -> None:
        events = await started(store, 1)
        await store.head(NOTEBOOK, events[0].aggregate_id)
        await all_of(store, events[0].aggregate_id)

    await expect_few_descriptors(harness, use)
