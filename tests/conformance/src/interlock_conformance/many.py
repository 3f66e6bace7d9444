"""The checks of `read`, made of `read_many`: another statement, with bugs of its own."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from random import Random

from interlock.backends import AggregateRecord, BackendKind, CacheStore, RecordKey
from interlock.errors import RecordTooLargeError
from interlock_conformance.checks import IF, KEEPS, both, check, expect, unless_raised
from interlock_conformance.harness import CacheHarness, SnapshotHarness
from interlock_conformance.hostile import MEBIBYTE
from interlock_conformance.isolation import alike
from interlock_conformance.records import DIARY, told
from interlock_conformance.snapshots import put_versions

_MANY = 600
"""More than a page of whatever server, and than a bound of 500 parameters."""


@both(
    "065",
    KEEPS,
    others="ask for the same name or the same columns as `read` does, all of them, and let "
    "`AggregateRecord.from_bytes` compare the record with the key",
)
async def many_are_apart(harness: CacheHarness) -> None:
    """`read_many` gives no record of another type, id, namespace, revision, epoch, or key alike."""
    store, records = await harness.open(), dict[RecordKey, AggregateRecord]()

    async def expect_own(key: RecordKey) -> None:
        own = {key: records[key]} if key in records else {}
        found = dict(await store.read_many([key]))
        expect(found == own, f"{_told(own)} of {key}", _told(found))

    for place, key in enumerate(_neighbours(harness)):
        await expect_own(key)
        records[key] = harness.record(key, 90 - place)
        await store.put(key, records[key])
        await expect_own(key)
    for key in records:
        await expect_own(key)


@both(
    "066",
    KEEPS,
    others="ask by pages and add each page to what was found; bind no more keys at once than the "
    "server takes",
)
async def all_of_many_are_read(harness: CacheHarness) -> None:
    """`read_many` of 600 keys gives all 600 records."""
    size = {"size": 2 * _MANY} if "size" in harness.capabilities else {}
    store = await harness.open(**size)
    records = await _put_each(harness, store, [harness.key() for _ in range(_MANY)])
    with unless_raised(f"{_MANY} records"):
        found = dict(await store.read_many(list(records)))
    right = sum(found.get(key) == record for key, record in records.items())
    expect(found == records, f"{_MANY} records", f"{len(found)}, {right} of them as they were put")


@both(
    "067",
    KEEPS,
    others="make a mapping of the keys first, and ask nobody if it is empty",
)
async def keys_may_be_none_or_twice(harness: CacheHarness) -> None:
    """`read_many` takes no keys at all, and one key several times."""
    store, key, missing = await harness.open(), harness.key(), harness.key()
    record = harness.record(key, 5)
    await store.put(key, record)
    wanted: tuple[tuple[Sequence[RecordKey], dict[RecordKey, AggregateRecord]], ...] = (
        ((), {}),
        ((key, missing, key, missing, key), {key: record}),
        ((missing, missing), {}),
    )
    for keys, records in wanted:
        with unless_raised(f"{len(records)} records of {len(keys)} keys"):
            found = dict(await store.read_many(keys))
        expect(found == records, f"{len(records)} records of {len(keys)} keys", _told(found))


@both(
    "068",
    KEEPS,
    others="bound neither a record nor the reply; a cache that refused a record leaves it out",
)
async def many_may_be_large(harness: CacheHarness) -> None:
    """`read_many` gives an empty payload and three of 1 MiB, but what a cache found too large."""
    store, random = await harness.open(), Random(1)  # noqa: S311 the same bytes in each run
    is_cache, records = harness.subject.kind is BackendKind.CACHE, {}
    keys = [harness.key() for _ in range(4)]
    for key, size in zip(keys, (0, MEBIBYTE, MEBIBYTE, MEBIBYTE), strict=True):
        record = harness.record(key, 5, payload=random.randbytes(size))
        with suppress(*([RecordTooLargeError] if is_cache else [])):
            await store.put(key, record)
            records[key] = record
    with unless_raised(f"{len(records)} records"):
        found = dict(await store.read_many(keys))
    expect(found == records, f"{len(records)} records of 0 or 1 MiB", _told(found))


@check(
    "CACHE-049",
    IF("ttl"),
    others="the condition of `read` on the time an entry ends, in this statement too",
)
async def many_end_with_their_time(harness: CacheHarness) -> None:
    """`read_many` gives no entry after its time to live, and gives it before."""
    has_clock = harness.subject.advance is not None
    store = await harness.open(ttl="1h" if has_clock else "1s")
    records = await _put_each(harness, store, [harness.key() for _ in range(2)])
    if has_clock:
        await harness.pass_time(store, seconds=3_500)
        found = dict(await store.read_many(list(records)))
        expect(found == records, "both after 3,500 s of an hour", _told(found))
    await harness.pass_time(store, seconds=101 if has_clock else 2.1)
    found = dict(await store.read_many(list(records)))
    expect(not found, "none", _told(found))


@check(
    "SNAP-056",
    IF("keep"),
    others="order by version and take the first of each key, or select the greatest version by key",
)
async def many_are_the_newest(harness: SnapshotHarness) -> None:
    """`read_many` gives the newest of several kept records, in whatever order they were put."""
    store, newest = await harness.open(keep=3), dict[RecordKey, AggregateRecord]()
    for versions in ((9, 10, 100), (100, 10, 9), (10, 100, 9)):
        key = harness.key()
        records = await put_versions(harness, store, key, *versions)
        newest[key] = max(records, key=lambda record: record.version)
    found = dict(await store.read_many(list(newest)))
    expect(found == newest, "version 100 of each", _told(found))


async def _put_each(
    harness: CacheHarness, store: CacheStore, keys: Sequence[RecordKey]
) -> dict[RecordKey, AggregateRecord]:
    records = {key: harness.record(key, 5) for key in keys}
    for key, record in records.items():
        await store.put(key, record)
    return records


def _neighbours(harness: CacheHarness) -> Iterator[RecordKey]:
    key = harness.key()
    yield key
    yield harness.key()
    yield key._replace(aggregate_type=DIARY)
    yield key._replace(namespace=f"{key.namespace}2")
    yield key._replace(revision="conformance-2")
    if harness.subject.kind is BackendKind.CACHE:  # snapshots have no epoch
        yield key._replace(epoch=1)
    yield from alike(harness)


def _told(found: dict[RecordKey, AggregateRecord]) -> str:
    return ", ".join(told(record) for record in found.values()) or "none"
