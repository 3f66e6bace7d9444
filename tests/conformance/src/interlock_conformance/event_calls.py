"""The checks of event stores: reads beside others, what survives, what a call costs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from interlock.backends import (
    BackendUnavailableError,
    EventRow,
    StoredEvent,
)
from interlock_conformance.checks import IF, MUST, SHOULD, CheckFailed, check, expect
from interlock_conformance.harness import EventsHarness
from interlock_conformance.records import NOTEBOOK, events_of, head_of
from interlock_conformance.streams import (
    HANG_SECONDS,
    expect_rows,
    expect_stream,
    extended,
    head_at,
    rows_of,
    started,
    unless_hung,
)
from interlock_conformance.watching import pickles


@check(
    "EVENTS-046",
    MUST,
    others="fetch each page whole, so that no cursor, lock or transaction outlives it",
)
async def abandoned_read_holds_up_nothing(harness: EventsHarness) -> None:
    """A read that is given up after its first chunk holds up neither appends nor reads."""
    store = await harness.open()
    events = await started(store, 3_000)
    abandoned = aiter(store.read(events[0].aggregate_type, events[0].aggregate_id))
    await anext(abandoned)
    with unless_hung("appends and reads go on beside a read that was begun"):
        async with asyncio.timeout(HANG_SECONDS):
            events = await extended(store, events)
            await expect_stream(store, events[-1:], first=3_001)
            if isinstance(abandoned, AsyncGenerator):
                await abandoned.aclose()
            await expect_stream(store, await extended(store, events))


@check("EVENTS-047", MUST, others="no state of a read in the store itself: each has its own cursor")
async def reads_do_not_meet(harness: EventsHarness) -> None:
    """Two reads that take turns, from different versions, each give their own stream."""
    store, begin = await harness.open(), (1, 301)
    streams = [await started(store, 2_000) for _ in begin]
    pairs = zip(streams, begin, strict=True)
    reads = [aiter(store.read(NOTEBOOK, s[0].aggregate_id, first=first)) for s, first in pairs]
    found: list[list[EventRow]] = [[], []]
    is_open = [True, True]
    while any(is_open):
        for place, read in enumerate(reads):
            chunk = await anext(read, None) if is_open[place] else None
            is_open[place] = chunk is not None
            found[place] += [EventRow(*row) for row in chunk or ()]
    for rows, events, first in zip(found, streams, begin, strict=True):
        expect_rows(rows, [event.row() for event in events[first - 1 :]])


@check("EVENTS-048", MUST, others="page by the last version read, never by an offset or a count")
async def read_beside_appends_is_contiguous(harness: EventsHarness) -> None:
    """A read beside appends gives the events from before it, and no hole behind them."""
    store = await harness.open()
    events = await started(store, 3_000)
    versions: list[int] = []
    async for chunk in store.read(NOTEBOOK, events[0].aggregate_id):
        versions += [row[0] for row in chunk]
        if len(events) < 3_020:
            events = await extended(store, events)
    wanted = list(range(1, len(versions) + 1))
    expect(versions == wanted, f"versions 1 to {len(versions)}", "others, or in another order")
    expect(len(versions) >= 3_000, "at least the 3000 from before", f"{len(versions)}")


@check("EVENTS-049", IF("durable"), others="commit before `append` returns")
async def reopened_store_has_everything(harness: EventsHarness) -> None:
    """After close and reopen every stream is as it was, and goes on."""
    store = await harness.open()
    events = await extended(store, await started(store, 3), 2)
    store = await harness.reopen(store)
    await expect_stream(store, events)
    await expect_stream(store, await extended(store, events))


@check(
    "EVENTS-050",
    IF("durable", "shared"),
    others="commit each append before it is acknowledged; leave recovery to the database's journal",
)
async def killed_writer_loses_nothing(harness: EventsHarness) -> None:
    """After SIGKILL of a writer every acknowledged append stands, and none is torn."""
    store = await harness.open()
    events: Sequence[StoredEvent] = events_of(uuid4(), 3)
    async with harness.process() as writer:
        await writer.call("append", list(events), after=None)
        for _ in range(12):
            more = events_of(events[0].aggregate_id, 3, first=events[-1].version + 1)
            await writer.call("append", list(more), after=head_of(events))
            events = [*events, *more]
        unanswered = events_of(events[0].aggregate_id, 3, first=events[-1].version + 1)
        last = asyncio.ensure_future(writer.call("append", list(unanswered), after=head_of(events)))
        await asyncio.sleep(0)  # now it is asked, and killed before it can say what became of it
        await writer.kill()
        with suppress(RuntimeError, ConnectionError):
            await last
    head = await head_at(store, events[0])
    stood = head == head_of(unanswered)
    await expect_stream(store, [*events, *unanswered] if stood else events)
    await extended(store, unanswered if stood else events)


@check(
    "EVENTS-051",
    SHOULD,
    others="raise `BackendUnavailableError` where there is no connection any more",
)
async def closed_store_says_so(harness: EventsHarness) -> None:
    """A store that was closed raises `BackendUnavailableError`, no driver's exception."""
    store = await harness.open()
    if not hasattr(store, "close"):
        return
    await harness.close(store)
    try:
        await store.append(events_of(uuid4(), 1), after=None)
    except BackendUnavailableError:
        return
    except Exception as error:  # noqa: BLE001 it is what is told
        happened = f"{type(error).__name__}: {error}"
    else:
        happened = "the append succeeded"
    raise CheckFailed("BackendUnavailableError", happened)


@check(
    "EVENTS-052",
    MUST,
    others="a column for each field; no driver's serializer between",
)
def no_pickle_is_reached(harness: EventsHarness) -> None:
    """Neither appending nor reading pickles or unpickles anything."""
    with pickles() as reached:
        harness.run(_append_and_read(harness))
    expect(not reached, "no call of pickle", f"calls of {', '.join(sorted({*reached}))}")


async def _append_and_read(harness: EventsHarness) -> None:
    store = await harness.open()
    events = await extended(store, await started(store, 2))
    await rows_of(store, events[0])
    await head_at(store, events[0])


@check("EVENTS-053", IF("round_trips"), others="one statement that guards and inserts")
async def append_is_one_round_trip(harness: EventsHarness) -> None:
    """An append of one event behind the head costs one round trip."""
    store = await harness.open()
    events = await started(store, 1)
    count = await _trips(store, extended(store, events))
    expect(count == 1, "1 round trip", f"{count}")


@check("EVENTS-054", IF("round_trips"), others="one query by the primary key, with the first page")
async def short_read_is_one_round_trip(harness: EventsHarness) -> None:
    """A read of a few events costs one round trip."""
    store = await harness.open()
    events = await started(store, 3)
    count = await _trips(store, rows_of(store, events[0], first=2))
    expect(count == 1, "1 round trip", f"{count}")


async def _trips(store: Any, call: Awaitable[object]) -> int:  # Any: the capability's attribute
    before = int(store.round_trips)
    await call
    return int(store.round_trips) - before
