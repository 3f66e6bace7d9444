import re
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    RecordKey,
    RecordUnusableError,
    Scope,
)
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from sql_rig import Place, everywhere

OpenBackend = Callable[..., Awaitable[SQLAlchemySnapshotBackend]]
Record = Callable[..., AggregateRecord]

ID = uuid4()
IN_A_FILE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
SCOPE = Scope("default", 0, "Account", "r1")


def change(file: Path, assignment: str) -> None:
    with closing(sqlite3.connect(file)) as other:
        statement = f"update interlock_snapshots set {assignment} where version = 9"  # noqa: S608 # ours
        other.execute(statement)
        other.commit()


@IN_A_FILE
@pytest.mark.parametrize(
    "assignment",
    [
        "payload = x'00'",
        "payload = 'text'",
        "payload = 7",
        "codec = 'other'",
        "codec = x'00'",
        "checksum = x'00'",
        "last_event_id = zeroblob(16)",
        "last_event_id = x'00'",
        "last_event_id = 'text'",
        "taken_at = taken_at + 1",
        "verified_at = 9223372036854775807",
        "anchor_at = 'text'",
    ],
)
@pytest.mark.parametrize("inline_rows", [0, 500])
async def test_a_changed_row_is_unusable_and_the_next_is_found_below_it(
    open_backend: OpenBackend, record: Record, file: Path, assignment: str, inline_rows: int
) -> None:
    backend = await open_backend(keep=2, inline_rows=inline_rows)
    key = SCOPE.key(ID)
    older = record(key, 5)
    await backend.put(key, older)
    await backend.put(key, record(key, 9))
    change(file, assignment)
    with pytest.raises(RecordUnusableError, match="version 9") as caught:
        await backend.read(key)
    assert caught.value.version == 9
    assert await backend.read(key, 8) == older
    assert await backend.read_many([key]) == {}


@IN_A_FILE
async def test_a_row_of_another_aggregate_is_unusable(
    backend: SQLAlchemySnapshotBackend, record: Record, file: Path
) -> None:
    key, other = SCOPE.key(ID), SCOPE.key(uuid4())
    await backend.put(other, record(other, 9))
    change(file, f"aggregate_id = x'{ID.hex}'")
    with pytest.raises(RecordUnusableError, match="checksum"):
        await backend.read(key)


@pytest.mark.parametrize("count", [0, 1, 8, 9, 128, 129, 300])
async def test_many_are_read_at_once(open_backend: OpenBackend, record: Record, count: int) -> None:
    backend = await open_backend(keep=2, synchronous="OFF")
    puts = {}
    for number in range(min(count, 20)):
        key = SCOPE.key(UUID(int=number))
        await backend.put(key, record(key, 1))
        puts[key] = record(key, 2)
        await backend.put(key, puts[key])
    keys = [SCOPE.key(UUID(int=number)) for number in range(count)]
    assert await backend.read_many(keys + keys[:2]) == puts


async def test_many_of_several_scopes_are_each_read_from_its_own(
    backend: SQLAlchemySnapshotBackend, record: Record
) -> None:
    scopes = [
        SCOPE,
        Scope("other", 0, "Account", "r1"),
        Scope("default", 0, "Other", "r1"),
        Scope("default", 0, "Account", "r2"),
    ]
    puts = {scope.key(ID): record(scope.key(ID), 7) for scope in scopes}
    for key, put in puts.items():
        await backend.put(key, put)
    absent: list[RecordKey] = [scope.key(uuid4()) for scope in scopes]
    assert await backend.read_many([*puts, *absent]) == puts


@pytest.mark.parametrize(
    ("place", "inline_rows"),
    [*(("sqlite", rows) for rows in (0, 1, 3, 500)), ("postgresql", 0), ("mariadb", 0)],
    indirect=["place"],
)
async def test_the_ids_of_a_scope_are_each_told_once(
    open_backend: OpenBackend, record: Record, inline_rows: int
) -> None:
    backend = await open_backend(keep=3, inline_rows=inline_rows, synchronous="OFF")
    ids = {UUID(int=number << 100) for number in range(10)} | {UUID(int=2**128 - 1)}
    for aggregate_id in ids:
        key = SCOPE.key(aggregate_id)
        for version in (1, 2, 3):
            await backend.put(key, record(key, version))
    for scope in (
        Scope("other", 0, "Account", "r1"),
        Scope("default", 0, "Other", "r1"),
        Scope("default", 0, "Account", "r2"),
    ):
        await backend.put(scope.key(ID), record(scope.key(ID), 1))
    found = [aggregate_id async for aggregate_id in backend.ids(SCOPE)]
    assert len(found) == len(ids)
    assert set(found) == ids


