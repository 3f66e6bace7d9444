"""Opened, used and closed again and again, each time in an event loop of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from interlock.backends import CacheStore, EventStore
from interlock.errors import ConfigurationError
from interlock_conformance.checks import IF, KEEPS, MUST, both, check, expect, unless_raised
from interlock_conformance.connections import opened_in_vain
from interlock_conformance.exploring import is_soaking
from interlock_conformance.harness import CacheHarness, EventsHarness, Harness, S
from interlock_conformance.records import NOTEBOOK, events_of, head_of, told
from interlock_conformance.streams import expect_stream, started

_LIVES, _LIVES_OF_A_SOAK = 20, 100
_SECONDS = 20
"""No life takes longer; one that does waits for something of an earlier one."""
_AT_ONCE = 40
"""So many calls at once wait for each other, wherever a backend bounds them."""
_OTHERS = (
    "make what belongs to a loop (locks, queues, pools, tasks, flags of threads) in `open` and "
    "drop it in `close`; or raise `ConfigurationError` from `open`"
)

_ANEW = "drop what a failed `open` has made: the next one begins anew"


@both("064", KEEPS, others=_OTHERS)
def each_loop_opens_and_closes_it(harness: CacheHarness) -> None:
    """Each of many loops opens, uses and closes it, or `open` raises a `ConfigurationError`."""
    key = harness.key()

    async def use(store: CacheStore, number: int) -> None:
        record = harness.record(key, number)
        await store.put(key, record)
        found = await asyncio.gather(*(store.read(key) for _ in range(_AT_ONCE)))
        expect(found == [record] * _AT_ONCE, f"version {number} in life {number}", f"{found[0]}")

    _live(harness, use, lambda store: store.read(key))


@check("EVENTS-061", MUST, others=_OTHERS)
def each_loop_opens_and_closes_the_store(harness: EventsHarness) -> None:
    """Each of many loops opens, uses and closes it, or `open` raises a `ConfigurationError`."""
    aggregate_id = harness.key().aggregate_id
    events = events_of(aggregate_id, _LIVES_OF_A_SOAK)

    async def use(store: EventStore, number: int) -> None:
        before = None if number == 1 else head_of(events[: number - 1])
        if await store.head(NOTEBOOK, aggregate_id) is None:  # it is in memory
            before, first = None, number
            await store.append(events[:first], after=before)
        else:
            await store.append(events[number - 1 : number], after=before)
        heads = (store.head(NOTEBOOK, aggregate_id) for _ in range(_AT_ONCE))
        found = await asyncio.gather(*heads)
        wanted = head_of(events[:number])
        expect(found == [wanted] * _AT_ONCE, f"{wanted} in life {number}", f"{found[0]}")

    _live(harness, use, lambda store: store.head(NOTEBOOK, aggregate_id))


@both("075", IF("network"), others=_ANEW)
async def opens_after_it_could_not(harness: CacheHarness) -> None:
    """After an `open` that failed, the next one of the same object succeeds, and it serves."""
    key = harness.key()
    record = harness.record(key, 5)

    async def use(store: CacheStore) -> None:
        await store.put(key, record)
        found = await store.read(key)
        expect(found == record, told(record), told(found))

    await _opened_at_last(harness, use)


@check("EVENTS-058", IF("network"), others=_ANEW)
async def opens_after_the_store_could_not(harness: EventsHarness) -> None:
    """After an `open` that failed, the next one of the same object succeeds, and it serves."""

    async def use(store: EventStore) -> None:
        await expect_stream(store, await started(store, 2))

    await _opened_at_last(harness, use)


async def _opened_at_last(harness: Harness[S], use: Callable[[S], Awaitable[None]]) -> None:
    net = harness.network()
    store = await harness.make(**net.options)
    net.proxy.refuse()
    await opened_in_vain(store)
    net.proxy.heal()
    async with AsyncExitStack() as stack:
        with unless_raised("`open` succeeds after one that failed, and so do calls"):
            await harness.enter(store, stack)
            await use(store)


def _live(
    harness: Harness[S],
    use: Callable[[S, int], Awaitable[None]],
    read: Callable[[S], Awaitable[object]],
) -> None:
    store = harness.run(harness.make())

    async def life(number: int) -> bool:
        async with asyncio.timeout(_SECONDS), AsyncExitStack() as stack:
            try:
                await harness.enter(store, stack)
            except ConfigurationError:
                if number == 1:
                    raise
                return False
            await use(store, number)
            abandoned = [asyncio.ensure_future(read(store)) for _ in range(_AT_ONCE)]
            await asyncio.sleep(0)
            for each in abandoned:
                each.cancel()
            return True  # and it is closed while they end

    for number in range(1, 1 + (_LIVES_OF_A_SOAK if is_soaking() else _LIVES)):
        with unless_raised(f"life {number} in a loop of its own"):
            if not asyncio.run(life(number)):
                return
