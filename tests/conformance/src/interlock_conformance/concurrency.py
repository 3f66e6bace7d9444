"""Many callers at once: tasks, connections, threads, processes, and callers that go away."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence

from interlock.backends import AggregateRecord, CacheStore, RecordKey
from interlock_conformance.checks import IF, KEEPS, CheckFailed, both, expect
from interlock_conformance.harness import CacheHarness
from interlock_conformance.records import told
from interlock_conformance.streams import HANG_SECONDS

_ORDER = (11, 2, 9, 20, 1, 10, 17, 4, 19, 8, 3, 16, 12, 7, 18, 5, 14, 13, 6, 15)
_IN_THE_STORE = (
    "compare and write in one step inside the store: a transaction that takes its lock before it "
    "reads, a compare and set that is tried again, a script"
)


async def put_each(store: CacheStore, key: RecordKey, records: Sequence[AggregateRecord]) -> None:
    """Put them all at once."""
    await asyncio.gather(*(store.put(key, record) for record in records))


def newest_of(records: Sequence[AggregateRecord]) -> AggregateRecord:
    """The record with the highest version."""
    return max(records, key=lambda record: record.version)


@both("023", KEEPS, others=f"{_IN_THE_STORE}; within a process a lock around both will do")
async def tasks_leave_the_newest(harness: CacheHarness) -> None:
    """After puts of many tasks at once the newest version is read."""
    store, key = await harness.open(), harness.key()
    records = [harness.record(key, version) for version in _ORDER]
    await put_each(store, key, records)
    found = await harness.read(store, key)
    expect(found == newest_of(records), told(newest_of(records)), told(found))


@both("024", IF("shared"), others="keep nothing of a record in the process, or ask before using it")
async def other_connections_see(harness: CacheHarness) -> None:
    """A put by one connection is read by the other, also after it had read an earlier record."""
    first, second, key = await harness.open(), await harness.open(), harness.key()
    records = [harness.record(key, version) for version in (1, 2)]
    for record in records:
        await first.put(key, record)
        found = await harness.read(second, key)
        expect(found == record, told(record), told(found))


@both("025", IF("shared"), others=_IN_THE_STORE)
async def threads_leave_the_newest(harness: CacheHarness) -> None:
    """After puts of several threads, each with a loop and a connection, the newest is read."""
    store, races = await harness.open(), races_of(harness, 3)
    barrier = threading.Barrier(3, timeout=HANG_SECONDS)

    async def work(place: int) -> None:
        async with harness.opened() as opened:
            for key, records in races.items():
                barrier.wait()
                await opened.put(key, records[place])

    def in_a_loop(place: int) -> None:
        try:
            asyncio.run(work(place))
        except BaseException:
            barrier.abort()
            raise

    threads = (asyncio.to_thread(in_a_loop, place) for place in range(3))
    ended = await asyncio.gather(*threads, return_exceptions=True)
    errors = [error for error in ended if error is not None]
    for error in sorted(errors, key=lambda each: isinstance(each, threading.BrokenBarrierError)):
        raise error
    for key, records in races.items():
        found, newest = await harness.read(store, key), newest_of(records)
        expect(found == newest, told(newest), told(found))


@both("026", IF("shared"), others=_IN_THE_STORE)
async def processes_leave_the_newest(harness: CacheHarness) -> None:
    """After puts of two processes at once the newest is read, in both."""
    store, races = await harness.open(), races_of(harness, 2)
    async with harness.process() as other:
        for key, records in races.items():
            await asyncio.gather(other.call("put", key, records[0]), store.put(key, records[1]))
            newest = newest_of(records)
            for found in (await harness.read(store, key), await other.call("read", key)):
                expect(found == newest, told(newest), told(found))


def races_of(harness: CacheHarness, rivals: int) -> Mapping[RecordKey, Sequence[AggregateRecord]]:
    """Keys with a record for each rival, of which each has the newest in its turn."""
    keys = [harness.key() for _ in range(4 * rivals)]
    return {
        key: [harness.record(key, 1 + (place + rival) % rivals) for rival in range(rivals)]
        for place, key in enumerate(keys)
    }


@both(
    "027",
    KEEPS,
    plain=("CACHE", "SNAP"),
    others="release locks and connections in `finally`; wait for a write that a thread has, shield "
    "what is shared between callers",
)
async def cancelled_put_blocks_nobody(harness: CacheHarness) -> None:
    """After puts were cancelled, wherever they stood, the next call is answered within 10 s."""
    store, key = await harness.open(), harness.key()
    for turns in range(10):
        await cancelled(store.put(key, harness.record(key, turns + 1)), turns=turns)
    newest = harness.record(key, 100)
    try:
        async with asyncio.timeout(10):
            await store.put(key, newest)
            found = await harness.read(store, key)
    except TimeoutError:
        raise CheckFailed("an answer within 10 s", "none") from None
    expect(harness.is_same(found, newest), told(newest), told(found))


@both(
    "028",
    KEEPS,
    plain=("CACHE", "SNAP"),
    others="one transaction, or one command, for all that a put does",
)
async def cancelled_put_is_whole(harness: CacheHarness) -> None:
    """A cancelled put was made or not: what stood before is read, or what was put, whole."""
    store = await harness.open()
    for turns in range(10):
        key = harness.key()
        before, after = harness.record(key, 1), harness.record(key, 2)
        await store.put(key, before)
        await cancelled(store.put(key, after), turns=turns)
        found = await harness.read(store, key)
        expect(
            harness.is_same(found, before) or harness.is_same(found, after),
            f"{told(before)} or {told(after)}",
            told(found),
        )


async def cancelled(put: Coroutine[object, object, None], *, turns: int) -> None:
    """Cancel it after so many turns of the loop, and see it end."""
    task = asyncio.create_task(put)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=10)
