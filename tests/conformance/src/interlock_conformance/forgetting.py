"""Checks of snapshot stores that forget an aggregate."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

from interlock.backends import (
    AggregateRecord,
    Forgetful,
    ListsIds,
    RecordKey,
    SnapshotStore,
)
from interlock_conformance.checks import IF, CannotTell, check, expect, unless_raised
from interlock_conformance.harness import SnapshotHarness
from interlock_conformance.records import DIARY, told
from interlock_conformance.snapshots import scope_of

_TOMBSTONE = (
    "a tombstone by namespace, type and id, written before the records go; a put compares its "
    "`taken_at` with it in its own transaction"
)
_CONDITION = "delete by namespace, type and id, all three, and by nothing else"
_OTHER_REVISION = "conformance-0"


def taken(record: AggregateRecord, *, seconds: float) -> AggregateRecord:
    """The record, taken so long from now."""
    return record._replace(taken_at=datetime.now(UTC) + timedelta(seconds=seconds))


async def forgotten(store: SnapshotStore, key: RecordKey) -> int:
    """Forget the aggregate; how many records that removed."""
    with unless_raised("`forget` tells how many records it removed"):
        return await cast("Forgetful", store).forget(key)


async def expect_refused(
    harness: SnapshotHarness, store: SnapshotStore, key: RecordKey, when: str
) -> None:
    """Put a record that was taken a minute ago, and expect that nothing is read."""
    with unless_raised(f"a put of a record from before the forget raises nothing {when}"):
        await store.put(key, taken(harness.record(key, 7), seconds=-60))
    found = await harness.read(store, key)
    expect(found is None, f"no record from before the forget {when}", told(found))


@check("SNAP-110", IF("forget"), others=f"{_CONDITION}; the statement's count is the number")
async def forgotten_is_gone(harness: SnapshotHarness) -> None:
    """After `forget` no revision of the aggregate has a record; their number is told."""
    options = {"keep": 2} if "keep" in harness.capabilities else {}
    store, key = await harness.open(**options), harness.key()
    old = key._replace(revision=_OTHER_REVISION)
    await store.put(old, harness.record(old, 3))
    for version in range(4, 5 + len(options)):
        await store.put(key, harness.record(key, version))
    removed = await forgotten(store, key)
    wanted = 2 + len(options)
    expect(removed == wanted, f"{wanted} records removed", f"{removed}")
    for own in (key, old):
        found = await harness.read(store, own)
        expect(found is None, f"no record of revision {own.revision}", told(found))


@check("SNAP-111", IF("forget"), others=_CONDITION)
async def others_are_not_forgotten(harness: SnapshotHarness) -> None:
    """`forget` leaves other ids, types and namespaces as they are, and lets them be put."""
    store, key = await harness.open(), harness.key()
    others = [
        harness.key(),
        key._replace(aggregate_type=DIARY),
        key._replace(namespace=f"{key.namespace}2"),
    ]
    for own in (key, *others):
        await store.put(own, harness.record(own, 5))
    await forgotten(store, key)
    for own in others:
        found = await harness.read(store, own)
        expect(isinstance(found, AggregateRecord), "the other's record stands", told(found))
        newer = harness.record(own, 6)
        await store.put(own, newer)
        found = await harness.read(store, own)
        expect(found == newer, f"{told(newer)}, put after the forget", told(found))


@check("SNAP-112", IF("forget"), others=_TOMBSTONE)
async def earlier_record_comes_too_late(harness: SnapshotHarness) -> None:
    """A put of a record that was taken before the forget leaves none, and raises nothing."""
    store, key = await harness.open(), harness.key()
    await store.put(key, harness.record(key, 5))
    await forgotten(store, key)
    await expect_refused(harness, store, key, "after it")


@check("SNAP-113", IF("forget"), others=f"{_TOMBSTONE}: what is later is kept")
async def later_record_is_kept(harness: SnapshotHarness) -> None:
    """A put of a record that was taken after the forget is kept, be its version 1."""
    store, key = await harness.open(), harness.key()
    await store.put(key, harness.record(key, 5))
    await forgotten(store, key)
    for version in (1, 2):
        later = taken(harness.record(key, version), seconds=60 + version)
        await store.put(key, later)
        found = await harness.read(store, key)
        expect(found == later, f"{told(later)}, taken after the forget", told(found))


@check("SNAP-114", IF("forget"), others="write the tombstone whether or not a record stands there")
async def nothing_is_forgotten_too(harness: SnapshotHarness) -> None:
    """`forget` without any record removes 0, and a record from before it, still under way, goes."""
    store, key = await harness.open(), harness.key()
    removed = await forgotten(store, key)
    expect(removed == 0, "0 records removed", f"{removed}")
    await expect_refused(harness, store, key, "where none stood")


@check("SNAP-115", IF("forget"), others=f"{_TOMBSTONE}; it has no revision")
async def other_revision_comes_too_late(harness: SnapshotHarness) -> None:
    """A record from before the forget comes too late under another revision too."""
    store, key = await harness.open(), harness.key()
    await store.put(key, harness.record(key, 5))
    await forgotten(store, key)
    await expect_refused(
        harness, store, key._replace(revision=_OTHER_REVISION), "under another revision"
    )


@check("SNAP-116", IF("forget", "shared"), others=f"{_TOMBSTONE}: in the store, not in the process")
async def others_know_of_the_forget(harness: SnapshotHarness) -> None:
    """A record from before the forget comes too late by another connection too."""
    store, other, key = await harness.open(), await harness.open(), harness.key()
    await other.put(key, harness.record(key, 5))
    await forgotten(store, key)
    await expect_refused(harness, other, key, "by another connection")


@check("SNAP-117", IF("forget", "durable"), others=f"{_TOMBSTONE}: as durable as the records")
async def forget_outlives_closing(harness: SnapshotHarness) -> None:
    """A record from before the forget comes too late after closing and opening again."""
    store, key = await harness.open(), harness.key()
    await forgotten(store, key)
    await expect_refused(harness, await harness.reopen(store), key, "after opening again")


@check(
    "SNAP-118",
    IF("forget"),
    others="write the tombstone first, so that of a put and a forget one sees the other",
)
async def forget_beside_puts_is_whole(harness: SnapshotHarness) -> None:
    """Of puts beside a forget, of records from before it, none leaves a record."""
    store = await harness.open()
    for turns in range(6):
        key = harness.key()
        early = [taken(harness.record(key, version), seconds=-60) for version in range(1, 5)]
        puts = [asyncio.create_task(store.put(key, record)) for record in early[:2]]
        for _ in range(turns):
            await asyncio.sleep(0)
        late = (store.put(key, record) for record in early[2:])
        await asyncio.gather(*puts, forgotten(store, key), *late)
        found = await harness.read(store, key)
        expect(found is None, "no record from before the forget", told(found))


@check("SNAP-119", IF("forget"), others="replace the tombstone: the last forget counts")
async def last_forget_counts(harness: SnapshotHarness) -> None:
    """A second forget covers what was taken between the two."""
    store, key = await harness.open(), harness.key()
    await forgotten(store, key)
    between = harness.record(key, 5)._replace(taken_at=datetime.now(UTC))
    await store.put(key, between)
    await forgotten(store, key)
    await store.put(key, between)
    found = await harness.read(store, key)
    expect(found is None, "no record from between the two", told(found))


@check("SNAP-120", IF("forget"), others="keep tombstones apart from records, or leave them out")
async def tombstone_is_no_record(harness: SnapshotHarness) -> None:
    """A tombstone is no record: not listed, not read, not counted; and pruning leaves it."""
    store, key = await harness.open(), harness.key()
    await store.put(key, harness.record(key, 5))
    await forgotten(store, key)
    if isinstance(store, ListsIds):
        ids = [found async for found in store.ids(scope_of(key))]
        expect(not ids, "no ids", f"{len(ids)}")
    revisions = list(await store.revisions(key))
    expect(not revisions, "no revisions", f"{revisions}")
    many = dict(await store.read_many([key]))
    expect(not many, "nothing by `read_many`", f"{len(many)}")
    removed = await store.prune(scope_of(key))
    expect(removed == 0, "0 records pruned", f"{removed}")
    await expect_refused(harness, store, key, "after pruning")


@check("SNAP-121", IF("forget", "advance"), others="a tombstone stands for a day, by its own clock")
async def tombstone_stands_for_a_day(harness: SnapshotHarness) -> None:
    """23 hours after the forget a record from before it still comes too late."""
    store, key = await harness.open(), harness.key()
    await forgotten(store, key)
    await harness.pass_time(store, seconds=23 * 3_600)
    await forgotten(store, harness.key())  # which may be when old ones go
    await expect_refused(harness, store, key, "23 hours later")


@check("SNAP-123", IF("forget", "advance"), others="as SNAP-121; `prune` is about records alone")
async def prune_ends_no_tombstone(harness: SnapshotHarness) -> None:
    """`prune` 23 hours after the forget leaves the tombstone."""
    store, key = await harness.open(), harness.key()
    await forgotten(store, key)
    await harness.pass_time(store, seconds=23 * 3_600)
    await store.prune(scope_of(key))
    await expect_refused(harness, store, key, "after pruning, 23 hours later")


@check(
    "SNAP-133",
    IF("forget", "advance"),
    others="keep a tombstone's moment in microseconds, and refuse what was taken at it or before",
)
async def tombstone_covers_its_microsecond(harness: SnapshotHarness) -> None:
    """A record taken in the very microsecond of the forget comes too late; the next doesn't."""
    store, key = await harness.open(), harness.key()
    moment = await harness.pass_time(store, seconds=1)
    while moment is not None and moment.microsecond % 1_000 == 0:
        moment = await harness.pass_time(store, seconds=0.000_007)
    if moment is None:
        raise CannotTell("`advance` doesn't return the moment at which the clock stands")
    await forgotten(store, key)
    record = harness.record(key, 5)._replace(taken_at=moment)
    later = record._replace(taken_at=moment + timedelta(microseconds=1))
    for put, wanted in ((record, None), (later, later)):
        await store.put(key, put)
        found = await harness.read(store, key)
        expect(found == wanted, f"{told(wanted)}, taken at {put.taken_at}", told(found))
