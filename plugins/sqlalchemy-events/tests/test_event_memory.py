"""However large its events are, a stream is read by pages of 16 MiB at most."""

import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from interlock.backends import EventRow, StoredEvent
from interlock_sqlalchemy.database import PAGE_BYTES
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]
Chunks = Callable[[SQLAlchemyEventStore], AsyncIterator[Sequence[EventRow]]]

ID = uuid4()
LARGEST = 12 << 20
SIZES = [*[100] * 40, *[1 << 20] * 24, *[40_000] * 40, *[100] * 40, LARGEST, *[100] * 700]


async def filled(store: SQLAlchemyEventStore, events: Events) -> list[tuple[int, int]]:
    after: tuple[int, UUID] | None = None
    stored: list[StoredEvent] = []
    for version, size in enumerate(SIZES, 1):
        stored += events(ID, [version], payload=b'"%s"' % (b"x" * (size - 2)))
    while stored:
        part, stored = stored[:40], stored[40:]
        await store.append(part, after=after)
        after = part[-1].version, part[-1].event_id
    return list(enumerate(SIZES, 1))


async def _one(store: SQLAlchemyEventStore) -> AsyncIterator[Sequence[EventRow]]:
    async for rows in store.read("Account", ID):
        yield rows


async def _many(store: SQLAlchemyEventStore) -> AsyncIterator[Sequence[EventRow]]:
    async for _, rows in store.read_many("Account", {ID: 1, uuid4(): 1}):
        yield rows


@pytest.mark.parametrize("chunks", [_one, _many])
@pytest.mark.parametrize(
    ("place", "inline_rows"),
    [("sqlite", 0), ("sqlite", 500), ("postgresql", 500), ("psycopg", 500), ("mariadb", 500)],
    indirect=["place"],
)
async def test_a_page_is_bounded_in_bytes(
    open_store: OpenStore, events: Events, inline_rows: int, chunks: Chunks
) -> None:
    store = await open_store(inline_rows=inline_rows)
    wanted = await filled(store, events)
    fetched = _watched(store)
    found = []
    tracemalloc.start()
    try:
        async for rows in chunks(store):
            assert rows
            assert len(rows) == 1 or sum(len(row[6]) for row in rows) <= PAGE_BYTES
            found += [(row[0], len(row[6])) for row in rows]
            del rows
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == wanted
    assert max(fetched, default=0) <= PAGE_BYTES
    # The largest event, in the driver's buffer and as a row; a page, and the one read ahead.
    assert peak < 2 * LARGEST + 2 * PAGE_BYTES


def _watched(store: SQLAlchemyEventStore) -> list[int]:
    """The bytes of each answer of several rows that a server's driver is about to give."""
    fetched: list[int] = []
    driver = getattr(store._database, "_driver", None)
    if driver is None:
        return fetched
    fetch = driver.fetch

    async def counting(*arguments: Any) -> Any:
        rows = await fetch(*arguments)
        if len(rows) > 1:
            fetched.append(sum(len(row[-1] or b"") for row in rows))
        return rows

    driver.fetch = counting
    return fetched
