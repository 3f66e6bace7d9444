"""The checks of event stores: what an event holds comes back to the last bit."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from uuid import UUID, uuid4

from interlock.backends import EventRow, StoredEvent
from interlock_conformance.checks import MUST, check, expect, unless_raised
from interlock_conformance.harness import EventsHarness
from interlock_conformance.hostile import MEBIBYTE, PLANES
from interlock_conformance.records import DIARY, events_of
from interlock_conformance.streams import expect_stream

_TYPES = (int, bytes, str, int, int, bytes, bytes)


async def round_trip(harness: EventsHarness, events: Sequence[StoredEvent]) -> None:
    """Append these to a new stream and expect them back."""
    store = await harness.open()
    with unless_raised("the append succeeds"):
        await store.append(events, after=None)
    await expect_stream(store, events)


@check(
    "EVENTS-030",
    MUST,
    others="convert what the driver gives: `bytes(...)` of a memoryview, `int(...)` of a Decimal",
)
async def rows_have_their_types(harness: EventsHarness) -> None:
    """A row is a tuple of int, bytes, str, int, int, bytes, bytes; the head's id is a UUID."""
    store, event = await harness.open(), events_of(uuid4(), 1)[0]
    await store.append([event], after=None)
    async for chunk in store.read(event.aggregate_type, event.aggregate_id):
        for row in chunk:
            expect(isinstance(row, tuple), "a tuple", type(row).__name__)
            found = tuple(type(value) for value in row)
            wanted = dict(zip(EventRow._fields, _TYPES, strict=True))
            expect(found == _TYPES, f"{wanted}", f"{found}")
    head = await store.head(event.aggregate_type, event.aggregate_id)
    expect(head is not None and type(head[1]) is UUID, "(version, UUID)", f"{head!r}")


@check(
    "EVENTS-031",
    MUST,
    others="keep bytes as bytes, in a binary column; a JSON column writes them anew",
)
async def json_is_not_rewritten(harness: EventsHarness) -> None:
    """Metadata and payload come back byte by byte, in whatever spelling of JSON they are."""
    spelled = (
        b"{}",
        b'{ "b":1,\t"a" : 1.0, "a":[ ] }\n',
        b"null",
        b'{"n":12345678901234567890.10}',
    )
    events = [
        event._replace(metadata=metadata, payload=payload)
        for event, metadata, payload in zip(
            events_of(uuid4(), 4), spelled, reversed(spelled), strict=True
        )
    ]
    await round_trip(harness, events)


@check(
    "EVENTS-032",
    MUST,
    others="take a column type without a bound: MySQL's BLOB ends at 64 KiB, its LONGBLOB doesn't",
)
async def mebibyte_is_kept(harness: EventsHarness) -> None:
    """A payload of 1 MiB, which doesn't compress, is kept whole."""
    text = Random(1).randbytes(MEBIBYTE // 2).hex()  # noqa: S311 the same bytes in each run
    payload = f'{{"text":"{text}"}}'.encode()
    await round_trip(harness, events_of(uuid4(), 1, payload=payload))


@check(
    "EVENTS-033",
    MUST,
    others="keep bytes as bytes; for the type's name take a column for all of Unicode, as utf8mb4",
)
async def any_text_is_kept(harness: EventsHarness) -> None:
    """Every plane of Unicode, quotes, and NUL as JSON escapes it are kept, in names too."""
    payload = f'{{"text":"\\u0000\\n\\\\ \\" \' %s :x ? {PLANES}"}}'.encode()
    event = events_of(uuid4(), 1, aggregate_type=f"Type '\"%s {PLANES}", payload=payload)[0]
    await round_trip(harness, [event._replace(type=f"Event '\"%s {PLANES}", metadata=payload)])


@check(
    "EVENTS-034",
    MUST,
    others="keep the whole number of microseconds as a 64-bit integer, never as a float of seconds",
)
async def moments_are_exact(harness: EventsHarness) -> None:
    """`recorded_at` comes back to the microsecond, before 1970 and in the year 9999 too."""
    moments = [
        datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2262, 4, 12, 0, 0, 0, 1, tzinfo=UTC),
    ]
    events = zip(events_of(uuid4(), len(moments)), moments, strict=True)
    await round_trip(harness, [event._replace(recorded_at=moment) for event, moment in events])


@check("EVENTS-035", MUST, others="a column for each; nothing is taken from the first of a commit")
async def events_of_a_commit_differ(harness: EventsHarness) -> None:
    """The events of one append keep their own types, schema versions, times and metadata."""
    events = [
        event._replace(type=f"Type{place}", schema_version=place + 1)
        for place, event in enumerate(events_of(uuid4(), 3))
    ]
    await round_trip(harness, events)


@check(
    "EVENTS-064",
    MUST,
    others="a key of the stream and the version; an index over the events' ids alone, if there is "
    "one, isn't unique",
)
async def ids_are_of_their_stream(harness: EventsHarness) -> None:
    """A stream may be copied: events of other streams have the same ids."""
    store, events = await harness.open(), events_of(uuid4(), 3)
    copies = [
        events,
        [event._replace(aggregate_id=UUID(int=event.aggregate_id.int ^ 1)) for event in events],
        [event._replace(aggregate_type=DIARY) for event in events],
    ]
    for copy in copies:
        with unless_raised("an append of a copy to another stream succeeds"):
            await store.append(copy, after=None)
    for copy in copies:
        await expect_stream(store, copy)
