"""Checks of put, read and remove: a newer record wins, one that is proven false goes."""

from interlock_conformance.checks import IF, KEEPS, MUST, both, expect, unless_raised
from interlock_conformance.harness import CacheHarness
from interlock_conformance.records import another, told


@both(
    "001",
    MUST,
    plain=("CACHE", "SNAP"),
    others="look the whole key up and return None where nothing is found, tested by `is None`",
)
async def unknown_key_is_none(harness: CacheHarness) -> None:
    """A key that nothing was put under reads as None."""
    store = await harness.open()
    with unless_raised("None"):
        found = await store.read(harness.key())
    expect(found is None, "None", told(found))


@both(
    "002",
    KEEPS,
    plain=("CACHE", "SNAP"),
    others="store `record.to_bytes()`, or every field in a column of its own, times as whole "
    "microseconds",
)
async def put_record_is_read(harness: CacheHarness) -> None:
    """A record is read as it was put, every field of it."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5)
    await store.put(key, record)
    found = await harness.read(store, key)
    expect(harness.is_same(found, record), f"{record}", f"{found}")


@both(
    "003",
    KEEPS,
    plain=("CACHE", "SNAP"),
    others="replace what stands under the key, or keep rows by version and read the newest",
)
async def newer_is_read(harness: CacheHarness) -> None:
    """After a put of a newer version that one is read."""
    store, key = await harness.open(), harness.key()
    newer = harness.record(key, 7)
    await store.put(key, harness.record(key, 3))
    await store.put(key, newer)
    found = await harness.read(store, key)
    expect(harness.is_same(found, newer), told(newer), told(found))


@both(
    "004",
    KEEPS,
    plain=("SNAP",),
    others="compare the versions inside the store, in the same step as the write: a compare and "
    "set, a script, a condition in the statement; or keep rows by version and read the newest",
)
async def older_hides_no_newer(harness: CacheHarness) -> None:
    """After a put of an older version the newer one is still read."""
    store, key = await harness.open(), harness.key()
    newer = harness.record(key, 7)
    await store.put(key, newer)
    await store.put(key, harness.record(key, 3))
    found = await harness.read(store, key)
    expect(harness.is_same(found, newer), told(newer), told(found))


@both(
    "005",
    KEEPS,
    plain=("SNAP",),
    others="keep the version as an integer; where it must be text, pad it with zeros",
)
async def versions_are_numbers(harness: CacheHarness) -> None:
    """Versions are compared as numbers: 9, 10 and 100 are in this order."""
    store, key = await harness.open(), harness.key()
    for version in (9, 10, 100):
        await store.put(key, harness.record(key, version))
        found = await store.read(key)
        expect(
            found is not None and found.version == version,
            f"version {version} after puts up to it",
            told(found),
        )


@both(
    "006",
    KEEPS,
    plain=("CACHE", "SNAP"),
    others="replace where the version is greater or equal, not only greater",
)
async def other_branch_replaces(harness: CacheHarness) -> None:
    """A record of the same version with another last event replaces the one that stands."""
    store, key = await harness.open(), harness.key()
    first = harness.record(key, 5)
    second = another(first)
    await store.put(key, first)
    await store.put(key, second)
    found = await harness.read(store, key)
    expect(harness.is_same(found, second), told(second), told(found))


@both(
    "007",
    KEEPS,
    others="remove the records with exactly these stamps first, in the transaction of the put",
)
async def superseded_gives_way(harness: CacheHarness) -> None:
    """A newer record whose stamp is in `supersedes` gives way to an older one."""
    store, key = await harness.open(), harness.key()
    false, true = harness.record(key, 9), harness.record(key, 5)
    await store.put(key, false)
    await store.put(key, true, [false.stamp])
    found = await harness.read(store, key)
    expect(harness.is_same(found, true), told(true), told(found))


@both(
    "008",
    KEEPS,
    others="compare the whole stamp, the last event's id too, not only the version",
)
async def only_superseded_gives_way(harness: CacheHarness) -> None:
    """A newer record whose stamp isn't in `supersedes` stays, though one of its version is."""
    store, key = await harness.open(), harness.key()
    newer = harness.record(key, 9)
    await store.put(key, newer)
    await store.put(key, harness.record(key, 5), [another(newer).stamp])
    found = await harness.read(store, key)
    expect(harness.is_same(found, newer), told(newer), told(found))


@both("009", MUST, snapshots=IF("remove"), others="delete where the whole stamp is equal")
async def removed_is_gone(harness: CacheHarness) -> None:
    """After a removal by its stamp a record isn't read."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5)
    await store.put(key, record)
    await store.remove(key, record.stamp)
    found = await harness.read(store, key)
    expect(found is None, "None", told(found))


@both(
    "010",
    KEEPS,
    snapshots=IF("remove"),
    others="compare and delete in one step: a condition in the statement, a script, a `cas`",
)
async def removal_compares(harness: CacheHarness) -> None:
    """A removal by another stamp of the same version leaves the record."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5)
    await store.put(key, record)
    await store.remove(key, another(record).stamp)
    found = await harness.read(store, key)
    expect(harness.is_same(found, record), told(record), told(found))


@both(
    "011",
    MUST,
    snapshots=IF("remove"),
    plain=("CACHE",),
    others="a delete that finds nothing is a success",
)
async def removal_of_nothing(harness: CacheHarness) -> None:
    """A removal where nothing stands does nothing and raises nothing."""
    store, key = await harness.open(), harness.key()
    with unless_raised("no exception"):
        await store.remove(key, harness.record(key, 5).stamp)


@both(
    "012",
    KEEPS,
    others="one multi-get, its answers matched to the keys by key and not by position",
)
async def many_are_read(harness: CacheHarness) -> None:
    """`read_many` gives the records that stand under their own keys, and leaves the rest out."""
    store, keys = await harness.open(), [harness.key() for _ in range(5)]
    records = {key: harness.record(key, 5) for key in keys[::2]}
    for key, record in records.items():
        await store.put(key, record)
    found = dict(await store.read_many(keys))
    expect(
        found == records,
        f"records of {len(records)} of {len(keys)} keys",
        ", ".join(told(record) for record in found.values()) or "none",
    )
