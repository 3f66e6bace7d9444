"""The checks of event stores that confirm heads for less than a read."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID, uuid4

from interlock.backends import ConfirmsHead, EventStore, StoredEvent
from interlock_conformance.checks import IF, check, expect, unless_raised
from interlock_conformance.harness import EventsHarness
from interlock_conformance.instances import takes_turns
from interlock_conformance.records import DIARY, NOTEBOOK, head_of
from interlock_conformance.streams import Head, extended, started

_ASK_EACH_TIME = (
    "remember heads to ask for them, never to answer: the store, and of several nodes most, says "
    "at each call whether it still stands"
)


@check("EVENTS-105", IF("is_head"), others="compare the last event's version and its id, both")
async def only_the_head_is_confirmed(harness: EventsHarness) -> None:
    """`is_head` is true of the last event, and of no other version and no other id."""
    store = await harness.open()
    events = await started(store, 3)
    await _expect(store, events, head_of(events), is_head=True)
    for event in events[:2]:
        await _expect(store, events, (event.version, event.event_id), is_head=False)
        await _expect(store, events, (3, event.event_id), is_head=False)
    for version in (1, 2, 4):
        await _expect(store, events, (version, events[2].event_id), is_head=False)
    await _expect(store, events, (3, uuid4()), is_head=False)
    events = await extended(store, events, 600)
    await _expect(store, events, head_of(events), is_head=True)
    await _expect(store, events, head_of(events[:-1]), is_head=False)


@check(
    "EVENTS-106",
    IF("is_head"),
    others="look for the event in its stream, by namespace, type and id: others may have it too",
)
async def a_head_is_of_one_stream(harness: EventsHarness) -> None:
    """`is_head` answers for the stream of this type and id, also where others have its events."""
    store = await harness.open()
    events = await started(store, 2)
    of_type = [event._replace(aggregate_type=DIARY) for event in events]
    of_id = [event._replace(aggregate_id=uuid4()) for event in events[:1]]
    of_id.append(events[1]._replace(aggregate_id=of_id[0].aggregate_id))
    for copied in (of_type, of_id):
        await _expect(store, copied, head_of(copied), is_head=False)
        with unless_raised("events that stand in another stream are appended to a new one"):
            await store.append(copied, after=None)
        longer = await extended(store, copied)
        await _expect(store, longer, head_of(longer), is_head=True)
        await _expect(store, longer, head_of(events), is_head=False)
        await _expect(store, events, head_of(events), is_head=True)
        await _expect(store, events, head_of(longer), is_head=False)


@check("EVENTS-107", IF("is_head", "shared"), others=_ASK_EACH_TIME)
async def an_old_head_is_not_confirmed(harness: EventsHarness) -> None:
    """`is_head` sees at once what another appended, also where it was true of what was before."""
    async for writer, asker in takes_turns(harness):
        events = await started(writer, 1)
        await _expect(asker, events, head_of(events), is_head=True)
        for _ in range(2):
            old, events = events, await extended(writer, events)
            await _expect(asker, events, head_of(old), is_head=False)
            await _expect(asker, events, head_of(events), is_head=True)
        old, events = events, await extended(asker, events)
        await _expect(writer, events, head_of(old), is_head=False)


@check("EVENTS-108", IF("is_head"), others=_ASK_EACH_TIME)
async def a_deleted_head_is_not_confirmed(harness: EventsHarness) -> None:
    """`is_head` is false of what was deleted, and true of the last event if others were."""
    store = await harness.open()
    events = await started(store, 3)
    await store.delete(NOTEBOOK, events[0].aggregate_id, below=3)
    await _expect(store, events, head_of(events), is_head=True)
    await _expect(store, events, head_of(events[:2]), is_head=False)
    await store.delete(NOTEBOOK, events[0].aggregate_id)
    await _expect(store, events, head_of(events), is_head=False)
    again = await started(store, 3, aggregate_id=events[0].aggregate_id)
    await _expect(store, events, head_of(events), is_head=False)
    await _expect(store, again, head_of(again), is_head=True)


async def _expect(
    store: EventStore, events: Sequence[StoredEvent], head: Head, *, is_head: bool
) -> None:
    """Expect this answer about the stream of the events."""
    __tracebackhide__ = True
    name: tuple[str, UUID] = (events[0].aggregate_type, events[0].aggregate_id)
    with unless_raised("`is_head` answers"):
        found = await cast("ConfirmsHead", store).is_head(*name, *head)
    expect(found is is_head, f"{is_head} of version {head[0]}", f"{found!r}")
