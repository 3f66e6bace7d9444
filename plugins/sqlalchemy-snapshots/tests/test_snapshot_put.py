import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from interlock.backends import AggregateRecord, RecordKey, Scope
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend

OpenBackend = Callable[..., Awaitable[SQLAlchemySnapshotBackend]]
Record = Callable[..., AggregateRecord]

ID = uuid4()
SCOPE = Scope("default", 0, "Account", "r1")


def key(revision: str = "r1", aggregate_id: UUID = ID) -> RecordKey:
    return Scope("default", 0, "Account", revision).key(aggregate_id)


async def versions(backend: SQLAlchemySnapshotBackend, of: RecordKey) -> list[int]:
    found: list[int] = []
    while (record := await backend.read(of, found[-1] - 1 if found else None)) is not None:
        found.append(record.version)
    return found


async def test_what_was_put_is_read_as_it_was(
    backend: SQLAlchemySnapshotBackend, record: Record
) -> None:
    put = record(key(), 5, payload=bytes(range(256)) * 4096)
    await backend.put(key(), put)
    assert await backend.read(key()) == put
    assert await backend.read(key(aggregate_id=uuid4())) is None


async def test_the_newest_at_or_below_a_version_is_read(
    open_backend: OpenBackend, record: Record
) -> None:
    backend = await open_backend(keep=3)
    for version in (10, 20, 30):
        await backend.put(key(), record(key(), version))
    found = {
        bound: record and record.version
        for bound in (0, 9, 10, 19, 20, 29, 30, 2**70)
        for record in [await backend.read(key(), bound)]
    }
    assert found == {0: None, 9: None, 10: 10, 19: 10, 20: 20, 29: 20, 30: 30, 2**70: 30}


async def test_the_same_version_is_replaced(
    backend: SQLAlchemySnapshotBackend, record: Record
) -> None:
    await backend.put(key(), record(key(), 5))
    put = record(key(), 5, payload=b"another")
    await backend.put(key(), put)
    assert await backend.read(key()) == put


@pytest.mark.parametrize(("keep", "found"), [(1, [30]), (2, [30, 20]), (3, [30, 20, 10])])
@pytest.mark.parametrize("order", [(10, 20, 30), (30, 20, 10), (20, 30, 10)])
async def test_the_newest_of_a_revision_are_kept_in_whichever_order_they_come(
    open_backend: OpenBackend, record: Record, keep: int, found: list[int], order: tuple[int, ...]
) -> None:
    backend = await open_backend(keep=keep)
    for taken, version in enumerate(order):
        await backend.put(key(), record(key(), version, taken=taken))
    assert await versions(backend, key()) == found


async def test_a_superseded_record_makes_way_for_an_older_version(
    backend: SQLAlchemySnapshotBackend, record: Record
) -> None:
    false, true = record(key(), 90), record(key(), 50)
    await backend.put(key(), false)
    await backend.put(key(), true, supersedes=[false.stamp])
    assert await backend.read(key()) == true


async def test_only_the_exact_stamp_is_superseded_or_removed(
    backend: SQLAlchemySnapshotBackend, record: Record
) -> None:
    standing, other = record(key(), 90), record(key(), 90)
    await backend.put(key(), standing)
    await backend.put(key(), record(key(), 50), supersedes=[other.stamp])
    await backend.remove(key(), other.stamp)
    assert await backend.read(key()) == standing
    await backend.remove(key(), standing.stamp)
    await backend.remove(key(), standing.stamp)
    assert await backend.read(key()) is None


async def test_a_removal_stays_in_its_namespace(
    backend: SQLAlchemySnapshotBackend, record: Record
) -> None:
    ours, theirs = key(), Scope("theirs", 0, "Account", "r1").key(ID)
    put = record(ours, 5)
    await backend.put(ours, put)
    await backend.put(theirs, put)
    await backend.remove(theirs, put.stamp)
    assert await backend.read(ours) == put
    assert await backend.read(theirs) is None


async def test_the_most_recently_taken_revisions_are_kept(
    open_backend: OpenBackend, record: Record
) -> None:
    backend = await open_backend(keep_revisions=2)
    for taken, revision in enumerate(["r1", "r2", "r1", "r3"]):
        await backend.put(key(revision), record(key(revision), taken + 1, taken=taken))
    assert await backend.revisions(key()) == ["r3", "r1"]
    assert await backend.read(key("r2")) is None


async def test_the_revision_that_is_put_counts_as_the_newest_whatever_its_clock_says(
    open_backend: OpenBackend, record: Record
) -> None:
    backend = await open_backend(keep_revisions=1)
    await backend.put(key("r1"), record(key("r1"), 5, taken=1_000))
    await backend.put(key("r2"), record(key("r2"), 5, taken=1))
    assert await backend.revisions(key()) == ["r2"]


