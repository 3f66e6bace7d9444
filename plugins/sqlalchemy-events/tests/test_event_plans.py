"""Every statement finds its rows by the primary key, in a table with rows and statistics."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID, uuid4

import pytest

from interlock.backends import StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.ddl import ddl
from sql_plans import Spoken, faults, filled, spoken
from sql_rig import Place, dropped, everywhere

__all__ = ["spoken"]

Events = Callable[..., Sequence[StoredEvent]]

# A stream of 2,000 events, and 2,000 of 20.
FILL = {
    "postgresql": """\
INSERT INTO AT.interlock_events
SELECT 'default', 'Account', decode(md5(s::text), 'hex'), v, decode(md5(s || '/' || v), 'hex'),
 'MoneyDeposited', 1, 0, '', convert_to(repeat('x', 100), 'UTF8')
FROM generate_series(0, 2000) s, generate_series(1, CASE s WHEN 0 THEN 2000 ELSE 20 END) v""",
    "mariadb": """\
INSERT INTO AT.interlock_events
SELECT 'default', 'Account', unhex(md5(s.seq)), v.seq, unhex(md5(concat(s.seq, '/', v.seq))),
 'MoneyDeposited', 1, 0, '', repeat('x', 100)
FROM seq_0_to_2000 s JOIN seq_1_to_2000 v ON s.seq = 0 OR v.seq <= 20""",
}


@pytest.fixture(scope="module", params=everywhere("postgresql", "mariadb"))
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("plans")
    place = filled(request.param, folder, ddl, "interlock_events", FILL[request.param])
    yield place
    dropped(place)


def identity(text: str) -> UUID:
    return UUID(bytes=hashlib.md5(text.encode()).digest())  # noqa: S324 # as FILL makes them


def stream(number: int) -> UUID:
    return identity(str(number))


async def read(store: SQLAlchemyEventStore, number: int, first: int) -> None:
    assert [rows async for rows in store.read("Account", stream(number), first=first)]


async def read_many(store: SQLAlchemyEventStore, *, count: int) -> None:
    firsts = {stream(number): 15 for number in range(500, 500 + count)}
    assert [rows async for _, rows in store.read_many("Account", firsts)]


@pytest.mark.parametrize("number", [0, 7], ids=["long", "short"])
async def test_a_head_is_found_without_a_sort(
    store: SQLAlchemyEventStore, spoken: list[Spoken], number: int
) -> None:
    await store.head("Account", stream(number))
    (said,) = spoken
    assert await faults(store._database, said) == set()


async def test_a_long_stream_is_read_without_a_sort(
    store: SQLAlchemyEventStore, spoken: list[Spoken]
) -> None:
    await read(store, 0, 500)
    assert len(spoken) > 1
    for said in spoken:
        assert await faults(store._database, said) == set()


async def test_a_short_tail_is_sought(store: SQLAlchemyEventStore, spoken: list[Spoken]) -> None:
    await read(store, 7, 15)
    (said,) = spoken
    assert await faults(store._database, said) == set()


@pytest.mark.parametrize("count", [1, 20, 500])
async def test_the_tails_of_many_are_sought(
    store: SQLAlchemyEventStore, place: Place, spoken: list[Spoken], count: int
) -> None:
    await read_many(store, count=count)
    assert spoken
    for said in spoken:
        # An array comes in any order, as far as PostgreSQL knows.
        assert await faults(store._database, said) == ({"Sort"} if place.is_postgresql else set())


@pytest.mark.parametrize("size", [1, 3])
async def test_an_append_seeks_the_head(
    store: SQLAlchemyEventStore, events: Events, spoken: list[Spoken], size: int
) -> None:
    number = 1000 + size
    appended = events(stream(number), range(21, 21 + size))
    await store.append(appended, after=(20, identity(f"{number}/20")))
    await store.append(events(uuid4(), range(1, 1 + size)), after=None)
    assert len(spoken) == 2
    for said in spoken:
        assert await faults(store._database, said) == set()


async def test_a_deletion_seeks_its_rows(store: SQLAlchemyEventStore, spoken: list[Spoken]) -> None:
    assert await store.delete("Account", stream(1900), below=5) == 4
    (said,) = spoken
    assert await faults(store._database, said) == set()


async def test_a_plan_that_scans_would_be_told(store: SQLAlchemyEventStore, place: Place) -> None:
    mark = "$1" if place.is_postgresql else "%s"
    table = place.table("interlock_events")
    scan = f"SELECT payload FROM {table} WHERE type = {mark} ORDER BY event_id"  # noqa: S608 # ours
    assert await faults(store._database, (scan, ["E"])) in ({"Seq Scan", "Sort"}, {"ALL", "Sort"})
