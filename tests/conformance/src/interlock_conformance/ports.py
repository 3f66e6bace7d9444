"""Checks of optional ports: a backend that declares one has all of it."""

import asyncio
from typing import cast
from uuid import UUID, uuid4

from interlock.backends import ChangeNotifier, EventRow, ReadsMany
from interlock_conformance.checks import IF, CheckFailed, check, expect
from interlock_conformance.harness import CacheHarness, EventsHarness
from interlock_conformance.network import patience
from interlock_conformance.records import NOTEBOOK
from interlock_conformance.streams import expect_rows_to_fold, started

_STREAMS = 600
"""More than a page of whatever server, and than a bound of 500 parameters."""


@check(
    "EVENTS-057",
    IF("read_many"),
    others="ask by pages of ids, and where `version >= first` for each id; an id without such "
    "events says nothing about the next",
)
async def tails_of_many_are_read(harness: EventsHarness) -> None:
    """`read_many` gives the tails of 600 streams, each from its own version on."""
    store, first, tails = await harness.open(), dict[UUID, int](), dict[UUID, list[EventRow]]()
    for place in range(_STREAMS):
        events = await started(store, 1 + place % 3)
        aggregate_id, version = events[0].aggregate_id, 1 + place % 4
        first[uuid4()], first[aggregate_id] = 1, version
        tails[aggregate_id] = [event.row() for event in events[version - 1 :]]
    expect(isinstance(store, ReadsMany), "a method `read_many`, as promised", "none")
    found = dict[UUID, list[EventRow]]()
    async for aggregate_id, rows in cast("ReadsMany", store).read_many(NOTEBOOK, first):
        found.setdefault(aggregate_id, []).extend(EventRow(*row) for row in rows)
    strange = len({*found} - {*tails})
    expect(not strange, "no events of ids without a stream", f"events of {strange}")
    for aggregate_id, wanted in tails.items():
        expect_rows_to_fold(found.get(aggregate_id, []), wanted)


@check(
    "CACHE-055",
    IF("notifies"),
    others="promise `notifies` and write `watch`, or neither",
)
async def who_notifies_has_watch(harness: CacheHarness) -> None:
    """A backend that declares `notifies` has the method `watch`."""
    store = await harness.open()
    expect(isinstance(store, ChangeNotifier), "a method `watch`, as promised", "none")


@check(
    "CACHE-056",
    IF("notifies", "shared"),
    others="tell of each put and each removal over the server's own channel, by the key's text",
)
async def changes_of_others_are_told(harness: CacheHarness) -> None:
    """`watch` tells of what another connection puts and removes."""
    store, other = await harness.open(), await harness.open()
    put, removed, told, is_gone = harness.key(), harness.key(), list[str](), asyncio.Event()

    def changed(text: str) -> None:
        told.append(text)
        if text == removed.text():
            is_gone.set()

    await other.put(removed, harness.record(removed, 1))
    expect(isinstance(store, ChangeNotifier), "a method `watch`, as promised", "none")
    await cast("ChangeNotifier", store).watch(changed, lambda: None)
    try:
        async with asyncio.timeout(patience()):
            version = 0
            while put.text() not in told:  # the channel may not stand yet
                version += 1
                await other.put(put, harness.record(put, version))
                await asyncio.sleep(0.01)
            await other.remove(removed)
            await is_gone.wait()
    except TimeoutError:
        what = "a put" if put.text() not in told else "a removal"
        raise CheckFailed(
            f"{what} by another connection is told within {patience():g} s", f"{told[:3]}"
        ) from None
