"""Checks of snapshot stores alone: history, retention, listings."""

from collections.abc import Sequence
from typing import cast

from interlock.backends import (
    AggregateRecord,
    ListsIds,
    RecordKey,
    RemovesOne,
    Scope,
    SnapshotStore,
)
from interlock.errors import InterlockError
from interlock_conformance.checks import IF, KEEPS, check, expect
from interlock_conformance.harness import SnapshotHarness
from interlock_conformance.hostile import MEBIBYTE
from interlock_conformance.records import told

_BY_ROW_NUMBER = (
    "delete by row number over (partition by revision order by version desc), in the transaction "
    "of the put"
)


async def put_versions(
    harness: SnapshotHarness, store: SnapshotStore, key: RecordKey, *versions: int
) -> Sequence[AggregateRecord]:
    """Put records of these versions, in this order, each taken after the one before."""
    records = []
    for place, version in enumerate(versions):
        record = harness.record(key, version)
        records.append(record._replace(taken_at=record.taken_at.replace(minute=place)))
        await store.put(key, records[-1])
    return records


async def kept_versions(store: SnapshotStore, key: RecordKey, *versions: int) -> list[int]:
    """Which of these versions are still kept."""
    found = [await store.read(key, version) for version in versions]
    return sorted({record.version for record in found if record is not None})


def scope_of(key: RecordKey) -> Scope:
    """The scope of a key."""
    return Scope(key.namespace, key.epoch, key.aggregate_type, key.revision)


@check(
    "SNAP-040",
    KEEPS,
    plain=True,
    others="where version <= the bound, and None if there is no such row",
)
async def nothing_above_the_bound(harness: SnapshotHarness) -> None:
    """A read at or below a version gives nothing above it."""
    store, key = await harness.open(), harness.key()
    await store.put(key, harness.record(key, 5))
    found = await store.read(key, 4)
    expect(found is None or found.version <= 4, "nothing above version 4", told(found))


@check(
    "SNAP-041",
    KEEPS,
    plain=True,
    others="the bound is inclusive: version <= the bound",
)
async def bound_is_inclusive(harness: SnapshotHarness) -> None:
    """A read at or below a version gives the record of just that version."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5)
    await store.put(key, record)
    found = await store.read(key, 5)
    expect(harness.is_same(found, record), told(record), told(found))


@check("SNAP-135", KEEPS, others="test a bound by `is None`: 0 is a bound")
async def nothing_is_at_or_below_zero(harness: SnapshotHarness) -> None:
    """A read at or below version 0 gives nothing: a bound of 0 is one."""
    store, key = await harness.open(), harness.key()
    await store.put(key, harness.record(key, 5))
    found = await store.read(key, 0)
    expect(found is None, "no record at or below version 0", told(found))


@check(
    "SNAP-042",
    IF("history"),
    plain=True,
    others="keep a row for each version: where version <= the bound, order by version desc",
)
async def newest_below_the_bound(harness: SnapshotHarness) -> None:
    """Of the records kept, a read at or below a version gives the newest that is."""
    options = {"keep": 4} if "keep" in harness.capabilities else {}
    store, key = await harness.open(**options), harness.key()
    records = await put_versions(harness, store, key, 9, 10, 11, 100)
    found = await store.read(key, 50)
    expect(harness.is_same(found, records[2]), told(records[2]), told(found))


@check("SNAP-043", IF("keep"), others=_BY_ROW_NUMBER)
async def keep_is_a_bound(harness: SnapshotHarness) -> None:
    """No more than `keep` records of a revision are kept, the newest."""
    store, key = await harness.open(keep=2), harness.key()
    await put_versions(harness, store, key, 8, 9, 10, 11)
    found = await kept_versions(store, key, 8, 9, 10, 11)
    expect(set(found) <= {10, 11}, "versions 10 and 11", f"versions {found}")


@check(
    "SNAP-044",
    IF("keep"),
    others=f"{_BY_ROW_NUMBER}, with the comparison `> keep`",
)
async def as_many_are_kept(harness: SnapshotHarness) -> None:
    """No fewer than `keep` records of a revision are kept, if there were so many."""
    store, key = await harness.open(keep=3), harness.key()
    await put_versions(harness, store, key, 8, 9, 10, 11)
    found = await kept_versions(store, key, 9, 10, 11)
    expect(found == [9, 10, 11], "versions 9, 10 and 11", f"versions {found}")


@check(
    "SNAP-045",
    IF("keep"),
    others="insert first, then retain by version; never by the time of the put",
)
async def late_older_record_goes_first(harness: SnapshotHarness) -> None:
    """A record that is older than all that are kept isn't kept in the place of one of them."""
    store, key = await harness.open(keep=2), harness.key()
    await put_versions(harness, store, key, 10, 11, 3)
    found = await kept_versions(store, key, 3, 10, 11)
    expect(found == [10, 11], "versions 10 and 11", f"versions {found}")


@check("SNAP-046", IF("keep"), others="partition by revision when counting")
async def keep_counts_per_revision(harness: SnapshotHarness) -> None:
    """`keep` counts the records of each revision by themselves."""
    store, key = await harness.open(keep=1, keep_revisions=2), harness.key()
    old = key._replace(revision="conformance-0")
    (kept,) = await put_versions(harness, store, old, 9)
    await put_versions(harness, store, key, 10)
    found = await store.read(old)
    expect(found == kept, told(kept), told(found))


