import asyncio
import gc
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

import pytest

from interlock.backends import StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]

ID = uuid4()
WAYS = pytest.mark.parametrize(
    ("place", "inline_rows"),
    [("sqlite", 0), ("sqlite", 500), ("postgresql", 500), ("psycopg", 500), ("mariadb", 500)],
    indirect=["place"],
)


async def versions(store: SQLAlchemyEventStore, **bounds: int | None) -> list[int]:
    chunks = store.read("Account", ID, **bounds)  # type: ignore[arg-type] # bounds of that method
    return [row[0] async for rows in chunks for row in rows]


@pytest.mark.parametrize(
    ("place", "inline_rows"),
    [*(("sqlite", rows) for rows in (0, 1, 4, 500)), ("postgresql", 0), ("mariadb", 0)],
    indirect=["place"],
)
@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({}, (1, 9)),
        ({"first": 4}, (4, 9)),
        ({"last": 4}, (1, 4)),
        ({"first": 3, "last": 6}, (3, 6)),
        ({"first": 9, "last": 9}, (9, 9)),
        ({"first": 10}, (1, 0)),
        ({"first": 6, "last": 5}, (1, 0)),
        ({"first": -3, "last": 0}, (1, 0)),
        ({"first": 2**70}, (1, 0)),
        ({"first": 8, "last": 2**70}, (8, 9)),
        ({"last": None}, (1, 9)),
    ],
)
async def test_a_read_keeps_its_bounds(
    open_store: OpenStore,
    events: Events,
    inline_rows: int,
    bounds: dict[str, int | None],
    found: tuple[int, int],
) -> None:
    store = await open_store(inline_rows=inline_rows)
    await store.append(events(ID, range(1, 10)), after=None)
    assert await versions(store, **bounds) == list(range(found[0], found[1] + 1))


@pytest.mark.parametrize("place", ["postgresql", "psycopg", "mariadb"], indirect=True)
async def test_a_server_reads_the_next_chunk_while_the_caller_has_this_one(
    open_store: OpenStore, events: Events
) -> None:
    store = await open_store()
    await store.append(events(ID, range(1, 1_500)), after=None)
    before = store.round_trips
    chunks = store.read("Account", ID)
    async for rows in chunks:
        # Both were sent, and nothing was awaited since.
        assert (rows[0][0], store.round_trips - before) == (1, 2)
        break
    assert [row[0] async for rows in chunks for row in rows][-1] == 1_499


@WAYS
async def test_a_read_and_the_head_see_what_another_store_acknowledged(
    open_store: OpenStore, events: Events, inline_rows: int
) -> None:
    writer, reader = await open_store(), await open_store(inline_rows=inline_rows)
    abandoned = []
    after = None
    for version in range(1, 30):
        (event,) = events(ID, [version])
        await writer.append([event], after=after)
        after = event.version, event.event_id
        assert await reader.head("Account", ID) == after
        assert (await versions(reader))[-1] == version
        abandoned.append(reader.read("Account", ID))
        await anext(abandoned[-1])


@WAYS
async def test_reads_at_once_each_get_their_own(
    open_store: OpenStore, events: Events, inline_rows: int
) -> None:
    store = await open_store(inline_rows=inline_rows)
    await store.append(events(ID, range(1, 2501)), after=None)
    reads = await asyncio.gather(*(versions(store, first=first) for first in range(1, 2000, 100)))
    for first, found in zip(range(1, 2000, 100), reads, strict=True):
        assert found == list(range(first, 2501))


@WAYS
async def test_the_memory_of_a_read_does_not_grow_with_the_stream(
    open_store: OpenStore, events: Events, inline_rows: int
) -> None:
    store = await open_store(inline_rows=inline_rows, synchronous="OFF")
    await store.append(events(ID, range(1, 20_001)), after=None)
    gc.collect()
    tracemalloc.start()
    try:
        count = 0
        async for rows in store.read("Account", ID):
            count += len(rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 3_000_000  # all of them take 9,000,000


async def test_other_tasks_run_between_the_chunks_of_a_long_read(
    open_store: OpenStore, events: Events
) -> None:
    store = await open_store(inline_rows=100)
    await store.append(events(ID, range(1, 1001)), after=None)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    assert len(await versions(store)) == 1000
    counting.cancel()
    assert turns >= 5
