"""Helpers of the checks of event stores: prepared streams, conflicts, descriptions of rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID, uuid4

from interlock.backends import ConcurrencyError, EventRow, EventStore, StoredEvent
from interlock_conformance.checks import CheckFailed, expect, unless_raised
from interlock_conformance.records import NOTEBOOK, events_of, head_of

Head = tuple[int, UUID]

HANG_SECONDS = 30
"""A call that takes longer hangs."""


async def started(
    store: EventStore,
    count: int,
    *,
    aggregate_type: str = NOTEBOOK,
    aggregate_id: UUID | None = None,
) -> Sequence[StoredEvent]:
    """A new stream of so many events, appended at once."""
    events = events_of(aggregate_id or uuid4(), count, aggregate_type=aggregate_type)
    with unless_raised(f"an append of {count} events to a new stream succeeds"):
        await store.append(events, after=None)
    return events


async def extended(
    store: EventStore, events: Sequence[StoredEvent], count: int = 1
) -> Sequence[StoredEvent]:
    """So many events more, behind these; all of them."""
    last = events[-1]
    more = events_of(
        last.aggregate_id, count, first=last.version + 1, aggregate_type=last.aggregate_type
    )
    with unless_raised(f"an append behind version {last.version}, which is the head, succeeds"):
        await store.append(more, after=head_of(events))
    return [*events, *more]


async def rows_of(
    store: EventStore, event: StoredEvent, *, first: int = 1, last: int | None = None
) -> Sequence[EventRow]:
    """The stream of the event, whole or between two versions."""
    chunks = store.read(event.aggregate_type, event.aggregate_id, first=first, last=last)
    with unless_raised("a read succeeds"):
        return [EventRow(*row) async for chunk in chunks for row in chunk]


async def head_at(store: EventStore, event: StoredEvent) -> Head | None:
    """The head of the event's stream."""
    with unless_raised("`head` answers"):
        return await store.head(event.aggregate_type, event.aggregate_id)


async def expect_conflict(
    store: EventStore, events: Sequence[StoredEvent], *, after: Head | None, why: str
) -> None:
    """Expect `ConcurrencyError` of an append."""
    __tracebackhide__ = True
    try:
        await store.append(events, after=after)
    except ConcurrencyError:
        return
    except Exception as error:
        raise CheckFailed(f"ConcurrencyError: {why}", _spoken(error)) from error
    raise CheckFailed(f"ConcurrencyError: {why}", "the append succeeded")


async def expect_stream(
    store: EventStore, events: Sequence[StoredEvent], *, first: int = 1, last: int | None = None
) -> None:
    """Expect that a read gives these events and no other."""
    __tracebackhide__ = True
    found = await rows_of(store, events[0], first=first, last=last)
    expect_rows(found, [event.row() for event in events])


def expect_rows(found: Sequence[EventRow], wanted: Sequence[EventRow]) -> None:
    """Expect these rows, and say where they begin to differ."""
    __tracebackhide__ = True
    for row, want in zip(found, wanted, strict=False):
        if row == want:
            continue
        for name, value, right in zip(EventRow._fields, row, want, strict=True):
            expect(
                value == right,
                f"an event of version {want.version} with {name} {_short(right)}",
                f"one of version {row.version} with {name} {_short(value)}",
            )
    expect(len(found) == len(wanted), told_rows(wanted), told_rows(found))


def expect_rows_to_fold(found: Sequence[EventRow], wanted: Sequence[EventRow]) -> None:
    """Expect these rows, of which the metadata may be left out."""
    __tracebackhide__ = True
    whole = [
        row._replace(metadata=want.metadata) if row.metadata is None else row
        for row, want in zip(found, wanted, strict=False)
    ]
    expect_rows([*whole, *found[len(whole) :]], wanted)


def told_rows(rows: Sequence[EventRow]) -> str:
    """Rows in a few words, for messages."""
    if not rows:
        return "no events"
    return f"{len(rows)} events, versions {rows[0].version} to {rows[-1].version}"


@contextmanager
def unless_hung(what: str) -> Iterator[None]:
    """Fail the check when the block takes too long; an `asyncio.timeout` goes inside it."""
    try:
        yield
    except TimeoutError as error:
        raise CheckFailed(what, f"nothing within {HANG_SECONDS} seconds") from error


def _spoken(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:80]}... ({len(text)} characters)"
