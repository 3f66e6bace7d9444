"""Stores with several doors: nodes that each take puts and answer reads, and that come and go.

What is asked of two instances, see `instances.py`, is asked at two doors where there are several.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from interlock.backends import BackendUnavailableError
from interlock_conformance.checks import IF, both, expect
from interlock_conformance.harness import CacheHarness, Harness, S
from interlock_conformance.network import answered, outcome, told_outcome
from interlock_conformance.outages import expect_found
from interlock_conformance.records import told

CATCH_UP = (
    "let a node answer nothing until it has caught up with the others: it raises "
    "`BackendUnavailableError` as long as it isn't one of them"
)
_RACES = 20


@asynccontextmanager
async def gone_and_back(harness: Harness[S], by: str) -> AsyncIterator[None]:
    """The second node is stopped until the block ends, and then woken or replaced."""
    await harness.at_node("stop", 1)
    try:
        yield
    finally:
        await harness.at_node(by, 1)


def expect_outage(result: object, right: object) -> None:
    """Expect an outage of a node that was stopped, or the answer of another."""
    expect(
        isinstance(result, BackendUnavailableError) or result == right,
        "BackendUnavailableError at a node that was stopped, or what stands",
        told_outcome(result),
    )


@both(
    "145",
    IF("doors"),
    others="let the nodes agree on the order of puts to one key, and each compare the versions",
)
async def doors_leave_the_newest(harness: CacheHarness) -> None:
    """After puts at several doors at once the newest is read, at each of them."""
    stores = await harness.doors()
    for place in range(_RACES):
        key, count = harness.key(), len(stores)
        records = [harness.record(key, 1 + (place + each) % count) for each in range(count)]
        pairs = zip(stores, records, strict=True)
        puts = (answered(s, partial(s.put, key, r), "a put succeeds") for s, r in pairs)
        await asyncio.gather(*puts)
        newest = max(records, key=lambda record: record.version)
        for store in stores:
            found = await harness.read(store, key)
            expect(found == newest, f"{told(newest)} at each door", told(found))


@both("146", IF("doors", "stop", "wake"), others=CATCH_UP)
async def woken_node_is_up_to_date(harness: CacheHarness) -> None:
    """A node that was stopped and woken gives what was put meanwhile, or raises."""
    await _come_back(harness, "wake")


@both("147", IF("doors", "stop", "replace"), others=CATCH_UP)
async def replaced_node_is_up_to_date(harness: CacheHarness) -> None:
    """A node that was stopped and replaced by an empty one gives what was put, or raises."""
    await _come_back(harness, "replace")


async def _come_back(harness: CacheHarness, by: str) -> None:
    one, other, *_ = await harness.doors()
    key, late = harness.key(), harness.key()
    before, after = harness.record(key, 1), harness.record(key, 2)
    await answered(one, partial(one.put, key, before), "a put succeeds")
    await expect_found(other, key, before, "at another node")
    async with gone_and_back(harness, by):
        for record, its_key in ((after, key), (kept := harness.record(late, 1), late)):
            await answered(one, partial(one.put, its_key, record), "a put succeeds")
        expect_outage(await outcome(other, other.read(key)), after)
    await expect_found(other, key, after, "at a node that came back")
    await expect_found(other, late, kept, "at a node that came back")
