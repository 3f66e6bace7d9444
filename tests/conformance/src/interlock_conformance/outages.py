"""The bad days of a server: what caches and snapshot stores make of them.

The server stands behind a proxy, see `network.py`: nothing here knows its protocol.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from interlock.backends import (
    AggregateRecord,
    BackendKind,
    BackendUnavailableError,
    CacheStore,
    RecordKey,
)
from interlock_conformance.checks import IF, both, expect
from interlock_conformance.harness import CacheHarness
from interlock_conformance.network import (
    AMPLE_SECONDS,
    GRACE_SECONDS,
    PATIENCE_SECONDS,
    TIMEOUT_SECONDS,
    Network,
    answered,
    expect_passage,
    expect_turns,
    outcome,
    told_outcome,
)
from interlock_conformance.records import told

MOST_TRIPS = 12
"""No call is expected to need more round trips than this."""

UNAVAILABLE = (
    "catch what the driver raises in one place and raise `BackendUnavailableError` from it"
)
FRESH = (
    "give a connection back only after its whole reply was read; close it after anything else, a "
    "cancellation too: `except BaseException`"
)


def calls(
    store: CacheStore, key: RecordKey, record: AggregateRecord
) -> Mapping[str, Callable[[], Awaitable[object]]]:
    """A call of each method for one key, by its name."""
    made: dict[str, Callable[[], Awaitable[object]]] = {
        "read": lambda: store.read(key),
        "put": lambda: store.put(key, record),
    }
    if hasattr(store, "remove"):  # which a snapshot store needn't have
        made["remove"] = lambda: store.remove(key, record.stamp)
    return made


async def connected(
    harness: CacheHarness, *, seconds: float = AMPLE_SECONDS
) -> tuple[Network, CacheStore]:
    """A backend that has spoken to its server through a proxy."""
    net = harness.network(seconds=seconds)
    store = await harness.open_in_time(**net.options)
    read, what = partial(store.read, harness.key()), "a read succeeds"
    await answered(store, read, what)
    await expect_passage(net, answered(store, read, what))
    return net, store


async def expect_found(
    store: CacheStore, key: RecordKey, record: AggregateRecord, when: str
) -> None:
    """Expect the record, from a server that is well again."""
    found = await answered(store, lambda: store.read(key), f"{told(record)} is read {when}")
    expect(found == record, f"{told(record)} {when}", told(found))


@both("080", IF("network"), others=UNAVAILABLE)
async def refused_is_unavailable(harness: CacheHarness) -> None:
    """While the server refuses connections each call raises `BackendUnavailableError`, in time."""
    net, store = await connected(harness)
    key = harness.key()
    net.proxy.refuse()
    for name, call in calls(store, key, harness.record(key, 5)).items():
        for _ in range(2):  # on the connection that there was, and on none
            result = await outcome(store, call())
            expect(
                isinstance(result, BackendUnavailableError),
                f"BackendUnavailableError from `{name}` while the server is down",
                told_outcome(result),
            )
    net.proxy.heal()


@both(
    "081",
    IF("network"),
    others="let `timeout` say how long a call may take, wait for the server with `await`, and let "
    "`CancelledError` pass: the core ends the call by it",
)
async def silence_ends_at_the_timeout(harness: CacheHarness) -> None:
    """A call that the server never answers ends at the timeout, with `BackendUnavailableError`."""
    net, store = await connected(harness, seconds=TIMEOUT_SECONDS)
    key = harness.key()
    expect(store.timeout is not None, "a `timeout`: a network may be silent", "None")
    assert store.timeout is not None
    for name, call in calls(store, key, harness.record(key, 5)).items():
        if name == "remove":
            continue
        net.proxy.silence(seconds=store.timeout.total_seconds() + GRACE_SECONDS + 1)
        result = await outcome(store, call())
        net.proxy.heal()
        expect(
            isinstance(result, BackendUnavailableError),
            f"BackendUnavailableError from `{name}`",
            told_outcome(result),
        )


@both(
    "082",
    IF("network"),
    others="an asynchronous driver; or a thread for each call, `asyncio.to_thread` or an executor",
)
async def waiting_holds_up_nobody(harness: CacheHarness) -> None:
    """While a call waits for the server other tasks of the loop go on."""
    net, store = await connected(harness)
    await expect_turns(net, outcome(store, store.read(harness.key())))


@both("083", IF("network"), others=f"a part of a reply is an error of the connection. {FRESH}")
async def half_a_reply_is_no_record(harness: CacheHarness) -> None:
    """A reply that breaks off is an outage, and no record, absence or unusable record."""
    net, store = await connected(harness)
    key, other = harness.key(), harness.key()
    records = {k: harness.record(k, 5) for k in (key, other)}
    for k, record in records.items():
        await store.put(k, record)
    for share in (0, 0.3, 0.5, 0.9, 1):
        await expect_found(store, key, records[key], "before")
        net.proxy.cut_reply(share=share)
        result = await outcome(store, store.read(key))
        expect(
            isinstance(result, BackendUnavailableError) or result == records[key],
            f"BackendUnavailableError, or {told(records[key])} when it was asked for again",
            told_outcome(result),
        )
        net.proxy.heal()
        await expect_found(store, other, records[other], "by the next call")


@both("084", IF("network"), others=FRESH)
async def late_reply_answers_nobody_else(harness: CacheHarness) -> None:
    """After a call was given up, its reply, which comes late, is no answer to the next one."""
    net, store = await connected(harness)
    key, other = harness.key(), harness.key()
    records = {k: harness.record(k, 5, text=f"{k.aggregate_id}") for k in (key, other)}
    for k, record in records.items():
        await store.put(k, record)
    for share in (0, 0.5):
        await expect_found(store, key, records[key], "before")
        net.proxy.hold_reply(share=share)
        call = asyncio.ensure_future(store.read(key))
        await net.proxy.until(lambda: net.proxy.is_holding)
        call.cancel()
        await asyncio.wait([call], timeout=PATIENCE_SECONDS)
        net.proxy.release()
        for k in (other, key):
            await expect_found(store, k, records[k], "after a call that was given up")
    many = await answered(store, lambda: store.read_many([other, key]), "two records are read")
    expect(dict(many) == records, "both records", f"{len(many)} of them, or others")


@both("085", IF("network"), others="one command, script or transaction for all that a put does")
async def lost_reply_leaves_either(harness: CacheHarness) -> None:
    """A put whose reply is lost, at whatever step, was made whole or not at all."""
    net, store = await connected(harness)
    may_be_gone = harness.subject.kind is BackendKind.CACHE
    for skip in range(MOST_TRIPS):
        key = harness.key()
        before, after = harness.record(key, 1), harness.record(key, 2)
        await answered(store, partial(store.put, key, before), "a put succeeds")
        net.proxy.lose_reply(skip=skip)
        result = await outcome(store, store.put(key, after))
        has_happened = not net.proxy.is_planned
        net.proxy.heal()
        await _expect_either(store, key, (before, after), result, or_none=may_be_gone)
        if not has_happened:
            return


async def _expect_either(
    store: CacheStore,
    key: RecordKey,
    records: tuple[AggregateRecord, AggregateRecord],
    result: object,
    *,
    or_none: bool,
) -> None:
    """Expect the record from before the put or the one that was put, as its outcome says."""
    before, after = records
    found = await answered(store, partial(store.read, key), "a read succeeds")
    if result is None:
        expect(found == after, f"{told(after)}: the put was acknowledged", told(found))
        return
    expect(
        isinstance(result, BackendUnavailableError),
        "BackendUnavailableError from a put whose reply is lost, or none",
        told_outcome(result),
    )
    expect(
        found in records or (found is None and or_none),
        f"{told(before)} or {told(after)}",
        told(found),
    )


@both(
    "086",
    IF("network"),
    others="read the server's reply before the put returns; no `noreply`, no pipeline left unread",
)
async def lost_put_is_not_acknowledged(harness: CacheHarness) -> None:
    """A put that never reached the server, or half of it did, isn't acknowledged."""
    net, store = await connected(harness)
    may_be_gone = harness.subject.kind is BackendKind.CACHE
    for disturb in (net.proxy.lose_request, net.proxy.cut_request):
        key = harness.key()
        before, after = harness.record(key, 1), harness.record(key, 2)
        await answered(store, partial(store.put, key, before), "a put succeeds")
        disturb()
        result = await outcome(store, store.put(key, after))
        net.proxy.heal()
        await _expect_either(store, key, (before, after), result, or_none=may_be_gone)


@both("088", IF("network"), others="an error is never an answer: catch it to raise another")
async def many_are_not_absent(harness: CacheHarness) -> None:
    """While the server is down `read_many` raises, and doesn't answer that nothing is there."""
    net, store = await connected(harness)
    keys = [harness.key() for _ in range(3)]
    for key in keys:
        await store.put(key, harness.record(key, 5))
    net.proxy.refuse()
    result = await outcome(store, store.read_many(keys))
    expect(
        isinstance(result, BackendUnavailableError),
        "BackendUnavailableError from `read_many` while the server is down",
        told_outcome(result),
    )
    net.proxy.heal()
    await answered(store, partial(store.read, keys[0]), "a read succeeds")
    net.proxy.cut_reply(share=0.5)
    result = await outcome(store, store.read_many(keys))
    expect(
        isinstance(result, BackendUnavailableError)
        or (isinstance(result, Mapping) and len(result) == len(keys)),
        "BackendUnavailableError, or all of it, after half a reply",
        told_outcome(result),
    )
    net.proxy.heal()
