"""Bytes that somebody or something changed; only where the test class can change them."""

from collections.abc import Callable, Mapping

from interlock.backends import AggregateRecord, RecordUnusableError, SnapshotStore
from interlock_conformance.checks import IF, both, check, expect
from interlock_conformance.harness import CacheHarness, Harness
from interlock_conformance.records import told

_CHECKSUM = (
    "`AggregateRecord.from_bytes` checks all of it; with columns keep `record.checksum()` in one, "
    "and compare"
)
DAMAGES: Mapping[str, Callable[[bytes], bytes]] = {
    "a flipped bit at the end": lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]),
    "a flipped bit in the middle": lambda blob: (
        blob[: len(blob) // 2] + bytes([blob[len(blob) // 2] ^ 1]) + blob[len(blob) // 2 + 1 :]
    ),
    "a cut": lambda blob: blob[: len(blob) // 2],
    "nothing left": lambda _: b"",
    "something behind it": lambda blob: blob + b" ",
    "a format of the future": lambda blob: blob[:4] + b"\xff" + blob[5:],
    "a pickle": lambda _: b"cbuiltins\nexit\n(I3\ntR.",
}


@both("032", IF("tamper"), others=_CHECKSUM)
async def changed_record_is_unusable(harness: CacheHarness) -> None:
    """A record whose bytes were changed is unusable or gone, never read as a record."""
    store = await harness.open()
    for damage, change in DAMAGES.items():
        key = harness.key()
        await store.put(key, harness.record(key, 5))
        await harness.tamper(store, key, change)
        try:
            found = await store.read(key)
        except RecordUnusableError:
            continue
        expect(found is None, f"`RecordUnusableError` or None for {damage}", told(found))


@both("033", IF("tamper"), others=f"{_CHECKSUM}; and compare its stamp with the key")
async def foreign_record_is_unusable(harness: CacheHarness) -> None:
    """A record that was moved from another key is unusable or gone, or keeps its own stamp."""
    store, key, other = await harness.open(), harness.key(), harness.key()
    await store.put(key, harness.record(key, 5))
    await store.put(other, harness.record(other, 6))
    blobs: list[bytes] = []
    await harness.tamper(store, other, lambda blob: blobs.append(blob) or blob)  # type: ignore[func-returns-value] # to see it
    await harness.tamper(store, key, lambda _: blobs[0])
    try:
        found = await store.read(key)
    except RecordUnusableError:
        return
    expect(
        found is None or found.aggregate_id == other.aggregate_id,
        "`RecordUnusableError`, None, or the other's record with the other's id",
        told(found),
    )


@both("034", IF("tamper"), others="treat an entry that can't be read as older than any record")
async def unusable_record_is_replaced(harness: CacheHarness) -> None:
    """A put of the same version over an unusable record is read."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5)
    await store.put(key, record)
    await harness.tamper(store, key, DAMAGES["a cut"])
    await store.put(key, record)
    found = await harness.read(store, key)
    expect(found == record, told(record), told(found))


@both("035", IF("tamper"), others="catch `RecordUnusableError` for each record, not for all")
async def unusable_one_is_left_out(harness: CacheHarness) -> None:
    """`read_many` leaves an unusable record out and gives the others."""
    store, keys = await harness.open(), [harness.key() for _ in range(3)]
    records = {key: harness.record(key, 5) for key in keys}
    for key, record in records.items():
        await store.put(key, record)
    await harness.tamper(store, keys[1], DAMAGES["a cut"])
    del records[keys[1]]
    found: object
    try:
        found = dict(await store.read_many(keys))
    except RecordUnusableError as error:
        found = error
    expect(found == records, "two of three records", f"{found}")


@check(
    "SNAP-055",
    IF("tamper"),
    others='raise RecordUnusableError("...", version=the column\'s version)',
)
async def unusable_tells_its_version(harness: Harness[SnapshotStore]) -> None:
    """For an unusable snapshot the error tells the version, so that the one below is asked for."""
    store, key = await harness.open(), harness.key()
    await store.put(key, harness.record(key, 5))
    await harness.tamper(store, key, DAMAGES["a cut"])
    found: AggregateRecord | Exception | None
    try:
        found = await store.read(key)
    except RecordUnusableError as error:
        found = error
    expect(
        isinstance(found, RecordUnusableError) and found.version == 5,
        "`RecordUnusableError` with version 5",
        f"{told(found)}, with version {getattr(found, 'version', None)}",
    )
