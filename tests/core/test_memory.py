"""The memory and null forms keep what the protocols say; they are the reference for authors."""

from datetime import timedelta
from uuid import UUID

import pytest

from interlock._storage.memory import (
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
    NullAggregateCacheBackend,
    NullAggregateSnapshotStorageBackend,
)
from interlock._storage.records import AggregateRecord
from interlock.errors import (
    ConcurrencyError,
)
from memory_records import ID, KEY, NOW, SCOPE, event, record


async def test_a_cache_replaces_older_and_leaves_newer() -> None:
    cache = InMemoryAggregateCacheBackend()
    await cache.put(KEY, record(9))
    await cache.put(KEY, record(10))
    await cache.put(KEY, record(9))
    assert await cache.read(KEY) == record(10)


async def test_the_same_state_is_renewed_never_aged() -> None:
    cache = InMemoryAggregateCacheBackend()
    later = record(5, verified_at=NOW + timedelta(seconds=1))
    for put in (record(5), later, record(5)):
        await cache.put(KEY, put)
    assert await cache.read(KEY) == later


async def test_another_branch_of_the_same_version_replaces() -> None:
    cache = InMemoryAggregateCacheBackend()
    await cache.put(KEY, record(5, event=50, verified_at=NOW + timedelta(days=1)))
    await cache.put(KEY, record(5, event=51))
    assert await cache.read(KEY) == record(5, event=51)


async def test_a_superseded_entry_gives_way_to_an_older_one() -> None:
    cache = InMemoryAggregateCacheBackend()
    await cache.put(KEY, record(9))
    await cache.put(KEY, record(4), supersedes=[record(8).stamp])
    assert await cache.read(KEY) == record(9)
    await cache.put(KEY, record(4), supersedes=[record(9).stamp])
    assert await cache.read(KEY) == record(4)


async def test_an_entry_is_removed_only_if_it_has_the_stamp() -> None:
    cache = InMemoryAggregateCacheBackend()
    await cache.put(KEY, record(9))
    await cache.remove(KEY, record(8).stamp)
    assert await cache.read(KEY) == record(9)
    await cache.remove(KEY, record(9).stamp)
    assert await cache.read(KEY) is None
    await cache.remove(KEY)


async def test_the_least_recently_used_entry_goes_first() -> None:
    cache = InMemoryAggregateCacheBackend(size=2)
    keys = [SCOPE.key(UUID(int=number)) for number in (1, 2, 3)]
    for key in keys[:2]:
        await cache.put(key, record(1))
    await cache.read(keys[0])
    await cache.put(keys[2], record(1))
    assert set(await cache.read_many(keys)) == {keys[0], keys[2]}


@pytest.mark.parametrize(
    "refused", [record(1), record(9, verified_at=NOW - timedelta(seconds=1))], ids=["older", "same"]
)
async def test_a_refused_put_renews_no_time_to_live(refused: AggregateRecord) -> None:
    seconds = 0.0
    cache = InMemoryAggregateCacheBackend(ttl=timedelta(hours=1), clock=lambda: seconds)
    await cache.put(KEY, record(9))
    seconds = 2_000
    await cache.put(KEY, refused)
    seconds = 3_500
    assert await cache.read(KEY) == record(9)
    seconds = 3_600
    assert await cache.read(KEY) is None


async def test_revisions_are_in_the_order_of_time_not_of_puts() -> None:
    store = InMemoryAggregateSnapshotStorageBackend()
    for revision, days in (("r2", 2), ("r1", 1)):
        late = record(1, revision=revision, taken_at=NOW + timedelta(days=days))
        await store.put(KEY._replace(revision=revision), late)
    assert list(await store.revisions(KEY)) == ["r2", "r1"]


async def test_snapshots_are_read_at_or_below_a_version() -> None:
    store = InMemoryAggregateSnapshotStorageBackend(keep=10)
    for version in (9, 10, 100):
        await store.put(KEY, record(version))
    assert await store.read(KEY) == record(100)
    assert await store.read(KEY, 99) == record(10)
    assert await store.read(KEY, 9) == record(9)
    assert await store.read(KEY, 8) is None


