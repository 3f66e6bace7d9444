import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from interlock.backends import AggregateRecord, RecordKey, Scope
from interlock_sqlalchemy.database import Lookup, Step
from interlock_sqlalchemy.server import ServerDatabase
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from sql_rig import Place

OpenBackend = Callable[..., Awaitable[SQLAlchemySnapshotBackend]]
Record = Callable[..., AggregateRecord]

# What `record(taken=0)` is taken at.
START = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
ID = uuid4()
R1, R2 = (Scope("default", 0, "Account", revision) for revision in ("r1", "r2"))
ROWS = "SELECT COUNT(*) FROM AT.interlock_snapshots"


class Clock:
    def __init__(self, seconds: float = 0) -> None:
        self.now = START + timedelta(seconds=seconds)

    def __call__(self) -> datetime:
        return self.now


async def test_an_aggregate_is_forgotten_with_all_revisions_and_no_other_is(
    open_backend: OpenBackend, record: Record
) -> None:
    backend = await open_backend(keep=3)
    other, elsewhere = R1.key(uuid4()), Scope("theirs", 0, "Account", "r1").key(ID)
    typed = Scope("default", 0, "Other", "r1").key(ID)
    kept = {key: record(key, 1) for key in (other, elsewhere, typed)}
    for key, put in kept.items():
        await backend.put(key, put)
    for version in (1, 2):
        await backend.put(R1.key(ID), record(R1.key(ID), version))
    await backend.put(R2.key(ID), record(R2.key(ID), 1))
    assert await backend.forget(R1.key(ID)) == 3
    assert await backend.read(R1.key(ID)) is None
    assert await backend.read(R2.key(ID)) is None
    assert await backend.read_many([R1.key(ID), other]) == {other: kept[other]}
    assert await backend.revisions(R1.key(ID)) == []
    assert [i async for i in backend.ids(R1)] == [other.aggregate_id]
    for key, put in kept.items():
        assert await backend.read(key) == put


@pytest.mark.parametrize("revision", ["r1", "r2", ""])
async def test_a_record_from_before_the_forget_leaves_nothing_and_a_later_one_stays(
    open_backend: OpenBackend, record: Record, revision: str
) -> None:
    backend, key = await open_backend(clock=Clock(10)), Scope("default", 0, "Account", revision)
    of = key.key(ID)
    await backend.forget(R1.key(ID))
    for taken in (9, 10):
        await backend.put(of, record(of, 7, taken=taken))
        assert await backend.read(of) is None
        assert await backend.read_many([of]) == {}
    late = record(of, 3, taken=11)
    await backend.put(of, late)
    assert await backend.read(of) == late
    assert await backend.revisions(of) == [revision]


async def test_a_record_from_before_the_forget_prunes_none_that_is_newer(
    open_backend: OpenBackend, record: Record
) -> None:
    backend, of = await open_backend(clock=Clock(10), keep=1), R1.key(ID)
    await backend.forget(of)
    standing = record(of, 3, taken=11)
    await backend.put(of, standing)
    await backend.put(of, record(of, 9, taken=5))
    assert await backend.read(of) == standing


async def test_a_tombstone_stands_for_a_day(
    open_backend: OpenBackend, record: Record, place: Place
) -> None:
    clock, of = Clock(10), R1.key(ID)
    backend = await open_backend(clock=clock)
    await backend.forget(of)
    clock.now += timedelta(days=1) - timedelta(microseconds=1)
    assert await backend.prune(R1) == 0
    await backend.put(of, record(of, 7))
    assert await backend.read(of) is None
    clock.now += timedelta(microseconds=1)
    await backend.put(of, record(of, 7))
    await backend.remove(of, (await found(backend, of)).stamp)
    assert await place.run(ROWS) == [(1,)]
    assert await backend.prune(R1) == 0
    assert await place.run(ROWS) == [(0,)]


async def test_what_is_forgotten_twice_was_forgotten_the_second_time(
    open_backend: OpenBackend, record: Record
) -> None:
    clock, of = Clock(10), R1.key(ID)
    backend = await open_backend(clock=clock)
    await backend.forget(of)
    await backend.put(of, record(of, 1, taken=15))
    clock.now += timedelta(seconds=10)
    assert await backend.forget(of) == 1
    assert await backend.forget(of) == 0
    await backend.put(of, record(of, 1, taken=15))
    assert await backend.read(of) is None


@pytest.mark.parametrize("place", ["postgresql", "mariadb"], indirect=True)
@pytest.mark.parametrize("forgets_at", ["before it commits", "after it commits"])
async def test_a_put_under_way_while_its_aggregate_is_forgotten_leaves_nothing(
    open_backend: OpenBackend,
    record: Record,
    monkeypatch: pytest.MonkeyPatch,
    forgets_at: str,
) -> None:
    slow, other = await open_backend(clock=Clock(10)), await open_backend(clock=Clock(10))
    of = R1.key(ID)
    assert isinstance(slow._database, ServerDatabase)
    execute, sent = slow._database._send, slow._database.execute

    async def send(link: Any, text: str, values: Any = ()) -> int:
        if text == "COMMIT" and forgets_at == "before it commits":
            removed.append(await other.forget(of))
        return await execute(link, text, values)

    async def run(steps: Sequence[Step | Lookup], *, repeatable: bool = False) -> int:
        changed = await sent(steps, repeatable=repeatable)
        if not removed:
            removed.append(await other.forget(of))
        return changed

    removed: list[int] = []
    monkeypatch.setattr(slow._database, "_send", send)
    monkeypatch.setattr(slow._database, "execute", run)
    await slow.put(of, record(of, 7))
    assert removed[0] == (1 if forgets_at == "after it commits" else 0)
    assert await other.read(of) is None


async def test_a_put_meets_forgets_in_any_order_and_nothing_older_is_left(
    open_backend: OpenBackend, record: Record
) -> None:
    first, second = await open_backend(clock=Clock(10)), await open_backend(clock=Clock(10))
    keys = [R1.key(UUID(int=number)) for number in range(20)]
    await asyncio.gather(
        *(first.put(key, record(key, 7)) for key in keys), *(second.forget(key) for key in keys)
    )
    assert await first.read_many(keys) == {}


async def found(backend: SQLAlchemySnapshotBackend, key: RecordKey) -> AggregateRecord:
    record = await backend.read(key)
    assert record is not None
    return record
