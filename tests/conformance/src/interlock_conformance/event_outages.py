"""The bad days of a server: what event stores make of them. See `outages.py`."""

import asyncio
from collections.abc import Mapping
from uuid import UUID, uuid4

from interlock.backends import BackendUnavailableError, EventRow, EventStore
from interlock_conformance.checks import IF, check, expect
from interlock_conformance.event_network import (
    UNKNOWN,
    calls,
    connected,
    expect_honest,
    healed_head,
)
from interlock_conformance.harness import EventsHarness
from interlock_conformance.network import (
    GRACE_SECONDS,
    PATIENCE_SECONDS,
    TIMEOUT_SECONDS,
    expect_turns,
    outcome,
    told_outcome,
)
from interlock_conformance.outages import FRESH, MOST_TRIPS, UNAVAILABLE
from interlock_conformance.records import NOTEBOOK, events_of, head_of
from interlock_conformance.streams import expect_stream, extended, rows_of, started


@check("EVENTS-080", IF("network"), others=UNAVAILABLE)
async def refused_is_unavailable(harness: EventsHarness) -> None:
    """While the server refuses connections each call raises `BackendUnavailableError`, in time."""
    net, store = await connected(harness)
    net.proxy.refuse()
    for name, call in calls(store, events_of(uuid4(), 1)).items():
        for _ in range(2):  # on the connection that there was, and on none
            result = await outcome(store, call())
            expect(
                isinstance(result, BackendUnavailableError),
                f"BackendUnavailableError from `{name}` while the server is down",
                told_outcome(result),
            )
    net.proxy.heal()


@check(
    "EVENTS-081",
    IF("network"),
    others="let `timeout` say how long a call may take, wait for the server with `await`, and let "
    "`CancelledError` pass: the core ends the call by it",
)
async def silence_ends_at_the_timeout(harness: EventsHarness) -> None:
    """A call that the server never answers ends at the timeout, with `BackendUnavailableError`."""
    net, store = await connected(harness, seconds=TIMEOUT_SECONDS)
    expect(store.timeout is not None, "a `timeout`: a network may be silent", "None")
    assert store.timeout is not None
    named = calls(store, events_of(uuid4(), 1))
    for name in ("head", "append"):
        net.proxy.silence(seconds=store.timeout.total_seconds() + GRACE_SECONDS + 1)
        result = await outcome(store, named[name]())
        net.proxy.heal()
        expect(
            isinstance(result, BackendUnavailableError),
            f"BackendUnavailableError from `{name}`",
            told_outcome(result),
        )


@check(
    "EVENTS-082",
    IF("network"),
    others="an asynchronous driver; or a thread for each call, `asyncio.to_thread` or an executor",
)
async def waiting_holds_up_nobody(harness: EventsHarness) -> None:
    """While a call waits for the server other tasks of the loop go on."""
    net, store = await connected(harness)
    await expect_turns(net, outcome(store, store.head(NOTEBOOK, uuid4())))


@check(
    "EVENTS-083", IF("network"), others=f"a part of a reply is an error of the connection. {FRESH}"
)
async def half_a_reply_is_no_answer(harness: EventsHarness) -> None:
    """A reply that breaks off is an outage: no head, no stream without events, no shorter one."""
    net, store = await connected(harness)
    events, other = await started(store, 3), await started(store, 2)
    aggregate_id = events[0].aggregate_id
    wanted: Mapping[str, object] = {
        "head": head_of(events),
        "read": [event.row() for event in events],
    }
    for name, right in wanted.items():
        for share in (0, 0.5, 1):
            await healed_head(store, aggregate_id)
            net.proxy.cut_reply(share=share)
            result = await outcome(store, calls(store, events)[name]())
            net.proxy.heal()
            expect(
                isinstance(result, BackendUnavailableError) or result == right,
                f"BackendUnavailableError from `{name}`, or what stands there",
                told_outcome(result),
            )
            head = await healed_head(store, other[0].aggregate_id)
            expect(head == head_of(other), f"the head {head_of(other)} by the next call", f"{head}")


@check(
    "EVENTS-084",
    IF("network"),
    others="let the page's error leave the iterator, or ask for the page again",
)
async def broken_read_is_not_complete(harness: EventsHarness) -> None:
    """A read that breaks in the middle raises or goes on; it never ends as if that were all."""
    net, store = await connected(harness)
    events = events_of(uuid4(), 3_000)
    await store.append(events, after=None)
    wanted = [event.row() for event in events]
    for size in (100, 40_000, 120_000):
        await healed_head(store, events[0].aggregate_id)
        net.proxy.cut_replies_after(size)
        found: list[EventRow] = []
        result = await outcome(store, _collect(store, events[0].aggregate_id, found))
        net.proxy.heal()
        expect(found == wanted[: len(found)], "the first of the events", f"{len(found)} others")
        expect(
            isinstance(result, BackendUnavailableError) or len(found) == len(wanted),
            f"BackendUnavailableError, or all of {len(wanted)} events",
            f"{told_outcome(result)} after {len(found)} events",
        )


async def _collect(store: EventStore, aggregate_id: UUID, found: list[EventRow]) -> None:
    async for chunk in store.read(NOTEBOOK, aggregate_id):
        found += [EventRow(*row) for row in chunk]


