"""The checks of event stores with several doors: nodes that each take appends and answer reads."""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from interlock.backends import EventStore, StoredEvent
from interlock_conformance.checks import ADVISED, IF, check, expect
from interlock_conformance.doors import CATCH_UP, expect_outage, gone_and_back
from interlock_conformance.event_network import healed_head
from interlock_conformance.event_races import one_wins, wins
from interlock_conformance.harness import EventsHarness
from interlock_conformance.network import outcome
from interlock_conformance.records import NOTEBOOK, events_of, head_of
from interlock_conformance.streams import expect_rows, expect_stream, rows_of, started

_SIZES = (1, 2, 40)


@check(
    "EVENTS-077",
    IF("doors"),
    others="let the nodes agree on who was first: on each stream's next version, which both claim",
)
async def one_door_wins(harness: EventsHarness) -> None:
    """Of appends at several doors behind one head, exactly one succeeds, and stands at each."""
    stores = await harness.doors()
    for count in _SIZES:
        rivals = [partial(wins, store) for store in stores]
        events = await one_wins(stores[0], rivals, rounds=20, size=count)
        for store in stores:
            await expect_stream(store, events)


@check(
    "EVENTS-078",
    ADVISED("doors"),
    others="let a deletion claim the next version as an append does, in one transaction: nodes "
    "undo one of two that wrote the same key, and notice nothing else",
)
async def deletion_at_a_door_leaves_nothing(harness: EventsHarness) -> None:
    """What is appended at one door while another deletes its stream goes too, or is a conflict."""
    one, other, *_ = stores = await harness.doors()
    for size in _SIZES * 10:
        events = await started(one, 2)
        offer = events_of(events[0].aggregate_id, size, first=3)
        await healed_head(other, events[0].aggregate_id)
        deleted, won = await asyncio.gather(
            one.delete(NOTEBOOK, events[0].aggregate_id), wins(other, offer, head_of(events))
        )
        wanted = 2 + size if won else 2
        expect(deleted == wanted, f"{wanted} events deleted", f"{deleted}")
        for store in stores:
            expect_rows(await rows_of(store, events[0]), [])


@check("EVENTS-079", IF("doors", "stop", "wake"), others=CATCH_UP)
async def woken_node_is_up_to_date(harness: EventsHarness) -> None:
    """A node that was stopped and woken shows what was appended meanwhile, or raises."""
    await _come_back(harness, "wake")


@check("EVENTS-145", IF("doors", "stop", "replace"), others=CATCH_UP)
async def replaced_node_is_up_to_date(harness: EventsHarness) -> None:
    """A node that was stopped and replaced by an empty one shows what stands, or raises."""
    await _come_back(harness, "replace")


async def _come_back(harness: EventsHarness, by: str) -> None:
    one, other, *_ = await harness.doors()
    events = await started(one, 3)
    aggregate_id = events[0].aggregate_id
    await expect_stream(other, events)
    async with gone_and_back(harness, by):
        more = events_of(aggregate_id, 2, first=4)
        await _appended(one, more, head_of(events))
        late = await started(one, 1)
        expect_outage(await outcome(other, other.head(NOTEBOOK, aggregate_id)), head_of(more))
    for standing in ([*events, *more], late):
        head = await healed_head(other, standing[0].aggregate_id)
        wanted = head_of(standing)
        expect(head == wanted, f"the head {wanted} from a node that came back", f"{head}")
        await expect_stream(other, standing)


async def _appended(
    store: EventStore, events: Sequence[StoredEvent], after: tuple[int, UUID]
) -> None:
    """Append them, however long the nodes that are left need to agree that they are enough."""
    while await outcome(store, store.append(events, after=after)) is not None:
        if await healed_head(store, events[0].aggregate_id) == head_of(events):
            return
