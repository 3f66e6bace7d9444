"""The checks of event stores: large events, large appends, and what a read fetches at once."""

import asyncio
import gc
import threading
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from uuid import uuid4

from interlock.backends import EventStore, StoredEvent
from interlock_conformance.checks import MUST, check, expect, unless_raised
from interlock_conformance.event_reading import CHUNK
from interlock_conformance.harness import EventsHarness
from interlock_conformance.records import NOTEBOOK, events_of
from interlock_conformance.streams import (
    HANG_SECONDS,
    expect_stream,
    extended,
    head_at,
    started,
)

_MANY = 600
"""Events of one append: more than a batch of whatever driver."""

_PAYLOAD = 16 * 1024
"""Bytes. So many such events are more than many a server, driver or gateway gives at once."""

_LONG = 5 * CHUNK
_ROOM = 128 * 1024
"""Bytes that a read may need besides its events."""


@check(
    "EVENTS-062",
    MUST,
    others="end with a page that has no event, or with the one that the server calls the last: a "
    "page with fewer events than were asked for may have ended by its bytes",
)
async def large_events_are_complete(harness: EventsHarness) -> None:
    """A read of 600 events of 16 KiB, appended at once, gives every one of them."""
    store = await harness.open()
    random = Random(1)  # noqa: S311 the same bytes in each run
    payload = b'{"text":"%s"}' % random.randbytes(_PAYLOAD // 2).hex().encode()
    events = events_of(uuid4(), _MANY, payload=payload)
    with unless_raised(f"an append of {_MANY} events of 16 KiB succeeds"):
        await store.append(events, after=None)
    for first, last in ((1, None), (_MANY // 2, None), (2, _MANY - 1)):
        await expect_stream(store, events[first - 1 : last], first=first, last=last)


@check(
    "EVENTS-063",
    MUST,
    others="one transaction around all statements of an append, however many they are",
)
async def large_append_is_whole(harness: EventsHarness) -> None:
    """The 600 events of one append are seen all together or not at all."""
    store, seen = await harness.open(), set[int]()
    events = await started(store, _MANY)
    async with heads_seen(harness, store, events[0], seen):
        for _ in range(4):
            events = await extended(store, events, _MANY)
    parts = sorted(version for version in seen if version % _MANY)
    expect(not parts, f"heads at multiples of {_MANY}, as they are appended", f"{parts}")
    await expect_stream(store, events[-2:], first=len(events) - 1)


@check(
    "EVENTS-065",
    MUST,
    others="ask for the next page once the chunk before it was taken, or stream the rows from a "
    "cursor of the server",
)
async def first_chunk_is_not_the_whole(harness: EventsHarness) -> None:
    """Before the first chunk of a long stream no more is fetched than a chunk may have."""
    store = await harness.open()
    events = await started(store, CHUNK)
    while len(events) < _LONG:
        events = await extended(store, events, CHUNK)
    await _memory_of_first_chunk(store, events[0], last=1)  # without what is made only once
    found = await _memory_of_first_chunk(store, events[0], last=None)
    # A read that may fetch all it is asked for shows how large these events are for this store. It
    # comes second: what the first has read ahead may arrive meanwhile.
    allowed = await _memory_of_first_chunk(store, events[0], last=CHUNK)
    expect(
        found <= 1.75 * allowed + _ROOM,
        f"no more memory before the first of {_LONG} events than for {CHUNK}: {allowed} bytes",
        f"{found} bytes",
    )


@asynccontextmanager
async def heads_seen(
    harness: EventsHarness, store: EventStore, event: StoredEvent, seen: set[int]
) -> AsyncIterator[None]:
    """Note the versions of the head meanwhile, by another connection if there may be one."""
    is_watching, is_over = threading.Event(), threading.Event()

    async def watch(own: EventStore) -> None:
        while not is_over.is_set():
            head = await head_at(own, event)
            seen.add(0 if head is None else head[0])
            is_watching.set()
            await asyncio.sleep(0)

    async def watch_elsewhere() -> None:
        async with harness.opened() as own:
            await watch(own)

    is_shared = "shared" in harness.capabilities
    watching = asyncio.ensure_future(
        asyncio.to_thread(asyncio.run, watch_elsewhere()) if is_shared else watch(store)
    )
    try:
        await asyncio.to_thread(is_watching.wait, HANG_SECONDS)
        yield
    finally:
        is_over.set()
        await watching


async def _memory_of_first_chunk(store: EventStore, event: StoredEvent, *, last: int | None) -> int:
    """The most bytes that Python's objects take until a read gives its first chunk."""
    was_tracing = tracemalloc.is_tracing()
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        chunks = aiter(store.read(NOTEBOOK, event.aggregate_id, last=last))
        with unless_raised("a read succeeds"):
            await anext(chunks)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        if not was_tracing:
            tracemalloc.stop()
    if isinstance(chunks, AsyncGenerator):
        await chunks.aclose()
    return most - before