async def test_ids_and_prune_bear_changes_between_their_pages(
    open_backend: OpenBackend, record: Record
) -> None:
    backend = await open_backend(inline_rows=2, synchronous="OFF")
    keys = [SCOPE.key(UUID(int=number)) for number in range(10)]
    for key in keys:
        await backend.put(key, record(key, 1))
    found = []
    async for aggregate_id in backend.ids(SCOPE):
        found.append(aggregate_id)
        stored = await backend.read(SCOPE.key(aggregate_id))
        assert stored is not None
        await backend.remove(SCOPE.key(aggregate_id), stored.stamp)
    assert found == [key.aggregate_id for key in keys]
    assert await backend.prune(SCOPE) == 0


async def test_prune_applies_lowered_retention_to_every_revision_of_the_type(
    open_backend: OpenBackend, record: Record
) -> None:
    generous = await open_backend(keep=5, keep_revisions=5, synchronous="OFF")
    ids = [uuid4() for _ in range(120)]
    scopes = [Scope("default", 0, "Account", f"r{number}") for number in (1, 2, 3)]
    kept = Scope("default", 0, "Other", "r1").key(ID)
    for version in (1, 2):
        await generous.put(kept, record(kept, version))
        for taken, scope in enumerate(scopes):
            for aggregate_id in ids:
                key = scope.key(aggregate_id)
                await generous.put(key, record(key, version, taken=taken))
    strict = await open_backend(keep=1, keep_revisions=2)
    assert await strict.prune(SCOPE) == len(ids) * 4
    assert await strict.prune(SCOPE) == 0
    for aggregate_id in ids:
        assert await strict.revisions(SCOPE.key(aggregate_id)) == ["r3", "r2"]
    assert await strict.read(kept, 1) is not None


async def test_prune_never_removes_the_only_record(
    backend: SQLAlchemySnapshotBackend, record: Record
) -> None:
    key = Scope("default", 0, "Account", "ancient").key(ID)
    await backend.put(key, record(key, 1, taken=-10_000))
    assert await backend.prune(SCOPE) == 0
    assert await backend.read(key) is not None


@IN_A_FILE
async def test_a_locked_file_is_unavailable_for_puts_and_still_read(
    open_backend: OpenBackend, record: Record, file: Path
) -> None:
    backend = await open_backend(busy_timeout=0.05)
    key = SCOPE.key(ID)
    first = record(key, 1)
    await backend.put(key, first)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(BackendUnavailableError, match="locked"):
            await backend.put(key, record(key, 2))
        assert await backend.read(key) == first


@IN_A_FILE
async def test_a_failed_put_leaves_what_it_would_have_superseded(
    backend: SQLAlchemySnapshotBackend, record: Record, file: Path
) -> None:
    key = SCOPE.key(ID)
    first = record(key, 5)
    await backend.put(key, first)
    with closing(sqlite3.connect(file)) as other:
        other.execute(
            "create trigger frozen before insert on interlock_snapshots"
            " begin select raise(abort, 'frozen'); end"
        )
    with pytest.raises(BackendUnavailableError, match="frozen"):
        await backend.put(key, record(key, 4), supersedes=[first.stamp])
    assert await backend.read(key) == first


async def test_the_newest_of_each_type_is_told_whatever_its_revision(
    open_backend: OpenBackend, record: Record
) -> None:
    backend = await open_backend(keep=2)
    assert await backend.newest("default") == {}
    taken = {
        Scope("default", 0, "Account", "r1"): (7, 5),
        Scope("default", 0, "Account", "r2"): (6,),
        Scope("default", 0, "Ördër", "r1"): (3,),
        Scope("other", 0, "Account", "r1"): (9,),
    }
    for scope, moments in taken.items():
        for moment in moments:
            key = scope.key(uuid4())
            await backend.put(key, record(key, moment, taken=moment))
    forgotten = Scope("default", 0, "Gone", "r1").key(uuid4())
    await backend.put(forgotten, record(forgotten, 1))
    await backend.forget(forgotten)
    sample = record(SCOPE.key(ID), 1, taken=0).taken_at
    assert await backend.newest("default") == {
        "Account": sample + timedelta(seconds=7),
        "Ördër": sample + timedelta(seconds=3),
    }


@pytest.mark.parametrize("place", everywhere(), indirect=True)
async def test_the_database_and_the_driver_are_named(
    open_backend: OpenBackend, place: Place
) -> None:
    told = {
        "sqlite": r"SQLite [0-9.]+",
        "postgresql": r"PostgreSQL [0-9].*, asyncpg [0-9.]+",
        "psycopg": r"PostgreSQL [0-9].*, psycopg [0-9.]+",
        "mariadb": r"MariaDB [0-9].*, asyncmy [0-9.]+",
    }[place.kind]
    assert re.fullmatch(told, await (await open_backend()).server_version())
