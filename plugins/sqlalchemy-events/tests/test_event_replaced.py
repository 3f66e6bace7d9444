"""A file that is replaced under the processes that use it."""

import asyncio
import sqlite3
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from interlock.backends import BackendUnavailableError, ConcurrencyError, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore

Events = Callable[..., Sequence[StoredEvent]]
Start = Callable[..., Awaitable[Process]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

ID = uuid4()


def back_up(file: Path) -> Path:
    """A copy as it should be made."""
    copy = file.with_name("copy.db")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"VACUUM INTO '{copy}'")
    return copy


def stored(file: Path) -> list[UUID]:
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        found = connection.execute("select event_id from interlock_events order by version")
        return [UUID(bytes=row[0]) for row in found]


async def acknowledged(process: Process) -> UUID:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n")
    line = await process.stdout.readline()
    if not line:
        assert process.stderr is not None
        pytest.fail((await process.stderr.read()).decode())
    return UUID(line.decode().strip())


async def ended(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert await process.wait() == 0


async def append(store: SQLAlchemyEventStore, events: Events) -> UUID:
    while True:
        head = await store.head("Account", ID)
        (event,) = events(ID, [1 if head is None else head[0] + 1])
        with suppress(ConcurrencyError):
            await store.append([event], after=head)
            return event.event_id


async def test_processes_that_were_there_and_one_started_anew_share_the_file_that_is_there_now(
    file: Path, open_store: OpenStore, start: Start, events: Events
) -> None:
    store = await open_store()
    old = await start(1, -1, ID)
    before = [await append(store, events), await acknowledged(old)]
    copy = back_up(file)
    await acknowledged(old)
    await append(store, events)
    copy.replace(file)
    since = [await acknowledged(old)]
    new = await start(1, -1, ID)
    for process in (new, old, new):
        since += [await append(store, events), await acknowledged(process)]
    await ended(old)
    await store.close()
    assert stored(file) == before + since, "the log of the new file went with the old connections"
    await ended(new)
    assert stored(file) == before + since


@pytest.mark.parametrize("inline_rows", [0, 500])
async def test_what_is_read_stands_in_the_file_that_is_there_now(
    open_store: OpenStore, events: Events, file: Path, inline_rows: int
) -> None:
    store = await open_store(inline_rows=inline_rows)
    first = await append(store, events)
    copy = back_up(file)
    await append(store, events)
    copy.replace(file)
    assert await store.head("Account", ID) == (1, first)
    assert [row[0] async for rows in store.read("Account", ID) for row in rows] == [1]


async def test_a_commit_into_a_file_that_is_replaced_meanwhile_is_unknown(
    open_store: OpenStore, events: Events, file: Path, opened: list[sqlite3.Connection]
) -> None:
    store = await open_store()
    first = await append(store, events)
    copy = back_up(file)

    def replace(statement: str) -> None:
        if statement == "COMMIT":
            copy.replace(file)

    opened[1].set_trace_callback(replace)
    (event,) = events(ID, [2])
    with pytest.raises(BackendUnavailableError, match="replaced while it was in use") as caught:
        await store.append([event], after=(1, first))
    assert not caught.value.nothing_done
    assert await store.head("Account", ID) == (1, first)
    await store.append([event], after=(1, first))
    await store.close()
    assert stored(file) == [first, event.event_id]


async def test_a_file_that_is_moved_away_is_not_made_anew_and_keeps_its_commits(
    open_store: OpenStore, events: Events, file: Path
) -> None:
    store = await open_store()
    first = await append(store, events)
    moved = await asyncio.to_thread(file.rename, file.with_name("moved.db"))
    with pytest.raises(BackendUnavailableError, match="the file is gone"):
        await store.head("Account", ID)
    with pytest.raises(BackendUnavailableError, match="the file is gone") as caught:
        await store.append(events(ID, [2]), after=(1, first))
    assert caught.value.nothing_done
    assert not await asyncio.to_thread(file.exists)
    await asyncio.to_thread(moved.rename, file)
    second = await append(store, events)
    await asyncio.to_thread(file.rename, moved)
    await store.close()
    assert stored(moved) == [first, second]


async def test_another_database_in_its_place_is_told(
    open_store: OpenStore, events: Events, file: Path
) -> None:
    store = await open_store()
    await append(store, events)
    other = file.with_name("other.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("create table others (a)")
    other.replace(file)
    with pytest.raises(BackendUnavailableError, match="there is no table 'interlock_events'"):
        await store.head("Account", ID)


async def test_a_log_that_is_removed_ends_the_use_and_is_saved_by_the_last_to_close(
    open_store: OpenStore, events: Events, file: Path
) -> None:
    store = await open_store()
    first = await append(store, events)
    for name in ("-wal", "-shm"):
        file.with_name(file.name + name).unlink()
    (event,) = events(ID, [2])
    with pytest.raises(BackendUnavailableError, match="log was removed") as caught:
        await store.append([event], after=(1, first))
    assert not caught.value.nothing_done
    with pytest.raises(BackendUnavailableError, match="stop all that use the file"):
        await store.head("Account", ID)
    await store.close()
    assert stored(file) == [first, event.event_id]
