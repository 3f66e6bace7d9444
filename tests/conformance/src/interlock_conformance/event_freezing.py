"""The checks of event stores whose namespace can be frozen, so that it can be moved."""

import asyncio
import threading
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import cast
from uuid import UUID

from interlock.backends import BackendUnavailableError, EventStore, Freezes, StoredEvent
from interlock_conformance.checks import IF, CheckFailed, check, expect, unless_raised
from interlock_conformance.harness import EventsHarness
from interlock_conformance.records import NOTEBOOK, events_of, head_of
from interlock_conformance.streams import (
    HANG_SECONDS,
    expect_stream,
    extended,
    head_at,
    started,
    unless_hung,
)

_WRITERS = 3
_IN_STATEMENT = "a condition of the statement that stores: no look before it, no flag in memory"


@check("EVENTS-101", IF("freeze"), others=_IN_STATEMENT)
async def frozen_namespace_takes_no_changes(harness: EventsHarness) -> None:
    """Frozen, it refuses appends and deletions with `nothing_done`, and changes nothing."""
    store = await harness.open()
    events = await started(store, 2)
    await _freeze(store)
    await _freeze(store)
    for count in (1, 2):
        more = events_of(events[0].aggregate_id, count, first=3)
        await _expect_frozen(store.append(more, after=head_of(events)), "an append")
        new = events_of(UUID(int=count), count)
        await _expect_frozen(store.append(new, after=None), "an append to a new stream")
        expect(await head_at(store, new[0]) is None, "no stream", "one with a head")
    for below in (2, None):
        deletion = store.delete(NOTEBOOK, events[0].aggregate_id, below=below)
        await _expect_frozen(deletion, "a deletion")
    await expect_stream(store, events)
    expect(await head_at(store, events[0]) == head_of(events), "its own head", "another")


@check("EVENTS-102", IF("freeze"), others="remove what the condition looks for")
async def thawed_namespace_takes_changes(harness: EventsHarness) -> None:
    """`frozen_since` tells whether it is frozen, in UTC; thawed, it takes changes again."""
    store = await harness.open()
    freezes = cast("Freezes", store)
    events = await started(store, 2)
    with unless_raised("`frozen_since` and `thaw` succeed"):
        await freezes.thaw()
        expect(await freezes.frozen_since() is None, "None", "a time, though it isn't frozen")
        await _freeze(store)
        since = await freezes.frozen_since()
        expect(since is not None and since.tzinfo is UTC, "a time in UTC", repr(since))
        await _freeze(store)
        again = await freezes.frozen_since()
        expect(again == since, "the time of the first `freeze`", repr(again))
        await freezes.thaw()
        expect(await freezes.frozen_since() is None, "None", "a time, though it was thawed")
    await expect_stream(store, await extended(store, events))
    await started(store, 2)
    deleted = await store.delete(NOTEBOOK, events[0].aggregate_id)
    expect(deleted == 3, "3 events deleted", f"{deleted}")


@check("EVENTS-103", IF("freeze", "namespace"), others="compare the whole name, by its bytes")
async def frozen_is_its_own_namespace(harness: EventsHarness) -> None:
    """A frozen namespace leaves those alone that look like it."""
    names = [f"{harness.namespace}-{end}" for end in ("a", "A", "ab", "_", "%", "")]
    stores = [await harness.open(namespace=name) for name in names]
    await _freeze(stores[0])
    for store in stores[1:]:
        events = await extended(store, await started(store, 1))
        with unless_raised("a deletion in another namespace succeeds"):
            await store.delete(NOTEBOOK, events[0].aggregate_id)
    new = events_of(UUID(int=1), 1)
    await _expect_frozen(stores[0].append(new, after=None), "an append")


@check(
    "EVENTS-104",
    IF("freeze", "shared"),
    others=f"{_IN_STATEMENT}; then wait until transactions that began before have ended",
)
async def nothing_is_stored_after_a_freeze(harness: EventsHarness) -> None:
    """Once `freeze` has returned no append of another instance is stored, whenever it began."""
    store = await harness.open()
    writers = [_Writer() for _ in range(_WRITERS)]
    works = [
        asyncio.ensure_future(asyncio.to_thread(asyncio.run, each.write(harness)))
        for each in writers
    ]
    try:
        while not all(each.is_writing.is_set() for each in writers):
            failed = [work for work in works if work.done()]
            for work in failed:
                await work
            await asyncio.sleep(0)
        await _freeze(store)
        before = [await head_at(store, each.events[0]) for each in writers]
    finally:
        for each in writers:
            each.is_over.set()
        with unless_hung("a writer of a frozen namespace is refused"):
            async with asyncio.timeout(HANG_SECONDS):
                await asyncio.gather(*works)
    after = [await head_at(store, each.events[0]) for each in writers]
    expect(before == after, f"the heads that stood when it was frozen, {before}", f"{after}")
    for each in writers:
        expect(each.is_refused, "each writer refused, with nothing_done", "one that went on")
        await expect_stream(store, each.events)


@dataclass
class _Writer:
    """Appends one event after the other to a stream of its own, until it is refused."""

    events: Sequence[StoredEvent] = ()
    is_writing: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)
    is_refused: bool = False

    async def write(self, harness: EventsHarness) -> None:
        async with harness.opened() as store:
            self.events = await started(store, 1)
            left = 2  # once it is over
            while left and not self.is_refused:
                left -= self.is_over.is_set()
                last = self.events[-1]
                more = events_of(last.aggregate_id, 1, first=last.version + 1)
                try:
                    await store.append(more, after=head_of(self.events))
                except BackendUnavailableError as error:
                    self.is_refused = error.nothing_done
                else:
                    self.events = [*self.events, *more]
                self.is_writing.set()


async def _freeze(store: EventStore) -> None:
    with unless_raised("`freeze` succeeds"):
        await cast("Freezes", store).freeze()


async def _expect_frozen(change: Awaitable[object], what: str) -> None:
    __tracebackhide__ = True
    wanted = f"BackendUnavailableError with nothing_done of {what} while it is frozen"
    try:
        await change
    except BackendUnavailableError as error:
        expect(error.nothing_done, wanted, "one without")
    except Exception as error:
        raise CheckFailed(wanted, f"{type(error).__name__}: {error}") from error
    else:
        raise CheckFailed(wanted, "it succeeded")
