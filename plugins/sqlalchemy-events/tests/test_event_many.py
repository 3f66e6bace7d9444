import itertools
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID, uuid4

import pytest

from interlock.backends import EventRow, StoredEvent
from interlock_sqlalchemy_events import many
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]


async def read(
    store: SQLAlchemyEventStore, firsts: dict[UUID, int], name: str = "Account"
) -> dict[UUID, list[EventRow]]:
    found: dict[UUID, list[EventRow]] = {}
    order = []
    async for aggregate_id, rows in store.read_many(name, firsts):
        assert rows
        order.append(aggregate_id)
        found.setdefault(aggregate_id, []).extend(rows)
    assert [key for key, _ in itertools.groupby(order)] == sorted(found)
    return found


async def filled(store: SQLAlchemyEventStore, events: Events, counts: Sequence[int]) -> list[UUID]:
    ids = [uuid4() for _ in counts]
    for aggregate_id, count in zip(ids, counts, strict=True):
        if count:
            await store.append(events(aggregate_id, range(1, count + 1)), after=None)
    return ids


async def test_each_stream_is_read_from_its_own_first_version(
    store: SQLAlchemyEventStore, events: Events
) -> None:
    ids = await filled(store, events, [3, 1, 5, 0, 2])
    firsts = dict(zip(ids, [1, 2, 4, 1, -7], strict=True))
    found = await read(store, firsts)
    versions = {key: [row[0] for row in rows] for key, rows in found.items()}
    assert versions == {ids[0]: [1, 2, 3], ids[2]: [4, 5], ids[4]: [1, 2]}
    for key, rows in found.items():
        single = store.read_to_fold("Account", key, first=firsts[key])
        assert [tuple(row) for row in rows] == [tuple(r) async for chunk in single for r in chunk]


async def test_streams_of_other_types_and_namespaces_are_left_out(
    open_store: OpenStore, events: Events
) -> None:
    store, other = await open_store(), await open_store(namespace="theirs")
    (aggregate_id,) = await filled(store, events, [1])
    await store.append(events(aggregate_id, [1, 2], name="Other"), after=None)
    await other.append(events(aggregate_id, [1, 2, 3]), after=None)
    found = await read(store, {aggregate_id: 1})
    assert [row[0] for row in found[aggregate_id]] == [1]
    assert await read(store, {}) == {}


async def test_a_read_of_many_goes_on_behind_its_chunks(
    store: SQLAlchemyEventStore, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "_ROWS", 4)
    counts = [1, 9, 0, 4, 3, 8, 1, 1, 1, 1, 1, 1]
    ids = await filled(store, events, counts)
    found = await read(store, dict.fromkeys(ids, 1))
    assert {key: len(rows) for key, rows in found.items()} == {
        key: count for key, count in zip(ids, counts, strict=True) if count
    }
    for rows in found.values():
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("place", ["postgresql", "psycopg", "mariadb"], indirect=True)
@pytest.mark.parametrize("count", [1, 8, 9, 500])
async def test_many_streams_are_one_round_trip(
    store: SQLAlchemyEventStore, events: Events, count: int
) -> None:
    ids = await filled(store, events, [2] * min(count, 20))
    firsts = dict.fromkeys([*ids, *(uuid4() for _ in range(count - len(ids)))], 1)
    before = store.round_trips
    assert len(await read(store, firsts)) == len(ids)
    assert store.round_trips - before == 1
