"""A store that is opened, used and closed, again and again."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import uuid4

import pytest

from interlock.backends import ConfigurationError, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_rig import Place, everywhere

Events = Callable[..., Sequence[StoredEvent]]

pytestmark = pytest.mark.parametrize("place", everywhere(), indirect=True)


@pytest.fixture
def store(place: Place) -> SQLAlchemyEventStore:
    table = place.table("interlock_events")
    options = SQLAlchemyEventsConfig(url=place.url, table=table, create_schema=True)
    return SQLAlchemyEventStore(options)


def test_each_of_many_loops_opens_uses_and_closes_it(
    store: SQLAlchemyEventStore, events: Events
) -> None:
    given = events(uuid4(), range(1, 41))

    async def life(number: int) -> None:
        await store.open()
        async with asyncio.timeout(30):
            heads = [store.head("Account", given[0].aggregate_id) for _ in range(3)]
            (before, *_) = await asyncio.gather(*heads)
            await store.append(given[number : number + 1], after=before)
        await store.close()

    for number in range(40):
        asyncio.run(life(number))


async def test_neither_a_second_opening_nor_another_loop_gets_a_drivers_error(
    store: SQLAlchemyEventStore, events: Events
) -> None:
    await store.open()
    with pytest.raises(ConfigurationError, match="is open already; give each application"):
        await store.open()
    for call in (
        lambda: store.head("Account", uuid4()),
        lambda: store.append(events(uuid4(), [1]), after=None),
        lambda: anext(store.read("Account", uuid4()), None),
    ):

        async def use(call: Callable[[], object] = call) -> None:
            await call()  # type: ignore[misc] # an awaitable

        with pytest.raises(ConfigurationError, match="was opened by another event loop"):
            await asyncio.to_thread(asyncio.run, use())
    assert await store.head("Account", uuid4()) is None
    await store.close()
