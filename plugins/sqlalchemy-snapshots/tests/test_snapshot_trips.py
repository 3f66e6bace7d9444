"""What each operation costs in round trips, as counted on the wire."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest

from interlock.backends import AggregateRecord, RecordKey, Scope
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from sql_proxy import Proxy
from sql_rig import Place

OpenBackend = Callable[..., Awaitable[SQLAlchemySnapshotBackend]]
Record = Callable[..., AggregateRecord]
Trips = Callable[[Awaitable[object]], Awaitable[int]]

SCOPE = Scope("default", 0, "Account", "r1")

pytestmark = pytest.mark.parametrize("place", ["postgresql", "psycopg", "mariadb"], indirect=True)


def key(number: int) -> RecordKey:
    return SCOPE.key(UUID(int=number))


@pytest.fixture
async def proxy(place: Place) -> AsyncIterator[Proxy]:
    async with Proxy(place.url).running() as proxy:
        yield proxy


@pytest.fixture
async def backend(
    open_backend: OpenBackend, proxy: Proxy, record: Record
) -> SQLAlchemySnapshotBackend:
    """One whose statements are all prepared; it keeps one record."""
    backend = await open_backend(url=proxy.url)
    for version in (1, 2):
        await backend.put(key(0), record(key(0), version), supersedes=[record(key(0), 9).stamp])
    for at_or_below in (None, 1):
        await backend.read(key(0), at_or_below)
    await backend.read_many([key(number) for number in range(300)])
    await backend.revisions(key(0))
    await backend.forget(key(0))
    await backend.put(key(0), record(key(0), 1, taken=1))
    await backend.prune(SCOPE)
    await backend.remove(key(0), record(key(0), 9).stamp)
    assert [found async for found in backend.ids(SCOPE)]
    return backend


@pytest.fixture
def trips(backend: SQLAlchemySnapshotBackend, proxy: Proxy) -> Trips:
    async def trips(operation: Awaitable[object]) -> int:
        before = proxy.round_trips, backend._database.round_trips
        await operation
        on_the_wire = proxy.round_trips - before[0]
        assert backend._database.round_trips - before[1] == on_the_wire
        return on_the_wire

    return trips


async def test_reads_and_removals_are_one_round_trip_each(
    backend: SQLAlchemySnapshotBackend, record: Record, trips: Trips
) -> None:
    assert await trips(backend.read(key(0))) == 1
    assert await trips(backend.read(key(0), 1)) == 1
    assert await trips(backend.read_many([key(number) for number in range(300)])) == 1
    assert await trips(backend.revisions(key(0))) == 1
    assert await trips(anext(backend.ids(SCOPE))) == 1
    assert await trips(backend.remove(key(0), record(key(0), 9).stamp)) == 1


async def test_a_put_is_a_transaction_with_a_statement_for_each_record_that_goes(
    backend: SQLAlchemySnapshotBackend, record: Record, trips: Trips
) -> None:
    new, older = key(1), record(key(1), 1)
    transaction, look_again = len(["BEGIN", "INSERT", "SELECT", "COMMIT"]), 1
    assert await trips(backend.put(new, older)) == transaction + look_again
    assert await trips(backend.put(new, record(new, 2))) == transaction + 1 + look_again
    superseding = backend.put(new, record(new, 3), supersedes=[older.stamp])
    assert await trips(superseding) == transaction + 2 + look_again
    assert await trips(backend.forget(new)) == len(["INSERT", "SELECT", "DELETE"])


async def test_pruning_reads_what_each_aggregate_has_a_batch_in_a_transaction(
    backend: SQLAlchemySnapshotBackend,
    record: Record,
    trips: Trips,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in (1, 2):
        await backend.put(key(number), record(key(number), 1))
    listing, around = 1, len(["BEGIN", "COMMIT"])
    assert await trips(backend.prune(SCOPE)) == listing + around + 3
    monkeypatch.setattr("interlock_sqlalchemy_snapshots.backend._PRUNE_IDS", 2)
    assert await trips(backend.prune(SCOPE)) == listing + 2 * around + 3
