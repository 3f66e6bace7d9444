import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from interlock.backends import BackendUnavailableError, ConcurrencyError, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

ID = uuid4()


async def count(store: SQLAlchemyEventStore) -> int:
    return sum([len(rows) async for rows in store.read("Account", ID)])


async def test_a_locked_file_stores_nothing_and_says_so(
    open_store: OpenStore, events: Events, file: Path
) -> None:
    store = await open_store(busy_timeout=0.05)
    first = events(ID, [1])
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(BackendUnavailableError, match=r"locked.*raise busy_timeout") as caught:
            await store.append(first, after=None)
        assert await count(store) == 0
    assert caught.value.nothing_done
    assert str(file) in str(caught.value)
    await store.append(first, after=None)
    assert await count(store) == 1


async def test_a_short_lock_is_waited_for(
    store: SQLAlchemyEventStore, events: Events, file: Path
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin immediate")
        waiting = asyncio.ensure_future(store.append(events(ID, [1]), after=None))
        await asyncio.sleep(0)
        other.execute("commit")
        await waiting
    assert await count(store) == 1


async def test_a_read_only_file_is_read_and_refuses_appends(
    open_store: OpenStore, events: Events, file: Path
) -> None:
    first = events(ID, [1])
    await (await open_store()).append(first, after=None)
    url = f"sqlite:///file:{file}?mode=ro&uri=true"
    for create_schema in (False, True):
        store = await open_store(url=url, create_schema=create_schema)
        assert await count(store) == 1
        with pytest.raises(BackendUnavailableError, match=r"readonly.*make the file") as caught:
            await store.append(events(ID, [2]), after=(1, first[0].event_id))
        assert caught.value.nothing_done
        assert str(file) in str(caught.value)


async def test_a_full_database_stores_nothing_says_so_and_goes_on_when_there_is_space(
    store: SQLAlchemyEventStore, events: Events, opened: list[sqlite3.Connection], file: Path
) -> None:
    first = events(ID, [1])
    await store.append(first, after=None)
    writer = opened[1]
    writer.execute("pragma max_page_count = 1")  # as low as it goes: what there is
    more = events(ID, [2, 3], payload=bytes(100_000))
    with pytest.raises(BackendUnavailableError, match=r"full.*free space") as caught:
        await store.append(more, after=(1, first[0].event_id))
    assert caught.value.nothing_done
    assert str(file) in str(caught.value)
    assert await count(store) == 1
    writer.execute("pragma max_page_count = 100000")
    await store.append(more, after=(1, first[0].event_id))
    assert await count(store) == 3


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    file.write_bytes(content)


async def test_a_damaged_file_is_told_when_it_is_read(
    open_store: OpenStore, events: Events, file: Path
) -> None:
    store = await open_store()
    await store.append(events(ID, range(1, 1000)), after=None)
    await store.close()
    damage(file)
    for inline_rows in (0, 500):
        damaged = await open_store(inline_rows=inline_rows)
        with pytest.raises(BackendUnavailableError, match=r"can't read.*restore a backup"):
            await count(damaged)


async def test_a_table_that_vanished_is_told(
    open_store: OpenStore, events: Events, file: Path
) -> None:
    store = await open_store()
    with closing(sqlite3.connect(file)) as other:
        other.execute("drop table interlock_events")
    with pytest.raises(BackendUnavailableError, match="no such table"):
        await store.head("Account", ID)
    with pytest.raises(BackendUnavailableError, match="no such table") as caught:
        await store.append(events(ID, [1]), after=None)
    assert caught.value.nothing_done


async def test_a_conflict_stays_one_though_the_head_cannot_be_read(
    open_store: OpenStore, events: Events, opened: list[sqlite3.Connection]
) -> None:
    store = await open_store()
    await store.append(events(ID, [1]), after=None)
    opened[3].set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
    with pytest.raises(ConcurrencyError, match="found unknown"):
        await store.append(events(ID, [1]), after=None)


async def test_appends_handed_over_are_finished_by_closing(
    open_store: OpenStore, events: Events
) -> None:
    store = await open_store()
    appends = [
        asyncio.ensure_future(store.append(events(ID, [1], name=str(n)), after=None))
        for n in range(20)
    ]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*appends)
    again = await open_store()
    assert all([await again.head(str(n), ID) is not None for n in range(20)])


async def test_a_cancelled_append_that_was_handed_over_stands(
    open_store: OpenStore, events: Events, file: Path
) -> None:
    store = await open_store()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin immediate")
        append = asyncio.ensure_future(store.append(events(ID, [1, 2]), after=None))
        await asyncio.sleep(0)
        append.cancel()
        with pytest.raises(asyncio.CancelledError):
            await append
        other.execute("commit")
    await store.close()
    assert await count(await open_store()) == 2