async def test_an_older_snapshot_is_kept_only_among_the_newest() -> None:
    store = InMemoryAggregateSnapshotStorageBackend(keep=2)
    for version in (5, 3, 4, 1):
        await store.put(KEY, record(version))
    assert await store.read(KEY) == record(5)
    assert await store.read(KEY, 4) == record(4)
    assert await store.read(KEY, 3) is None


async def test_superseded_snapshots_do_not_count() -> None:
    store = InMemoryAggregateSnapshotStorageBackend(keep=1)
    await store.put(KEY, record(9))
    await store.put(KEY, record(4), supersedes=[record(9, event=7).stamp])
    assert await store.read(KEY) == record(9)
    await store.put(KEY, record(4), supersedes=[record(9).stamp])
    assert await store.read(KEY) == record(4)


async def test_retention_counts_per_revision_and_keeps_the_newest_revisions() -> None:
    store = InMemoryAggregateSnapshotStorageBackend(keep=1, keep_revisions=2)
    for revision in ("r1", "r2", "r3"):
        key = KEY._replace(revision=revision)
        await store.put(key, record(1, revision=revision))
        await store.put(key, record(2, revision=revision))
    assert list(await store.revisions(KEY)) == ["r3", "r2"]
    assert await store.prune(SCOPE) == 0
    assert [i async for i in store.ids(SCOPE._replace(revision="r2"))] == [ID]
    assert [i async for i in store.ids(SCOPE)] == []


async def test_a_put_makes_its_revision_the_newest() -> None:
    store = InMemoryAggregateSnapshotStorageBackend(keep_revisions=1)
    for revision in ("r1", "r2", "r1"):
        await store.put(KEY._replace(revision=revision), record(1, revision=revision))
    assert list(await store.revisions(KEY)) == ["r1"]


async def test_null_forms_keep_nothing() -> None:
    cache, snapshots = NullAggregateCacheBackend(), NullAggregateSnapshotStorageBackend()
    await cache.put(KEY, record(1))
    await snapshots.put(KEY, record(1))
    await cache.remove(KEY)
    assert await cache.read(KEY) is None
    assert await snapshots.read(KEY) is None
    assert await snapshots.revisions(KEY) == ()
    assert await snapshots.prune(SCOPE) == 0


@pytest.mark.parametrize(
    "after", [None, (1, UUID(int=1)), (3, UUID(int=3)), (2, UUID(int=99))], ids=str
)
async def test_an_append_wants_exactly_the_head(after: tuple[int, UUID] | None) -> None:
    store = InMemoryEventStore()
    await store.append([event(1), event(2)], after=None)
    version = (after[0] if after else 0) + 1
    with pytest.raises(ConcurrencyError):
        await store.append([event(version, 50)], after=after)
    assert await store.head("Box", ID) == (2, UUID(int=2))
    await store.append([event(3)], after=(2, UUID(int=2)))
    assert await store.head("Box", ID) == (3, UUID(int=3))


async def test_a_chunk_ends_before_the_event_that_is_too_much() -> None:
    store = InMemoryEventStore()
    sizes = [6 << 20, 10 << 20, 1, 17 << 20, 2, 3]
    events = [event(v)._replace(payload=b"0" * size) for v, size in enumerate(sizes, 1)]
    await store.append(events, after=None)
    chunks = [chunk async for chunk in store.read("Box", ID)]
    assert [[row.version for row in chunk] for chunk in chunks] == [[1, 2], [3], [4], [5, 6]]
    many = [chunk async for _, chunk in store.read_many("Box", {ID: 2})]
    assert [[row.version for row in chunk] for chunk in many] == [[2, 3], [4], [5, 6]]


async def test_an_archived_stream_is_read_by_its_versions() -> None:
    store = InMemoryEventStore()
    await store.append([event(v) for v in range(1, 1201)], after=None)
    assert await store.delete("Box", ID, below=600) == 599
    chunks = [chunk async for chunk in store.read("Box", ID)]
    assert [row[0] for chunk in chunks for row in chunk] == list(range(600, 1201))
    assert len(chunks) > 1
    some = [r[0] async for chunk in store.read("Box", ID, first=700, last=702) for r in chunk]
    assert some == [700, 701, 702]
    assert await store.delete("Box", ID) == 601
    assert await store.head("Box", ID) is None
