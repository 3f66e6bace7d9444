"""Bad days without a network: a lock that another has, a disk that fails, descriptors that stay.

`hold` and `break_` of the test class bring them about; descriptors are counted for every backend.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from interlock.backends import BackendUnavailableError, CacheStore, RecordKey
from interlock_conformance.checks import IF, KEEPS, CannotTell, both, expect
from interlock_conformance.harness import CacheHarness, Harness, S
from interlock_conformance.network import answered, outcome, patience, told_outcome
from interlock_conformance.outages import expect_found
from interlock_conformance.records import told

_TIMEOUT = "0.5s"
"""What calls are bounded by where the backend takes it: a lock that stays costs as much."""
_TURNS = 100
_LIVES, _CALLS, _ROUNDS = 5, 30, 4

OFF_THE_LOOP = "wait for a lock in a thread, or try again between two turns of the loop"
FAILED = (
    "catch what the driver raises in one place and raise `BackendUnavailableError` from it; only "
    "an answer that there is none is a miss"
)
CLOSED = (
    "close in `close`, and in `open` where it fails, all that was opened; keep one for the next"
)


async def opened_in_time(harness: Harness[S]) -> S:
    """A store whose calls end soon, if it can be told so."""
    bound = {"timeout": _TIMEOUT} if "timeout" in harness.capabilities else {}
    return await harness.open_in_time(**bound)


async def expect_patience(
    harness: Harness[S], store: S, calls: Mapping[str, Callable[[], Awaitable[object]]]
) -> None:
    """Expect that each call waits for another's lock, while other tasks go on."""
    for name, call in calls.items():
        turns = 0
        async with harness.hold(store):
            waiting = asyncio.ensure_future(outcome(store, call()))
            while not waiting.done() and turns < _TURNS:
                turns += 1
                await asyncio.sleep(0)
        result = await waiting
        expect(
            not isinstance(result, Exception),
            f"`{name}` waits for another's lock while other tasks go on",
            f"{turns} turns of the loop, and then {told_outcome(result)}",
        )


async def expect_few_descriptors(
    harness: Harness[S], use: Callable[[S], Awaitable[object]]
) -> None:
    """Expect that neither calls nor lives leave a descriptor open."""

    async def live(calls: int) -> tuple[int, int]:
        async with harness.opened() as store:
            for _ in range(3):
                await use(store)
            after = _descriptors()
            for _ in range(_ROUNDS):  # a pool may grow to its size first
                before = after
                for _ in range(calls):
                    await use(store)
                after = await _settled(before)
                if after <= before:
                    break
            return before, after

    await live(1)
    gc.collect()  # what others have left would make up for what is left here
    standing = _descriptors()
    before, after = await live(_CALLS)
    expect(after <= before, f"{before} descriptors after {_CALLS} more calls", f"{after}")
    for _ in range(_LIVES):
        await live(1)
    after = await _settled(standing)
    expect(after <= standing, f"{standing} descriptors after {_LIVES} more lives", f"{after}")


async def _settled(count: int) -> int:
    """How many are open, once no more than so many are or a while has passed."""
    deadline = asyncio.get_running_loop().time() + patience() / 3
    pause = 0.01
    while (found := _descriptors()) > count and asyncio.get_running_loop().time() < deadline:
        gc.collect()
        await asyncio.sleep(pause)
        pause *= 2  # to collect all the time would take a core
    return found


def _descriptors() -> int:
    for place in ("/proc/self/fd", "/dev/fd"):
        if Path(place).is_dir():
            return len(list(Path(place).iterdir()))
    raise CannotTell("this system doesn't tell which descriptors are open")


def _calls(
    harness: CacheHarness, store: CacheStore, key: RecordKey
) -> Mapping[str, Callable[[], Awaitable[object]]]:
    return {
        "put": lambda: store.put(key, harness.record(key, 5)),
        "read": lambda: store.read(key),
        "read_many": lambda: store.read_many([key]),
    }


@both("150", IF("hold"), others=OFF_THE_LOOP)
async def lock_is_waited_for_off_the_loop(harness: CacheHarness) -> None:
    """A call that meets another's lock waits for it, and other tasks of the loop go on."""
    store, key = await harness.open(), harness.key()
    await expect_patience(harness, store, _calls(harness, store, key))


@both("151", IF("hold"), others=FAILED)
async def lock_that_stays_is_an_outage(harness: CacheHarness) -> None:
    """While another keeps its lock a put raises `BackendUnavailableError`; nothing is a miss."""
    store, key = await opened_in_time(harness), harness.key()
    before, after = harness.record(key, 1), harness.record(key, 2)
    await answered(store, partial(store.put, key, before), "a put succeeds")
    async with harness.hold(store):
        result = await outcome(store, store.put(key, after))
        found = await outcome(store, store.read(key))
        many = await outcome(store, store.read_many([key]))
    expect(
        isinstance(result, BackendUnavailableError),
        "BackendUnavailableError from a put that never had the lock",
        told_outcome(result),
    )
    _expect_no_miss(key, found, many, before, after)
    newest = harness.record(key, 3)
    await answered(store, partial(store.put, key, newest), "a put succeeds")
    await expect_found(store, key, newest, "after the lock was let go")


@both("152", IF("break_"), others=FAILED)
async def failing_disk_is_an_outage(harness: CacheHarness) -> None:
    """While the disk fails nothing is a miss, and no put is acknowledged that isn't made."""
    store, key = await harness.open(), harness.key()
    before, after = harness.record(key, 1), harness.record(key, 2)
    await answered(store, partial(store.put, key, before), "a put succeeds")
    async with harness.break_(store):
        found = await outcome(store, store.read(key))
        many = await outcome(store, store.read_many([key]))
        result = await outcome(store, store.put(key, after))
    _expect_no_miss(key, found, many, before, after)
    kept = await answered(store, partial(store.read, key), "a read succeeds")
    if isinstance(result, BackendUnavailableError):
        expect(kept in (before, after), f"{told(before)} or {told(after)}", told(kept))
    else:
        expect(
            result is None and kept == after,
            "BackendUnavailableError from a put that isn't made",
            f"{told_outcome(result)}, and then {told(kept)} is read",
        )
    newest = harness.record(key, 3)
    await answered(store, partial(store.put, key, newest), "a put succeeds")
    await expect_found(store, key, newest, "once the disk is well")


def _expect_no_miss(
    key: RecordKey, found: object, many: object, before: object, after: object
) -> None:
    expect(
        isinstance(found, BackendUnavailableError) or found in (before, after),
        "BackendUnavailableError from `read`, or the record",
        told_outcome(found),
    )
    expect(
        isinstance(many, BackendUnavailableError)
        or (isinstance(many, Mapping) and many.get(key) in (before, after)),
        "BackendUnavailableError from `read_many`, or the record",
        told_outcome(many),
    )


@both("153", KEEPS, others=CLOSED)
async def descriptors_are_closed(harness: CacheHarness) -> None:
    """Calls, and lives from `open` to `close`, leave no descriptor open."""
    key = harness.key()

    async def use(store: CacheStore) -> None:
        await store.put(key, harness.record(key, 5))
        await store.read(key)

    await expect_few_descriptors(harness, use)
