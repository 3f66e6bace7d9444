"""A stream that is deleted while another process appends to it: nothing of it is left."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from interlock.backends import ConcurrencyError, StoredEvent
from interlock_sqlalchemy.database import Step
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from sql_locks import waiting
from sql_rig import Place

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]

ID = uuid4()
ON_SERVERS = pytest.mark.parametrize("place", ["postgresql", "psycopg", "mariadb"], indirect=True)


@asynccontextmanager
async def under_way(store: SQLAlchemyEventStore, steps: Sequence[Any]) -> AsyncIterator[None]:
    """The steps are made within the block, and committed at its end."""
    database = store._database
    pool = database._client.pool  # type: ignore[attr-defined] # that of a server
    taken = await pool.take()
    await database._send(taken.connection, "BEGIN")  # type: ignore[attr-defined] # as above
    for step in steps:
        await database._run(taken.connection, step)  # type: ignore[attr-defined] # as above
    yield
    await database._send(taken.connection, "COMMIT")  # type: ignore[attr-defined] # as above
    pool.give_back(taken)


async def waits(place: Place, call: "asyncio.Task[Any]") -> None:
    """Return when the call waits for a lock; fail if it ends instead."""
    seen = asyncio.create_task(waiting(place))
    await asyncio.wait({seen, call}, return_when=asyncio.FIRST_COMPLETED)
    seen.cancel()
    assert not call.done(), "it waited for nothing"


@ON_SERVERS
@pytest.mark.parametrize("count", [1, 2, 40])
async def test_what_is_being_appended_is_deleted_with_the_rest(
    open_store: OpenStore, events: Events, place: Place, count: int
) -> None:
    store, other = await open_store(), await open_store(pool_size=2)
    standing = events(ID, [1, 2])
    await store.append(standing, after=None)
    appended = other._steps(events(ID, range(3, 3 + count)), (2, standing[-1].event_id))
    async with under_way(other, appended):
        deletion = asyncio.create_task(store.delete("Account", ID))
        await waits(place, deletion)
    assert await deletion == 2 + count
    assert await store.head("Account", ID) is None


@ON_SERVERS
async def test_what_comes_while_the_stream_is_being_deleted_is_a_conflict(
    open_store: OpenStore, events: Events, place: Place
) -> None:
    store, other = await open_store(), await open_store(pool_size=2)
    standing = events(ID, [1, 2])
    await store.append(standing, after=None)
    deletion = Step(
        other._statements.delete, [{**other._stream("Account", ID), "below": 2**63 - 1}]
    )
    async with under_way(other, [deletion]):
        append = asyncio.create_task(
            store.append(events(ID, [3]), after=(2, standing[-1].event_id))
        )
        await waits(place, append)
    with pytest.raises(ConcurrencyError, match="found none"):
        await append
    assert await store.head("Account", ID) is None


async def test_at_once_they_leave_nothing(open_store: OpenStore, events: Events) -> None:
    store, other = await open_store(), await open_store(pool_size=2)
    for _ in range(50):
        standing = events(ID, [1])
        await store.append(standing, after=None)
        after = (1, standing[0].event_id)
        deleted, appended = await asyncio.gather(
            store.delete("Account", ID),
            other.append(events(ID, [2]), after=after),
            return_exceptions=True,
        )
        assert (deleted, type(appended)) in {(1, ConcurrencyError), (2, type(None))}
        assert await store.head("Account", ID) is None
