"""Every statement finds its rows by the primary key, in a table with rows and statistics."""

from collections.abc import Awaitable, Callable, Iterator

import pytest

from interlock.backends import AggregateRecord, RecordKey, RecordUnusableError, Scope
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from interlock_sqlalchemy_snapshots.ddl import ddl
from sql_plans import Sent, faults, filled, identity, sent
from sql_rig import Place, dropped, everywhere

__all__ = ["sent"]

OpenBackend = Callable[..., Awaitable[SQLAlchemySnapshotBackend]]
Record = Callable[..., AggregateRecord]

SCOPE = Scope("default", 0, "Account", "r1")


@pytest.fixture(scope="module", params=everywhere("postgresql", "mariadb"))
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("plans")
    place = filled(request.param, folder, interlock_snapshots=ddl)
    yield place
    dropped(place)


@pytest.fixture
async def backend(open_backend: OpenBackend) -> SQLAlchemySnapshotBackend:
    return await open_backend(keep=2)


def key(number: int) -> RecordKey:
    return SCOPE.key(identity(number))


async def all_faults(backend: SQLAlchemySnapshotBackend, said: list[Sent]) -> set[str]:
    found = [await faults(backend._database, statement) for statement in list(said)]
    assert found
    return set().union(*found)


async def test_reads_seek_the_newest(backend: SQLAlchemySnapshotBackend, sent: list[Sent]) -> None:
    for bound in (None, 3):
        with pytest.raises(RecordUnusableError):
            await backend.read(key(7), bound)
    assert len(sent) == 2
    assert await all_faults(backend, sent) == set()


@pytest.mark.parametrize("count", [1, 20, 500])
async def test_the_newest_of_many_are_sought(
    backend: SQLAlchemySnapshotBackend, sent: list[Sent], count: int
) -> None:
    await backend.read_many([key(number) for number in range(count)])
    assert len(sent) == 1
    assert await all_faults(backend, sent) == set()


async def test_a_put_seeks_what_it_replaces_and_retires(
    backend: SQLAlchemySnapshotBackend, record: Record, sent: list[Sent]
) -> None:
    await backend.put(key(8), record(key(8), 6))
    assert [text.split()[0] for text, _ in sent] == [
        "INSERT",
        "SELECT",
        *["DELETE"] * 7,
        "SELECT",
    ]
    assert await all_faults(backend, sent) == set()


async def test_a_removal_and_the_list_of_revisions_seek(
    backend: SQLAlchemySnapshotBackend, record: Record, sent: list[Sent]
) -> None:
    await backend.remove(key(9), record(key(9), 5).stamp)
    assert await all_faults(backend, sent) == set()
    sent.clear()
    await backend.revisions(key(9))
    assert await all_faults(backend, sent) == {"Sort"}  # by time, which isn't in the key


async def test_ids_are_listed_by_the_key(
    backend: SQLAlchemySnapshotBackend, sent: list[Sent]
) -> None:
    assert len([found async for found in backend.ids(SCOPE)]) == 2000
    assert len(sent) > 1
    assert await all_faults(backend, sent) == set()


async def test_pruning_seeks_the_records_of_each(
    open_backend: OpenBackend, sent: list[Sent]
) -> None:
    backend = await open_backend(keep=4, keep_revisions=2)
    assert await backend.prune(SCOPE) > 0
    del sent[300:]  # the rest is as these
    assert {text.split()[0] for text, _ in sent} == {"SELECT", "DELETE"}
    assert await all_faults(backend, sent) == set()
