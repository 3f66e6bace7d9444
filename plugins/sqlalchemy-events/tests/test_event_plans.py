"""Every statement finds its rows by the primary key, in a table with rows and statistics."""

from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

import pytest

from interlock.backends import StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.ddl import ddl
from sql_plans import Sent, faults, filled, identity, sent
from sql_rig import Place, dropped, everywhere

__all__ = ["sent"]

Events = Callable[..., Sequence[StoredEvent]]


@pytest.fixture(scope="module", params=everywhere("postgresql", "mariadb"))
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("plans")
    place = filled(request.param, folder, interlock_events=ddl)
    yield place
    dropped(place)


async def read(store: SQLAlchemyEventStore, number: int, first: int) -> None:
    assert [rows async for rows in store.read("Account", identity(number), first=first)]


async def read_many(store: SQLAlchemyEventStore, *, count: int) -> None:
    firsts = {identity(number): 15 for number in range(500, 500 + count)}
    assert [rows async for _, rows in store.read_many("Account", firsts)]


@pytest.mark.parametrize("number", [0, 7], ids=["long", "short"])
async def test_a_head_is_found_without_a_sort(
    store: SQLAlchemyEventStore, sent: list[Sent], number: int
) -> None:
    await store.head("Account", identity(number))
    (said,) = sent
    assert await faults(store._database, said) == set()


async def test_a_long_stream_is_read_without_a_sort(
    store: SQLAlchemyEventStore, sent: list[Sent]
) -> None:
    await read(store, 0, 500)
    assert len(sent) > 1
    for said in sent:
        assert await faults(store._database, said) == set()


async def test_a_short_tail_is_sought(store: SQLAlchemyEventStore, sent: list[Sent]) -> None:
    await read(store, 7, 15)
    (said,) = sent
    assert await faults(store._database, said) == set()


@pytest.mark.parametrize("count", [1, 20, 500])
async def test_the_tails_of_many_are_sought(
    store: SQLAlchemyEventStore, place: Place, sent: list[Sent], count: int
) -> None:
    await read_many(store, count=count)
    assert sent
    for said in sent:
        # An array comes in any order, as far as PostgreSQL knows.
        assert await faults(store._database, said) == ({"Sort"} if place.is_postgresql else set())


async def test_the_streams_of_a_type_are_listed_without_a_sort(
    store: SQLAlchemyEventStore, sent: list[Sent]
) -> None:
    assert len([found async for found in store.ids("Account")]) == 2_001
    assert len(sent) > 1
    for said in sent:
        assert await faults(store._database, said) == set()


@pytest.mark.parametrize("size", [1, 3])
async def test_an_append_seeks_the_head(
    store: SQLAlchemyEventStore, events: Events, sent: list[Sent], size: int
) -> None:
    number = 1000 + size
    appended = events(identity(number), range(21, 21 + size))
    await store.append(appended, after=(20, identity(f"{number}/20")))
    await store.append(events(uuid4(), range(1, 1 + size)), after=None)
    assert len(sent) == 2
    for said in sent:
        assert await faults(store._database, said) == set()


async def test_a_deletion_seeks_its_rows(store: SQLAlchemyEventStore, sent: list[Sent]) -> None:
    assert await store.delete("Account", identity(1900), below=5) == 4
    assert len(sent) == 3
    for said in sent:
        assert await faults(store._database, said) == set()


async def test_a_plan_that_scans_would_be_told(store: SQLAlchemyEventStore, place: Place) -> None:
    mark = "$1" if place.is_postgresql else "%s"
    table = place.table("interlock_events")
    scan = f"SELECT payload FROM {table} WHERE type = {mark} ORDER BY event_id"  # noqa: S608 # ours
    assert await faults(store._database, (scan, ["E"])) in ({"Seq Scan", "Sort"}, {"ALL", "Sort"})
