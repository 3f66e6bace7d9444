"""The checks of event stores: an instance that has looked before sees what another one does."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID, uuid4

from interlock.backends import EventRow, EventStore, ReadsMany, StoredEvent
from interlock_conformance.checks import IF, check, expect, unless_raised
from interlock_conformance.harness import EventsHarness
from interlock_conformance.instances import takes_turns
from interlock_conformance.records import NOTEBOOK, events_of, head_of
from interlock_conformance.streams import (
    expect_rows,
    expect_rows_to_fold,
    extended,
    head_at,
    rows_of,
    started,
)

_ASK_EACH_TIME = (
    "let a transaction end with the call that began it, and remember no head, no stream, and no "
    "stream that isn't there; at a node of a cluster wait for what the others acknowledged"
)


@check("EVENTS-070", IF("shared"), others=_ASK_EACH_TIME)
async def others_see_what_they_had_missed(harness: EventsHarness) -> None:
    """What is appended is seen at once by another who has looked before, also where nothing was."""
    async for writer, reader in takes_turns(harness):
        events: Sequence[StoredEvent] = events_of(uuid4(), 2)
        await _expect_all(reader, events[0], [])
        with unless_raised("an append to a new stream succeeds, though another has looked at it"):
            await writer.append(events, after=None)
        await _expect_all(reader, events[0], events)
        await _expect_all(reader, events[0], events := await extended(writer, events))
        await _expect_all(writer, events[0], await extended(reader, events))


@check("EVENTS-071", IF("shared", "read_many"), others=_ASK_EACH_TIME)
async def others_see_it_among_many(harness: EventsHarness) -> None:
    """`read_many` gives at once what another appended, also where it gave nothing before."""
    async for writer, reader in takes_turns(harness):
        ids = [uuid4() for _ in range(3)]
        expect(not await _many(reader, ids), "no events", "some")
        streams = [await started(writer, 2, aggregate_id=each) for each in ids[:2]]
        _expect_these(await _many(reader, ids), streams)
        streams = [await extended(writer, events) for events in streams]
        streams.append(await started(writer, 1, aggregate_id=ids[2]))
        _expect_these(await _many(reader, ids), streams)


@check("EVENTS-072", IF("shared"), others=f"{_ASK_EACH_TIME}; of what is gone, too")
async def others_see_what_is_gone(harness: EventsHarness) -> None:
    """What is deleted is gone at once for another who has read it, and so is its head."""
    async for writer, reader in takes_turns(harness):
        events = await started(writer, 4)
        aggregate_id = events[0].aggregate_id
        await _expect_all(reader, events[0], events)
        await writer.delete(NOTEBOOK, aggregate_id, below=3)
        await _expect_all(reader, events[0], events[2:])
        await writer.delete(NOTEBOOK, aggregate_id)
        await _expect_all(reader, events[0], [])
        again = await started(reader, 1, aggregate_id=aggregate_id)
        await _expect_all(writer, events[0], again)


async def _expect_all(store: EventStore, event: StoredEvent, events: Sequence[StoredEvent]) -> None:
    """Expect these events of the event's stream, and their head, of either call."""
    wanted = head_of(events) if events else None
    head = await head_at(store, event)
    expect(head == wanted, f"the head {wanted} for another instance", f"{head}")
    expect_rows(await rows_of(store, event), [each.row() for each in events])


async def _many(store: EventStore, ids: Sequence[UUID]) -> dict[UUID, list[EventRow]]:
    found = dict[UUID, list[EventRow]]()
    with unless_raised("`read_many` answers"):
        chunks = cast("ReadsMany", store).read_many(NOTEBOOK, dict.fromkeys(ids, 1))
        async for aggregate_id, rows in chunks:
            found.setdefault(aggregate_id, []).extend(EventRow(*row) for row in rows)
    return found


def _expect_these(
    found: dict[UUID, list[EventRow]], streams: Sequence[Sequence[StoredEvent]]
) -> None:
    for events in streams:
        rows = found.get(events[0].aggregate_id, [])
        expect_rows_to_fold(rows, [event.row() for event in events])
