"""Puts that meet: in each order, undone by a deadlock, too large to be kept."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from interlock.backends import AggregateRecord, RecordKey, RecordTooLargeError, Scope
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from sql_locks import transaction, waiting
from sql_rig import Place, ask

OpenBackend = Callable[..., Awaitable[SQLAlchemySnapshotBackend]]
Record = Callable[..., AggregateRecord]

SCOPE = Scope("default", 0, "Account", "r1")
ON_SERVERS = pytest.mark.parametrize("place", ["postgresql", "mariadb"], indirect=True)
TOUCH = "UPDATE AT.interlock_snapshots SET verified_at = verified_at + 1 WHERE version = {}"


@pytest.fixture
def key() -> RecordKey:
    return SCOPE.key(uuid4())


@pytest.mark.parametrize("order", [(10, 20), (20, 10)], ids=["older first", "newer first"])
async def test_of_two_puts_at_once_the_newer_is_read_whichever_began(
    open_backend: OpenBackend, record: Record, place: Place, key: RecordKey, order: tuple[int, int]
) -> None:
    backends = [await open_backend(), await open_backend()]
    await backends[0].put(key, record(key, 5))
    records = [record(key, version, taken=version) for version in order]
    if place.kind == "sqlite":
        puts = [
            asyncio.ensure_future(b.put(key, r)) for b, r in zip(backends, records, strict=True)
        ]
    else:
        async with transaction(place) as other:
            await ask(other, TOUCH.format(5).replace("AT.", place.prefix))
            puts = []
            # Each has inserted its own, hasn't seen the other's, and waits to remove the oldest.
            for count, (backend, put) in enumerate(zip(backends, records, strict=True), 1):
                puts.append(asyncio.ensure_future(backend.put(key, put)))
                await waiting(place, count)
    await asyncio.gather(*puts)
    newer = max(records, key=lambda put: put.version)
    assert await backends[0].read(key) == newer
    assert await backends[0].read(key, 9) is None
    assert await backends[0].read(key, newer.version - 1) is None
    assert await backends[0].prune(SCOPE) == 0


INSERT = """\
INSERT INTO AT.interlock_snapshots SELECT {}, aggregate_type, aggregate_id, revision, {},
 last_event_id, last_event_at, anchor_at, verified_at, taken_at, codec, checksum, payload, details
FROM AT.interlock_snapshots WHERE version = 8"""


@ON_SERVERS
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
async def test_a_put_undone_by_a_deadlock_is_made_again(
    open_backend: OpenBackend, record: Record, place: Place, key: RecordKey, end: str
) -> None:
    two, one = await open_backend(keep=2), await open_backend()
    for version in (8, 9):
        await two.put(key, record(key, version))
    put = record(key, 20)
    async with transaction(place) as first, transaction(place) as other:
        await ask(first, TOUCH.format(9).replace("AT.", place.prefix))
        await ask(other, TOUCH.format(8).replace("AT.", place.prefix))
        for version in range(100, 200):  # whoever did less is undone
            await ask(other, INSERT.format("'other'", version).replace("AT.", place.prefix))
        putting = asyncio.ensure_future(one.put(key, put))
        await waiting(place)  # it has inserted 20, and waits to remove 9
        insert = INSERT.format("namespace", 20).replace("AT.", place.prefix)
        blocked = asyncio.ensure_future(ask(other, insert))
        await waiting(place, 2)
        await ask(first, "ROLLBACK")  # it removes 9, and would wait for 8
        await blocked  # it is undone, and waits for 20 by now
        await ask(other, end)
    await putting
    assert await one.read(key) == put
    assert await one.read(key, 19) is None


@pytest.mark.parametrize("place", ["mariadb"], indirect=True)
async def test_a_record_above_the_packets_limit_leaves_what_it_would_have_superseded(
    open_backend: OpenBackend, record: Record, place: Place, key: RecordKey
) -> None:
    backend = await open_backend()
    standing = record(key, 5)
    await backend.put(key, standing)
    ((limit,),) = await place.run("SELECT @@max_allowed_packet")
    with pytest.raises(RecordTooLargeError, match="raise the server's max_allowed_packet"):
        await backend.put(key, record(key, 6, payload=bytes(limit)), supersedes=[standing.stamp])
    assert await backend.read(key) == standing
    await backend.put(key, record(key, 6))
