"""The checks of event stores: whose events a deletion takes, and what is read beside it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from interlock.backends import EventRow, EventStore
from interlock_conformance.checks import IF, MUST, check, expect, unless_raised
from interlock_conformance.harness import EventsHarness
from interlock_conformance.records import NOTEBOOK
from interlock_conformance.streams import expect_rows, expect_stream, started

_LONG = 1_000
_WHOLE_KEY = "where namespace, type and id are equal: no LIKE, no prefix, no collation of its own"
_ALIKE = ("Resume", "RESUME", "Resumé", "Resume ", "Re", "Resume_", "Resume%", "_esume", "%")


@check("EVENTS-073", MUST, others=_WHOLE_KEY)
async def alike_types_are_not_deleted(harness: EventsHarness) -> None:
    """A deletion takes no event of a type that is alike, or that its own matches as a pattern."""
    store, aggregate_id = await harness.open(), uuid4()
    streams = {
        name: await started(store, 2, aggregate_type=name, aggregate_id=aggregate_id)
        for name in _ALIKE
    }
    for name in reversed(_ALIKE):
        deleted = await store.delete(name, aggregate_id)
        expect(deleted == 2, f"2 events of type {name!r} deleted", f"{deleted}")
        del streams[name]
        for events in streams.values():
            await expect_stream(store, events)


@check("EVENTS-074", IF("namespace"), others=_WHOLE_KEY)
async def alike_namespaces_are_not_deleted(harness: EventsHarness) -> None:
    """A deletion takes no event of a namespace that is alike, or that its own matches."""
    aggregate_id = uuid4()
    names = [f"{harness.namespace}-{end}" for end in ("a", "A", "ab", "_", "%")]
    stores = [await harness.open(namespace=name) for name in names]
    streams = [await started(store, 2, aggregate_id=aggregate_id) for store in stores]
    while stores:
        deleted = await stores.pop().delete(NOTEBOOK, aggregate_id)
        expect(deleted == 2, "2 events of one namespace deleted", f"{deleted}")
        streams.pop()
        for store, events in zip(stores, streams, strict=True):
            await expect_stream(store, events)


@check(
    "EVENTS-075",
    MUST,
    others="one statement, or one transaction, for a whole deletion, however long the stream is",
)
async def deletion_is_seen_whole(harness: EventsHarness) -> None:
    """Who reads beside a deletion sees the stream as it was or as it is then, no state between."""
    store = await harness.open()
    for below in (None, _LONG - 10):
        events = await started(store, _LONG)
        aggregate_id = events[0].aggregate_id
        async with _watched(harness, store, aggregate_id) as looks:
            await store.delete(NOTEBOOK, aggregate_id, below=below)
        after = _Look(None, None) if below is None else _Look(_LONG, below)
        for look in looks:
            expect(
                look.head in (_LONG, after.head) and look.first in (1, after.first),
                f"a stream from version 1 to {_LONG}, or {after.told()}",
                look.told(),
            )


class _Look(NamedTuple):
    """The versions of the head and of the first event, read one after the other."""

    head: int | None
    first: int | None

    def told(self) -> str:
        return "none" if self == (None, None) else f"one from version {self.first} to {self.head}"


@asynccontextmanager
async def _watched(
    harness: EventsHarness, store: EventStore, aggregate_id: UUID
) -> AsyncIterator[set[_Look]]:
    """Looks that are taken meanwhile: by an instance in a thread of its own if there may be two."""
    is_over, looks = threading.Event(), set[_Look]()

    async def watch(own: EventStore) -> None:
        while not is_over.is_set():
            looks.add(await _looked(own, aggregate_id))
            await asyncio.sleep(0)

    async def watch_elsewhere() -> None:
        async with harness.opened() as own:
            await watch(own)

    if "shared" in harness.capabilities:
        work = asyncio.to_thread(asyncio.run, watch_elsewhere())
        watching: asyncio.Future[Any] = asyncio.ensure_future(work)  # Any: nothing is returned
    else:
        watching = asyncio.ensure_future(watch(store))
    try:
        while not (looks or watching.done()):  # noqa: ASYNC110 it may be a thread that looks
            await asyncio.sleep(0)
        yield looks
    finally:
        is_over.set()
        with unless_raised("`head` and `read` answer beside a deletion"):
            await watching


async def _looked(store: EventStore, aggregate_id: UUID) -> _Look:
    head = await store.head(NOTEBOOK, aggregate_id)
    chunks: Any = store.read(NOTEBOOK, aggregate_id)  # Any: it needn't be a generator
    first = await anext(aiter(chunks), None)
    if hasattr(chunks, "aclose"):
        await chunks.aclose()
    return _Look(None if head is None else head[0], None if not first else first[0][0])


@check(
    "EVENTS-076",
    MUST,
    others="page by the last version read: an offset counts what was deleted since",
)
async def read_beside_deletion_is_contiguous(harness: EventsHarness) -> None:
    """A read beside a deletion of what it has given already goes on with the next event."""
    store = await harness.open()
    other = await harness.open() if "shared" in harness.capabilities else store
    events = await started(store, 3_000)
    found: list[EventRow] = []
    with unless_raised("a read beside a deletion succeeds"):
        async for chunk in store.read(NOTEBOOK, events[0].aggregate_id):
            found += [EventRow(*row) for row in chunk]
            await other.delete(NOTEBOOK, events[0].aggregate_id, below=found[-1].version)
    expect_rows(found, [event.row() for event in events])
