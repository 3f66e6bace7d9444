"""The process's time zone: moments are moments, wherever the process thinks it is."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import uuid4

from interlock_conformance.checks import (
    IF,
    KEEPS,
    MUST,
    CannotTell,
    both,
    check,
    expect,
    unless_raised,
)
from interlock_conformance.forgetting import expect_refused, forgotten, taken
from interlock_conformance.harness import CacheHarness, EventsHarness, Harness, SnapshotHarness
from interlock_conformance.records import events_of, told
from interlock_conformance.streams import expect_stream

S = TypeVar("S")

_EAST, _WEST = "CET-1CEST,M3.5.0,M10.5.0/3", "NST3:30NDT,M3.2.0,M11.1.0"
_TWICE = [datetime(2024, 10, 27, hour, 30, tzinfo=UTC) for hour in (0, 1)]
"""Both are half past two in the east, where the clocks are set back between them."""
_MOMENTS = [*_TWICE, datetime(2024, 3, 31, 1, 15, tzinfo=UTC), datetime(1960, 1, 1, tzinfo=UTC)]
_UTC = "keep whole microseconds since 1970, of UTC; no `datetime.now()` without a zone, no `mktime`"


@both("073", KEEPS, others=_UTC)
async def records_have_no_zone(harness: CacheHarness) -> None:
    """A record that was put in one time zone is read in another as it was put."""
    moments = zip(_MOMENTS, reversed(_MOMENTS), strict=True)
    for (here, there), (moment, other) in zip(_ways() * 2, moments, strict=True):
        key = harness.key()
        record = harness.record(key, 5)._replace(verified_at=moment, taken_at=other)
        with _in_zone(here):
            store = await harness.open()
            await store.put(key, record)
        with _in_zone(there):
            found = await harness.read(await _another(harness, store), key)
        expect(found == record, f"{record}", f"{found}")


@check("CACHE-059", IF("ttl"), others=_UTC)
async def time_to_live_has_no_zone(harness: CacheHarness) -> None:
    """With an hour to live an entry is there, whatever the time zones of its put and its read."""
    for here, there in _ways():
        key = harness.key()
        record = harness.record(key, 5)
        with _in_zone(here):
            store = await harness.open(ttl="1h")
            await store.put(key, record)
        with _in_zone(there):
            found = await harness.read(await _another(harness, store, ttl="1h"), key)
        expect(found == record, told(record), told(found))


@check("SNAP-134", IF("forget"), others=_UTC)
async def tombstones_have_no_zone(harness: SnapshotHarness) -> None:
    """A forget in one time zone stands in another, for what was taken before it and no other."""
    for here, there in _ways():
        key = harness.key()
        with _in_zone(here):
            store = await harness.open()
            await forgotten(store, key)
        with _in_zone(there):
            other = await _another(harness, store)
            await expect_refused(harness, other, key, "in another time zone")
            later = taken(harness.record(key, 9), seconds=60)
            await other.put(key, later)
            found = await harness.read(other, key)
        expect(found == later, f"{told(later)}, taken after the forget", told(found))


@check("EVENTS-068", MUST, others=_UTC)
async def events_have_no_zone(harness: EventsHarness) -> None:
    """Events that were appended in one time zone are read in another as they were appended."""
    for here, there in _ways():
        pairs = zip(events_of(uuid4(), len(_MOMENTS)), _MOMENTS, strict=True)
        events = [event._replace(recorded_at=moment) for event, moment in pairs]
        with _in_zone(here):
            store = await harness.open()
            with unless_raised("the append succeeds"):
                await store.append(events, after=None)
        with _in_zone(there):
            await expect_stream(await _another(harness, store), events)


def _ways() -> list[tuple[str, str]]:
    """From one time zone to another, and back."""
    return [(_EAST, _WEST), (_WEST, _EAST)]


async def _another(harness: Harness[Any], store: S, **options: object) -> S:  # Any: S
    """Another instance, where it has what this one has."""
    return cast("S", await harness.open(**options)) if "shared" in harness.capabilities else store


@contextmanager
def _in_zone(name: str) -> Iterator[None]:
    """The process is in this time zone meanwhile."""
    if not hasattr(time, "tzset"):
        raise CannotTell("the time zone of a process can't be set here")
    before = os.environ.get("TZ")
    try:
        os.environ["TZ"] = name
        time.tzset()
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()