async def test_retention_leaves_other_aggregates_alone(
    backend: SQLAlchemySnapshotBackend, record: Record
) -> None:
    other = key(aggregate_id=uuid4())
    await backend.put(other, record(other, 1))
    for version in range(1, 9):
        await backend.put(key(), record(key(), version))
    assert await versions(backend, other) == [1]


@pytest.mark.parametrize("seed", range(6))
async def test_any_sequence_of_puts_leaves_what_retention_says(
    open_backend: OpenBackend, record: Record, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 # no secret
    keep, keep_revisions = chance.randint(1, 3), chance.randint(1, 3)
    backend = await open_backend(keep=keep, keep_revisions=keep_revisions)
    model: list[AggregateRecord] = []
    for taken in range(60):
        of = key(chance.choice(["r1", "r2", "r3", "r4"]))
        put = record(of, chance.randint(1, 9), taken=taken)
        superseded = [r.stamp for r in model if chance.random() < 0.1]
        await backend.put(of, put, supersedes=superseded)
        model = [
            r
            for r in model
            if r.stamp not in superseded and (r.revision, r.version) != (put.revision, put.version)
        ]
        model = retained([*model, put], put.revision, keep, keep_revisions)
        for revision in ("r1", "r2", "r3", "r4"):
            expected = [r.version for r in model if r.revision == revision]
            assert await versions(backend, key(revision)) == sorted(expected, reverse=True)


def retained(
    records: list[AggregateRecord], newest: str, keep: int, keep_revisions: int
) -> list[AggregateRecord]:
    taken = {
        revision: (revision == newest, max(r.taken_at for r in records if r.revision == revision))
        for revision in {r.revision for r in records}
    }
    kept = []
    for revision in sorted(taken, key=lambda name: taken[name])[-keep_revisions:]:
        of_revision = [r for r in records if r.revision == revision]
        kept += sorted(of_revision, key=lambda r: r.version)[-keep:]
    return kept


@pytest.mark.parametrize(
    "name", ["it's", 'a "b"', "naïve 日本 🏦", "a\x00b", "%_*", "x" * 5_000, ""]
)
async def test_hostile_names_are_names(
    backend: SQLAlchemySnapshotBackend, record: Record, name: str
) -> None:
    keys = [
        scope.key(ID)
        for suffix in ("", "\x00", "b")
        for scope in (
            Scope(name + suffix, 0, "Account", "r1"),
            Scope("default", 0, name + suffix, "r1"),
            Scope("default", 0, "Account", name + suffix),
        )
    ][:8]
    puts = {of: record(of, version) for version, of in enumerate(keys, 1) if of.revision == "r1"}
    for of, put in puts.items():
        await backend.put(of, put)
    assert await backend.read_many(list(puts)) == puts
    hostile = keys[2]
    await backend.put(hostile, record(hostile, 1))
    (revision,) = await backend.revisions(hostile)
    assert revision == name or revision.startswith("#")  # a long one's hash, on a server


async def test_a_snapshot_is_kept_for_so_long_unless_it_is_the_newest(
    open_backend: OpenBackend, record: Record
) -> None:
    start = record(key(), 1).taken_at
    seconds = 0
    backend = await open_backend(
        clock=lambda: start + timedelta(seconds=seconds), keep=9, keep_for=timedelta(seconds=10)
    )
    older = key("r0")
    await backend.put(older, record(older, 7, taken=1))
    for version, taken in ((1, 0), (2, 2), (3, 4)):
        await backend.put(key(), record(key(), version, taken=taken))
    assert await backend.prune(SCOPE) == 0
    seconds = 10
    assert await backend.prune(SCOPE) == 0  # nothing is older than that yet
    seconds = 12
    assert await backend.prune(SCOPE) == 2
    assert await versions(backend, key()) == [3, 2]
    assert await versions(backend, older) == []
    seconds = 1_000
    assert await backend.prune(SCOPE) == 1
    assert await versions(backend, key()) == [3]
    assert await backend.prune(SCOPE) == 0


async def test_a_put_retires_what_was_kept_for_long_enough(
    open_backend: OpenBackend, record: Record
) -> None:
    start = record(key(), 1).taken_at
    backend = await open_backend(
        clock=lambda: start + timedelta(seconds=60), keep=9, keep_for=timedelta(seconds=10)
    )
    for version, taken in ((1, 0), (2, 55), (3, 60)):
        await backend.put(key(), record(key(), version, taken=taken))
    assert await versions(backend, key()) == [3, 2]
