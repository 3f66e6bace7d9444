"""A table that is altered while it is in use."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

import pytest

from interlock.backends import StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from sql_rig import Place

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]

ALTERED = {
    "postgresql": "ALTER TABLE AT.interlock_events ALTER COLUMN type TYPE {}",
    "psycopg": "ALTER TABLE AT.interlock_events ALTER COLUMN type TYPE {}",
    "mariadb": "ALTER TABLE AT.interlock_events MODIFY COLUMN type {} NOT NULL",
}


@pytest.mark.parametrize("place", list(ALTERED), indirect=True)
async def test_a_column_of_another_type_is_read_and_written_by_who_knew_it_before(
    open_store: OpenStore, events: Events, place: Place
) -> None:
    store = await open_store(pool_size=2)
    given = events(uuid4(), range(1, 11))
    stream = ("Account", given[0].aggregate_id)
    await store.append(given[:1], after=None)
    for place_of, kind in enumerate(["VARCHAR(300)", "TEXT"]):
        done = place_of * 4 + 1
        for event in given[done : done + 2]:
            await store.append(
                [event], after=(event.version - 1, given[event.version - 2].event_id)
            )
            assert [len(rows) async for rows in store.read(*stream)] == [event.version]
        await place.run(ALTERED[place.kind].format(kind))
        await store.append(given[done + 2 : done + 4], after=(done + 2, given[done + 1].event_id))
        rows = [row async for rows in store.read(*stream) for row in rows]
        assert [tuple(row) for row in rows] == [event.row() for event in given[: done + 4]]
        assert await store.head(*stream) == (done + 4, given[done + 3].event_id)
