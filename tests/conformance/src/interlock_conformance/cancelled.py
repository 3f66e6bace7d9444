"""One call of twelve is cancelled: the others are answered, with what they asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import uuid4

from interlock_conformance.checks import KEEPS, MUST, both, check, expect, unless_raised
from interlock_conformance.harness import CacheHarness, EventsHarness
from interlock_conformance.records import events_of, told
from interlock_conformance.streams import HANG_SECONDS, expect_stream, rows_of, unless_hung

T = TypeVar("T")

_CALLS = 12
_TURNS = (0, 1, 2, 3, 5, 8, 13)
"""Of the loop, before one is cancelled."""
_OTHERS = (
    "one caller's cancellation ends one caller's wait: not a batch or a connection that others "
    "wait for, and what it held is given back"
)


@both("072", KEEPS, others=_OTHERS)
async def one_cancelled_call_takes_no_other(harness: CacheHarness) -> None:
    """Of twelve reads or puts at once one is cancelled: the others succeed, and later ones."""
    store = await harness.open()
    for place, turns in enumerate(_TURNS):
        records = {key: harness.record(key, 5) for key in (harness.key() for _ in range(_CALLS))}
        puts = [lambda k=key, r=record: store.put(k, r) for key, record in records.items()]
        reads = [lambda k=key: store.read(k) for key in records]
        victim = (place * 5) % _CALLS
        await _with_one_cancelled(puts, victim, turns)
        with unless_raised("a put succeeds that was cancelled before"):
            await puts[victim]()
        answers = await _with_one_cancelled(reads, victim, turns)
        for number, (key, record) in enumerate(records.items()):
            with unless_raised("a read succeeds after one was cancelled"):
                later = await store.read(key)
            for found in (answers.get(number, record), later):
                expect(found == record, told(record), told(found))


@check("EVENTS-069", MUST, others=_OTHERS)
async def one_cancelled_append_takes_no_other(harness: EventsHarness) -> None:
    """Of twelve appends or reads at once one is cancelled: the others succeed, and later ones."""
    store = await harness.open()
    for place, turns in enumerate(_TURNS):
        streams = [events_of(uuid4(), 2) for _ in range(_CALLS)]
        victim = (place * 5) % _CALLS
        appends = [lambda e=events: store.append(e, after=None) for events in streams]
        await _with_one_cancelled(appends, victim, turns)
        kept = [events for number, events in enumerate(streams) if number != victim]
        reads = [lambda e=events: rows_of(store, e[0]) for events in kept]
        for number, rows in (await _with_one_cancelled(reads, victim - 1, turns)).items():
            wanted = [event.row() for event in kept[number]]
            expect(rows == wanted, f"{len(wanted)} events of its own stream", f"{len(rows)}")
        for events in kept:
            await expect_stream(store, events)


async def _with_one_cancelled(
    calls: Sequence[Callable[[], Awaitable[T]]], victim: int, turns: int
) -> dict[int, T]:
    """Make all calls at once and cancel one after some turns; the answers, by the call's place."""
    tasks = [asyncio.ensure_future(call()) for call in calls]
    for _ in range(turns):
        await asyncio.sleep(0)
    tasks[victim].cancel()
    others = {place: task for place, task in enumerate(tasks) if task is not tasks[victim]}
    try:
        with unless_hung(f"{len(others)} calls are answered beside one that was cancelled"):
            async with asyncio.timeout(HANG_SECONDS):
                await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()
    found = {}
    for place, task in others.items():
        with unless_raised(f"{len(others)} calls succeed beside one that was cancelled"):
            try:
                found[place] = task.result()
            except asyncio.CancelledError as error:
                raise RuntimeError("it was cancelled with the other") from error
    return found