@check("EVENTS-085", IF("network"), others=FRESH)
async def late_reply_answers_nobody_else(harness: EventsHarness) -> None:
    """After a call was given up, its reply, which comes late, is no answer to the next one."""
    net, store = await connected(harness)
    streams = [await started(store, count) for count in (2, 3)]
    for share in (0, 0.5):
        for events in streams:
            await healed_head(store, events[0].aggregate_id)
        net.proxy.hold_reply(share=share)
        call = asyncio.ensure_future(store.head(NOTEBOOK, streams[0][0].aggregate_id))
        await net.proxy.until(lambda: net.proxy.is_holding)
        call.cancel()
        await asyncio.wait([call], timeout=PATIENCE_SECONDS)
        net.proxy.release()
        for events in (streams[1], streams[0]):
            head = await healed_head(store, events[0].aggregate_id)
            expect(head == head_of(events), f"the head {head_of(events)}", f"{head}")
            await expect_stream(store, events)


@check("EVENTS-086", IF("network"), others=UNKNOWN)
async def lost_reply_is_no_denial(harness: EventsHarness) -> None:
    """After an append whose reply is lost nobody says that nothing was done, if it was."""
    net, store = await connected(harness)
    for skip in range(MOST_TRIPS):
        events = await started(store, 1)
        for _ in range(2):  # what is prepared once is prepared
            events = await extended(store, events)
        more = events_of(events[0].aggregate_id, 1, first=len(events) + 1)
        net.proxy.lose_reply(skip=skip)
        result = await outcome(store, store.append(more, after=head_of(events)))
        has_happened = not net.proxy.is_planned
        net.proxy.heal()
        await expect_honest(store, events, more, result)
        if not has_happened:
            return


@check("EVENTS-087", IF("network"), others="one statement, or one transaction, for a whole append")
async def broken_append_is_whole(harness: EventsHarness) -> None:
    """An append of many events that breaks at whatever step is stored whole or not at all."""
    net, store = await connected(harness)
    for skip in range(MOST_TRIPS):
        events = await started(store, 3)
        more = events_of(events[0].aggregate_id, 100, first=4)
        net.proxy.lose_reply(skip=skip)
        result = await outcome(store, store.append(more, after=head_of(events)))
        has_happened = not net.proxy.is_planned
        net.proxy.heal()
        await expect_honest(store, events, more, result)
        if not has_happened:
            return


@check(
    "EVENTS-088",
    IF("network"),
    others="read the server's reply before the append returns",
)
async def lost_append_is_not_acknowledged(harness: EventsHarness) -> None:
    """An append that never reached the server, or half of it did, isn't acknowledged."""
    net, store = await connected(harness)
    for disturb in (net.proxy.lose_request, net.proxy.cut_request):
        events = await extended(store, await extended(store, await started(store, 1)))
        more = events_of(events[0].aggregate_id, 1, first=4)
        disturb()
        result = await outcome(store, store.append(more, after=head_of(events)))
        net.proxy.heal()
        await expect_honest(store, events, more, result)


@check(
    "EVENTS-094",
    IF("network", "read_many"),
    others="let the error leave the iterator, whichever stream's page it was",
)
async def broken_reads_are_not_complete(harness: EventsHarness) -> None:
    """`read_many` that breaks in the middle raises or goes on; no stream is left out for it."""
    net, store = await connected(harness)
    streams = {e[0].aggregate_id: e for e in [await started(store, 40) for _ in range(10)]}
    for size in (100, 10_000, 40_000):
        await healed_head(store, next(iter(streams)))
        net.proxy.cut_replies_after(size)
        result = await outcome(store, _many(store, dict.fromkeys(streams, 1)))
        net.proxy.heal()
        if isinstance(result, BackendUnavailableError):
            continue
        expect(
            isinstance(result, int) and result == 400,
            "BackendUnavailableError, or all of 400 events",
            told_outcome(result),
        )


async def _many(store: EventStore, first: Mapping[UUID, int]) -> int:
    chunks = store.read_many(NOTEBOOK, first)  # type: ignore[attr-defined] # the capability's
    return sum([len(rows) async for _, rows in chunks])


@check("EVENTS-095", IF("network"), others="one statement for a whole deletion")
async def broken_deletion_is_whole(harness: EventsHarness) -> None:
    """A deletion whose reply is lost, at whatever step, was made whole or not at all."""
    net, store = await connected(harness)
    for skip in range(MOST_TRIPS):
        events = await started(store, 20)
        aggregate_id = events[0].aggregate_id
        net.proxy.lose_reply(skip=skip)
        result = await outcome(store, store.delete(NOTEBOOK, aggregate_id, below=20))
        has_happened = not net.proxy.is_planned
        net.proxy.heal()
        await healed_head(store, aggregate_id)
        count = len(await rows_of(store, events[0]))
        expect(count in (1, 20), "20 events, or the last one", f"{count} events")
        expect(
            isinstance(result, BackendUnavailableError | int),
            "BackendUnavailableError, or the number of events",
            told_outcome(result),
        )
        if not has_happened:
            return
