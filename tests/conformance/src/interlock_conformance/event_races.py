"""The checks of event stores: tasks, threads, processes and cancelled appends."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from uuid import UUID, uuid4

from interlock.backends import (
    ConcurrencyError,
    EventStore,
    StoredEvent,
)
from interlock_conformance.checks import IF, MUST, check, expect, unless_raised
from interlock_conformance.event_sizes import heads_seen
from interlock_conformance.harness import EventsHarness
from interlock_conformance.processes import OtherProcess
from interlock_conformance.records import NOTEBOOK, events_of, head_of
from interlock_conformance.streams import (
    HANG_SECONDS,
    Head,
    expect_rows,
    expect_stream,
    extended,
    head_at,
    rows_of,
    started,
    unless_hung,
)

Rival = Callable[[Sequence[StoredEvent], Head], Awaitable[bool]]

_ONE_STEP = "the guard and the insert in one statement or under one lock; a unique key besides"


async def one_wins(
    store: EventStore, rivals: Sequence[Rival], *, rounds: int, size: int = 1
) -> Sequence[StoredEvent]:
    """Let all append behind one head, several times; expect one winner each time. The stream."""
    events: Sequence[StoredEvent] = await started(store, 1)
    for _ in range(rounds):
        last = events[-1]
        offers = [events_of(last.aggregate_id, size, first=last.version + 1) for _ in rivals]
        pairs = zip(rivals, offers, strict=True)
        won = await asyncio.gather(*(rival(offer, head_of(events)) for rival, offer in pairs))
        expect(
            sum(won) == 1,
            f"one append of {len(rivals)} behind version {last.version} succeeds",
            f"{sum(won)} succeed",
        )
        events = [*events, *offers[won.index(True)]]
    await expect_stream(store, events)
    return events


async def wins(store: EventStore, events: Sequence[StoredEvent], after: Head | None) -> bool:
    """Whether an append succeeds; nothing but `ConcurrencyError` may be raised."""
    with unless_raised("the append succeeds or raises ConcurrencyError"):
        try:
            await store.append(events, after=after)
        except ConcurrencyError:
            return False
    return True


@check("EVENTS-040", MUST, others=_ONE_STEP)
async def one_task_wins(harness: EventsHarness) -> None:
    """Of 64 tasks that append behind one head, exactly one succeeds."""
    store = await harness.open()
    await one_wins(store, [partial(wins, store)] * 64, rounds=2, size=2)


@check("EVENTS-041", MUST, others=f"{_ONE_STEP}, for a stream without events too")
async def one_beginner_wins(harness: EventsHarness) -> None:
    """Of 16 tasks that begin one stream, exactly one succeeds."""
    store, aggregate_id = await harness.open(), uuid4()
    offers = [events_of(aggregate_id, 2) for _ in range(16)]
    begun = await asyncio.gather(*(wins(store, offer, None) for offer in offers))
    expect(sum(begun) == 1, "one append succeeds", f"{sum(begun)} succeed")
    await expect_stream(store, offers[begun.index(True)])


@check("EVENTS-037", MUST, others="guard and lock by stream; wait for a lock on more than that")
async def streams_do_not_conflict(harness: EventsHarness) -> None:
    """Of 32 tasks that append to streams of their own, all succeed."""
    store = await harness.open()
    streams = [events_of(uuid4(), 2) for _ in range(32)]
    won = await asyncio.gather(*(wins(store, events, None) for events in streams))
    expect(all(won), "32 appends succeed", f"{sum(won)} succeed")
    for events in streams:
        await expect_stream(store, events)


@check("EVENTS-038", IF("shared"), others="one transaction around all events of an append")
async def append_is_whole_to_others(harness: EventsHarness) -> None:
    """Another thread with an instance of its own sees the events of an append together or not."""
    store, size, seen = await harness.open(), 50, set[int]()
    events = await started(store, size)
    async with heads_seen(harness, store, events[0], seen):
        for _ in range(15):
            events = await extended(store, events, size)
            await asyncio.sleep(0)
    parts = sorted(version for version in seen if version % size)
    expect(not parts, f"heads at multiples of {size}, as they are appended", f"{parts}")


@check(
    "EVENTS-039",
    MUST,
    others="let appends lock the head that they look at; delete until nothing is found, in one "
    "transaction",
)
async def deletion_leaves_nothing(harness: EventsHarness) -> None:
    """An append while its stream is deleted is deleted with it, or is a conflict."""
    store = await harness.open()
    other = await harness.open() if "shared" in harness.capabilities else store
    for size in [1, 1, 2, 40] * 8:
        events = await started(store, 2)
        offer = events_of(events[0].aggregate_id, size, first=3)
        deletion = store.delete(NOTEBOOK, events[0].aggregate_id)
        deleted, won = await asyncio.gather(deletion, wins(other, offer, head_of(events)))
        expect_rows(await rows_of(store, events[0]), [])
        wanted = 2 + size if won else 2
        expect(deleted == wanted, f"{wanted} events deleted", f"{deleted}")


@check("EVENTS-042", IF("shared"), others="read what is committed, not what was remembered")
async def others_see_at_once(harness: EventsHarness) -> None:
    """An append of one instance is seen at once by another, which appends behind it."""
    store, other = await harness.open(), await harness.open()
    events = await started(store, 2)
    for instance in (other, store, other):
        head = await head_at(instance, events[0])
        expect(head == head_of(events), f"the head {head_of(events)}", f"{head}")
        await expect_stream(instance, events)
        events = await extended(instance, events)
    await expect_stream(store, events)


@check("EVENTS-043", IF("shared"), others=f"{_ONE_STEP}; wait for a lock rather than fail")
async def one_thread_wins(harness: EventsHarness) -> None:
    """Of 4 threads with loops and instances of their own, one appends behind a head."""
    count, rounds = 4, 6
    store = await harness.open()
    events: list[StoredEvent] = list(await started(store, 1))
    barrier = threading.Barrier(count, timeout=HANG_SECONDS)
    won: list[list[Sequence[StoredEvent]]] = [[] for _ in range(rounds)]
    failures: list[Exception] = []

    async def rival() -> None:
        async with harness.opened() as own:
            for number in range(rounds):
                barrier.wait()
                head = await own.head(events[0].aggregate_type, events[0].aggregate_id)
                assert head is not None
                offer = events_of(events[0].aggregate_id, 1, first=head[0] + 1)
                barrier.wait()
                with suppress(ConcurrencyError):
                    await own.append(offer, after=head)
                    won[number].append(offer)
                barrier.wait()

    def thread() -> None:
        try:
            asyncio.run(rival())
        except Exception as error:  # noqa: BLE001 told by the thread of the check
            barrier.abort()
            failures.append(error)

    threads = [threading.Thread(target=thread) for _ in range(count)]
    for started_thread in threads:
        started_thread.start()
    for started_thread in threads:
        await asyncio.to_thread(started_thread.join)
    first = next((e for e in failures if not isinstance(e, threading.BrokenBarrierError)), None)
    told = first or next(iter(failures), None)
    expect(told is None, "each append succeeds or raises ConcurrencyError", f"{told!r}")
    for winners in won:
        expect(len(winners) == 1, f"one append of {count} succeeds", f"{len(winners)} succeed")
        events += winners[0]
    await expect_stream(store, events)


@check("EVENTS-044", IF("shared", "durable"), others=f"{_ONE_STEP}; a lock in memory isn't enough")
async def one_process_wins(harness: EventsHarness) -> None:
    """Of 2 processes that append behind one head, exactly one succeeds."""
    store = await harness.open()
    async with AsyncExitStack() as stack:
        opening = (stack.enter_async_context(harness.process()) for _ in range(2))
        rivals = [partial(wins_there, process) for process in await asyncio.gather(*opening)]
        await one_wins(store, rivals, rounds=12)


async def wins_there(process: OtherProcess, events: Sequence[StoredEvent], after: Head) -> bool:
    """As `wins`, in another process."""
    try:
        await process.call("append", list(events), after=after)
    except RuntimeError as error:
        is_conflict = str(error).startswith("ConcurrencyError")
        expect(is_conflict, "the append succeeds or raises ConcurrencyError", f"{error}")
        return False
    return True


@check(
    "EVENTS-045",
    MUST,
    others="shield the transaction from the caller's cancellation, or roll it back",
)
async def cancelled_append_is_whole_or_nothing(harness: EventsHarness) -> None:
    """A cancelled append is stored whole or not at all, and the store goes on."""
    store, aggregate_id = await harness.open(), uuid4()
    offers = []
    with unless_hung("appends go on after others were cancelled"):
        async with asyncio.timeout(HANG_SECONDS):
            for turns in range(8):
                offer = await _cancelled(store, aggregate_id, turns)
                offers.append({event.event_id.bytes for event in offer})
                await _settled(store, offer[0])
    found = {row.event_id for row in await rows_of(store, events_of(aggregate_id, 1)[0])}
    for turns, ids in enumerate(offers):
        stored = len(ids & found)
        expect(
            stored in (0, len(ids)),
            f"all {len(ids)} events or none of an append cancelled after {turns} turns",
            f"{stored} of them",
        )


async def _cancelled(store: EventStore, aggregate_id: UUID, turns: int) -> Sequence[StoredEvent]:
    head = await store.head(NOTEBOOK, aggregate_id)
    offer = events_of(aggregate_id, 4, first=1 if head is None else head[0] + 1)
    append = asyncio.ensure_future(store.append(offer, after=head))
    for _ in range(turns):
        await asyncio.sleep(0)
    append.cancel()
    await asyncio.wait([append])
    return offer


async def _settled(store: EventStore, event: StoredEvent) -> None:
    """Append one event behind whatever came of what was cancelled."""
    while True:
        head = await store.head(event.aggregate_type, event.aggregate_id)
        one = events_of(event.aggregate_id, 1, first=1 if head is None else head[0] + 1)
        # What was cancelled may still be under way, and win.
        if await wins(store, one, head):
            return
