"""Connections of caches and snapshot stores, from `open` to `close` and through an outage."""

import asyncio
from functools import partial
from typing import Any

from interlock.backends import BackendUnavailableError
from interlock_conformance.checks import IF, both, expect, unless_raised
from interlock_conformance.harness import CacheHarness
from interlock_conformance.network import (
    HELD_SECONDS,
    PATIENCE_SECONDS,
    answered,
    expect_passage,
    made_beside,
    outcome,
    told_outcome,
)
from interlock_conformance.outages import UNAVAILABLE, connected, expect_found
from interlock_conformance.records import told


@both("087", IF("network"), others="connect anew when a connection turns out to be broken")
async def outage_ends_by_itself(harness: CacheHarness) -> None:
    """After an outage a backend serves again, within 10 s and without being opened anew."""
    net, store = await connected(harness)
    key = harness.key()
    await asyncio.gather(*(outcome(store, store.read(harness.key())) for _ in range(5)))
    for version, disturb in enumerate((net.proxy.refuse, net.proxy.reset), start=1):
        record = harness.record(key, version)
        disturb()
        await outcome(store, store.read(key))
        net.proxy.heal()
        await answered(store, partial(store.put, key, record), "a put succeeds")
        await expect_found(store, key, record, "after the outage")


@both("089", IF("network"), others="connect in `open`, which runs in the process that will use it")
async def nothing_is_connected_before_open(harness: CacheHarness) -> None:
    """A backend that was made and isn't open has no connection: processes fork in between."""
    net = harness.network()
    store = await harness.make(**net.options)
    net.proxy.settle()
    count = net.proxy.connections
    expect(store is not None and count == 0, "no connection", f"{count}")


@both(
    "090",
    IF("network"),
    others="close every connection that was made, those in use and those laid by",
)
async def closing_leaves_no_connection(harness: CacheHarness) -> None:
    """After `close` no connection is left."""
    net = harness.network()
    store = await harness.open(**net.options)
    await asyncio.gather(*(store.read(harness.key()) for _ in range(5)))
    await expect_passage(net, store.read(harness.key()))
    await harness.close(store)
    is_empty = await net.proxy.until(lambda: net.proxy.standing == 0)
    expect(is_empty, "no connection", f"{net.proxy.standing} that still stand")


@both("091", IF("network"), others=UNAVAILABLE)
async def open_says_that_nobody_is_there(harness: CacheHarness) -> None:
    """While the server is down `open` raises `BackendUnavailableError`, within 10 s."""
    net = harness.network()
    net.proxy.refuse()
    result = await opened_in_vain(await harness.make(**net.options))
    expect(
        isinstance(result, BackendUnavailableError),
        "BackendUnavailableError from `open` while the server is down",
        told_outcome(result),
    )


async def opened_in_vain(store: Any) -> object:  # Any: whichever kind of store
    """The error that `open` raises; the backend is closed if it raises none."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await store.open()
    except Exception as error:  # noqa: BLE001 it is what is asked about
        return error
    with unless_raised("a backend that could be opened can be closed"):
        await store.close()
    return None


@both(
    "092",
    IF("network"),
    others="several connections, and each call has one to itself; or one on which nobody waits "
    "before he asks, with a protocol that tells answers apart",
)
async def slow_call_holds_up_no_other(harness: CacheHarness) -> None:
    """While one call waits for the server another is made, and answered."""
    net, store = await connected(harness)
    key = harness.key()
    record = harness.record(key, 5)
    await store.put(key, record)
    net.proxy.hold_reply(seconds=HELD_SECONDS)
    slow = asyncio.ensure_future(outcome(store, store.read(harness.key())))
    await net.proxy.until(lambda: net.proxy.is_holding)
    found, is_beside = await made_beside(net, slow, outcome(store, store.read(key)))
    expect(found == record, told(record), told_outcome(found))
    expect(is_beside, "an answer while the other call waits", "one after it had ended")