@check(
    "SNAP-047",
    IF("keep_revisions"),
    others="rank the revisions by their newest `taken_at` and delete the ranks behind",
)
async def old_revisions_go(harness: SnapshotHarness) -> None:
    """No more than `keep_revisions` revisions of an aggregate are kept, the last taken."""
    store, key = await harness.open(keep_revisions=2), harness.key()
    await _put_revisions(harness, store, key, "c", "a", "b")
    found = await store.read(key._replace(revision="c"))
    expect(found is None, "no record of the revision taken first", told(found))


@check("SNAP-048", KEEPS, others="select distinct revisions, the last taken first")
async def revisions_are_told(harness: SnapshotHarness) -> None:
    """`revisions` tells those with a record, the most recently taken first."""
    store, key = await harness.open(), harness.key()
    await _put_revisions(harness, store, key, "b", "a")
    found = list(await store.revisions(key))
    expect(found == ["a", "b"], "['a', 'b']", f"{found}")


@check("SNAP-049", IF("ids"), others="select distinct ids, by pages of the primary key")
async def ids_are_listed_once(harness: SnapshotHarness) -> None:
    """`ids` lists every aggregate with a record in the scope, each once."""
    options = {"keep": 2} if "keep" in harness.capabilities else {}
    store, keys = await harness.open(**options), [harness.key() for _ in range(20)]
    for key in keys:
        await put_versions(harness, store, key, 5, 6)
    found = sorted([found async for found in cast("ListsIds", store).ids(scope_of(keys[0]))])
    wanted = sorted(key.aggregate_id for key in keys)
    expect(found == wanted, f"{len(wanted)} ids", f"{len(found)} ids, {len({*found})} different")


@check("SNAP-050", IF("ids"), others="select by namespace, type and revision, all three")
async def ids_are_of_the_scope(harness: SnapshotHarness) -> None:
    """`ids` lists no aggregate of another namespace, type or revision."""
    store, key = await harness.open(), harness.key()
    others = [
        harness.key()._replace(namespace=f"{key.namespace}2"),
        harness.key()._replace(aggregate_type="Other"),
        harness.key()._replace(revision="conformance-2"),
    ]
    for other in [key, *others]:
        await store.put(other, harness.record(other, 5))
    found = [found async for found in cast("ListsIds", store).ids(scope_of(key))]
    expect(found == [key.aggregate_id], "one id", f"{len(found)} ids")


@check("SNAP-051", IF("durable", "keep"), others="the same statement as after a put, over all ids")
async def prune_applies_retention(harness: SnapshotHarness) -> None:
    """`prune` removes what a smaller `keep` no longer covers, and tells how many records."""
    store, key = await harness.open(keep=4), harness.key()
    await put_versions(harness, store, key, 8, 9, 10, 11)
    store = await harness.reopen(store, keep=1)
    removed = await store.prune(scope_of(key))
    found = await kept_versions(store, key, 8, 9, 10, 11)
    expect((removed, found) == (3, [11]), "3 removed, 11 left", f"{removed} removed, {found} left")


@check("SNAP-052", KEEPS, others="retention counts; it never looks at a record's age")
async def prune_leaves_the_last(harness: SnapshotHarness) -> None:
    """`prune` leaves the only record of an aggregate, however old."""
    store, key = await harness.open(), harness.key()
    old = harness.record(key, 5)
    old = old._replace(taken_at=old.taken_at.replace(year=1999))
    await store.put(key, old)
    await store.prune(scope_of(key))
    found = await store.read(key)
    expect(found == old, told(old), told(found))


@check(
    "SNAP-053",
    KEEPS,
    plain=True,
    others="raise `BackendUnavailableError` for what the store refuses",
)
async def oversized_put_is_kept_or_raises(harness: SnapshotHarness) -> None:
    """A put of 8 MiB is kept whole or raises."""
    store, key = await harness.open(), harness.key()
    big = harness.record(key, 4, text="x" * 8 * MEBIBYTE)
    try:
        await store.put(key, big)
    except InterlockError:
        return
    found = await harness.read(store, key)
    expect(harness.is_same(found, big), f"{told(big)}, or an exception", told(found))


@check("SNAP-054", IF("keep", "remove"), others="delete by the whole stamp")
async def removal_leaves_the_others(harness: SnapshotHarness) -> None:
    """A removal by a stamp leaves the aggregate's other records."""
    store, key = await harness.open(keep=3), harness.key()
    records = await put_versions(harness, store, key, 8, 9, 10)
    await cast("RemovesOne", store).remove(key, records[1].stamp)
    found = await kept_versions(store, key, 8, 9, 10)
    expect(found == [8, 10], "versions 8 and 10", f"versions {found}")


async def _put_revisions(
    harness: SnapshotHarness, store: SnapshotStore, key: RecordKey, *revisions: str
) -> None:
    """A record of each revision, each taken after the one before."""
    for place, revision in enumerate(revisions):
        own = key._replace(revision=revision)
        record = harness.record(own, 5)
        await store.put(own, record._replace(taken_at=record.taken_at.replace(minute=place)))
