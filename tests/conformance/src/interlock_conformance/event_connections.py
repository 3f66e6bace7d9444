"""The checks of event stores: connections, from `open` to `close` and through an outage."""

import asyncio
from uuid import uuid4

from interlock.backends import BackendUnavailableError
from interlock_conformance.checks import IF, check, expect
from interlock_conformance.connections import opened_in_vain
from interlock_conformance.event_network import connected, healed_head
from interlock_conformance.harness import EventsHarness
from interlock_conformance.network import (
    HELD_SECONDS,
    expect_passage,
    made_beside,
    outcome,
    told_outcome,
)
from interlock_conformance.outages import UNAVAILABLE
from interlock_conformance.records import NOTEBOOK, head_of
from interlock_conformance.streams import extended, started


@check("EVENTS-089", IF("network"), others="connect anew when a connection turns out to be broken")
async def outage_ends_by_itself(harness: EventsHarness) -> None:
    """After an outage a store serves again, within 10 s and without being opened anew."""
    net, store = await connected(harness)
    events = await started(store, 1)
    await asyncio.gather(*(outcome(store, store.head(NOTEBOOK, uuid4())) for _ in range(5)))
    for disturb in (net.proxy.refuse, net.proxy.reset):
        disturb()
        await outcome(store, store.head(NOTEBOOK, uuid4()))
        net.proxy.heal()
        # Several at once: each connection that was laid by may have to be found out.
        healed = (healed_head(store, events[0].aggregate_id) for _ in range(5))
        for head in await asyncio.gather(*healed):
            expect(head == head_of(events), f"the head {head_of(events)}", f"{head}")
        events = await extended(store, events)


@check(
    "EVENTS-090", IF("network"), others="connect in `open`, which runs in the process that uses it"
)
async def nothing_is_connected_before_open(harness: EventsHarness) -> None:
    """A store that was made and isn't open has no connection: processes fork in between."""
    net = harness.network()
    store = await harness.make(**net.options)
    net.proxy.settle()
    count = net.proxy.connections
    expect(store is not None and count == 0, "no connection", f"{count}")


@check(
    "EVENTS-091",
    IF("network"),
    others="close every connection that was made, those in use and those laid by",
)
async def closing_leaves_no_connection(harness: EventsHarness) -> None:
    """After `close` no connection is left."""
    net = harness.network()
    store = await harness.open(**net.options)
    await asyncio.gather(*(store.head(NOTEBOOK, uuid4()) for _ in range(5)))
    await expect_passage(net, store.head(NOTEBOOK, uuid4()))
    await harness.close(store)
    is_empty = await net.proxy.until(lambda: net.proxy.standing == 0)
    expect(is_empty, "no connection", f"{net.proxy.standing} that still stand")


@check("EVENTS-092", IF("network"), others=UNAVAILABLE)
async def open_says_that_nobody_is_there(harness: EventsHarness) -> None:
    """While the server is down `open` raises `BackendUnavailableError`, within 10 s."""
    net = harness.network()
    net.proxy.refuse()
    result = await opened_in_vain(await harness.make(**net.options))
    expect(
        isinstance(result, BackendUnavailableError),
        "BackendUnavailableError from `open` while the server is down",
        told_outcome(result),
    )


@check(
    "EVENTS-093",
    IF("network"),
    others="several connections, and each call has one to itself; or one on which nobody waits "
    "before he asks, with a protocol that tells answers apart",
)
async def slow_call_holds_up_no_other(harness: EventsHarness) -> None:
    """While one call waits for the server another is made, and answered."""
    net, store = await connected(harness)
    events = await started(store, 2)
    net.proxy.hold_reply(seconds=HELD_SECONDS)
    slow = asyncio.ensure_future(outcome(store, store.head(NOTEBOOK, uuid4())))
    await net.proxy.until(lambda: net.proxy.is_holding)
    head = store.head(NOTEBOOK, events[0].aggregate_id)
    found, is_beside = await made_beside(net, slow, outcome(store, head))
    expect(found == head_of(events), f"the head {head_of(events)}", told_outcome(found))
    expect(is_beside, "an answer while the other call waits", "one after it had ended")
