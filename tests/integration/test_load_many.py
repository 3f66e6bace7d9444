"""Ten thousand aggregates at once: few round trips, and the memory of a batch."""

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest

from interlock.application import Application
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from sql_bank import application
from sql_rig import Place, dropped, everywhere, made
from sql_streams import store
from teller import Account

IDS = [UUID(int=number) for number in range(1, 10_001)]
BATCHES = len(IDS) // 500
LIMIT = 2_000_000  # bytes; half of it the ten thousand versions that a process remembers


def length(aggregate_id: UUID) -> int:
    return aggregate_id.int % 4


@pytest.fixture(scope="module", params=everywhere("sqlite", "postgresql", "mariadb"))
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    place = made(request.param, tmp_path_factory.mktemp("many"))
    asyncio.run(store(place, ((aggregate_id, length(aggregate_id)) for aggregate_id in IDS)))
    yield place
    dropped(place)


def bank(place: Place) -> Application:
    return application(place, aggregate_type=Account, cache_backend=None, cache_strategy=None)


async def load(app: Application, ids: Sequence[UUID]) -> None:
    """Each is as it should be."""
    asked = iter(ids)
    async for account in app.load_many(Account, ids):
        aggregate_id = next(asked)
        assert account.id == aggregate_id
        assert account.version == account.balance == length(aggregate_id)
    assert next(asked, None) is None


async def peak_of_loading(app: Application, ids: Sequence[UUID]) -> int:
    """The peak of what was allocated while they were loaded."""
    gc.collect()
    tracemalloc.start()
    await load(app, ids)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


async def test_they_come_in_order_by_two_statements_for_a_batch(place: Place) -> None:
    async with bank(place) as app:
        await app.rebuild_snapshots(Account, IDS[::50])
        backwards = IDS[::-1]
        events = app._services[Account].context.stream.store
        assert isinstance(events, SQLAlchemyEventStore)
        trips = events.round_trips
        await load(app, backwards)
        assert events.round_trips - trips == (0 if place.kind == "sqlite" else 2 * BATCHES)


@pytest.mark.faults
async def test_memory_does_not_grow_with_their_number(place: Place) -> None:
    async with bank(place) as app:
        await load(app, IDS[:500])
        few = await peak_of_loading(app, IDS[:1_000])
        many = await peak_of_loading(app, IDS)
        assert many - few <= LIMIT
