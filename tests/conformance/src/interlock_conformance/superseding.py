"""Superseding and removing: exactly the records with these stamps."""

from interlock_conformance.checks import IF, KEEPS, both, check, expect
from interlock_conformance.harness import CacheHarness, SnapshotHarness
from interlock_conformance.records import another, told, verified

_OTHER_REVISION = "conformance-2"
_EACH_STAMP = "look for the stamp in all of `supersedes`; delete by each of them"
_WHOLE_STAMP = "compare the whole stamp, its revision too"


@both("069", KEEPS, others=_EACH_STAMP)
async def each_superseded_gives_way(harness: CacheHarness) -> None:
    """A newer record gives way wherever its stamp stands among several in `supersedes`."""
    store = await harness.open()
    for place in range(3):
        key = harness.key()
        false, true = harness.record(key, 9), harness.record(key, 5)
        stamps = [harness.record(key, version).stamp for version in (7, 8)]
        stamps.insert(place, false.stamp)
        await store.put(key, false)
        await store.put(key, true, stamps)
        found = await harness.read(store, key)
        expect(found == true, f"{told(true)}, by stamp {place + 1} of 3", told(found))


@both("070", KEEPS, others=_WHOLE_STAMP)
async def superseded_is_of_its_revision(harness: CacheHarness) -> None:
    """A newer record stays if its stamp is in `supersedes` but for the revision."""
    store, key = await harness.open(), harness.key()
    newer = harness.record(key, 9)
    await store.put(key, newer)
    stamp = newer.stamp._replace(revision=_OTHER_REVISION)
    await store.put(key, harness.record(key, 5), [stamp])
    found = await harness.read(store, key)
    expect(found == newer, f"{told(newer)} of revision {key.revision}", told(found))


@both("071", KEEPS, snapshots=IF("remove"), others=_WHOLE_STAMP)
async def removal_is_of_its_revision(harness: CacheHarness) -> None:
    """A removal by a stamp of another revision leaves the record, be its event the same."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5)
    await store.put(key, record)
    await store.remove(key, record.stamp._replace(revision=_OTHER_REVISION))
    found = await harness.read(store, key)
    expect(found == record, told(record), told(found))


@check("CACHE-050", KEEPS, others="remove what is superseded first, and compare only what is left")
async def superseded_verification_gives_way(harness: CacheHarness) -> None:
    """An entry whose stamp is in `supersedes` gives way to the same stamp, verified before."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5)
    later = verified(record, seconds=60)
    await store.put(key, later)
    await store.put(key, record, [another(record).stamp, later.stamp])
    found = await store.read(key)
    expect(
        found == record,
        f"verified at {record.verified_at}",
        f"{told(found)}, verified at {found and found.verified_at}",
    )


@check("SNAP-057", KEEPS, others="replace by the key and the version, whatever stands there")
async def same_stamp_is_replaced(harness: SnapshotHarness) -> None:
    """A put of the same stamp replaces the record, also with an earlier `verified_at`."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5)
    for seconds in (60, 120, 0):
        wanted = verified(record, seconds=seconds)
        await store.put(key, wanted)
        found = await store.read(key)
        expect(
            found == wanted,
            f"verified at {wanted.verified_at}",
            f"{told(found)}, verified at {found and found.verified_at}",
        )


@check(
    "SNAP-058",
    KEEPS,
    others="delete by the stamp's revision, which needn't be the key's, in the transaction of the "
    "put",
)
async def superseded_of_another_revision_goes(harness: SnapshotHarness) -> None:
    """A record of another revision goes with its stamp in `supersedes`, and no other does."""
    store, key = await harness.open(), harness.key()
    false, own = key._replace(revision=_OTHER_REVISION), harness.record(key, 5)
    record = harness.record(false, 9)
    await store.put(false, record)
    await store.put(key, own, [another(record).stamp])
    found = await harness.read(store, false)
    expect(found == record, f"{told(record)}, another is superseded", told(found))
    await store.put(key, own, [record.stamp])
    for place, wanted in ((false, None), (key, own)):
        found = await harness.read(store, place)
        expect(found == wanted, f"{told(wanted)} of {place.revision}", told(found))
