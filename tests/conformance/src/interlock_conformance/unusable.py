"""Bytes that somebody or something changed, or made: where the test class can change them, all."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, cast

from interlock.backends import (
    AggregateRecord,
    BackendKind,
    CacheStore,
    Forgetful,
    RecordKey,
    RecordUnusableError,
    SnapshotStore,
)
from interlock_conformance.checks import IF, KEEPS, both, check, expect, unless_raised
from interlock_conformance.forging import FORGERIES, forged
from interlock_conformance.harness import CacheHarness, Harness
from interlock_conformance.outages import calls
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
_BESIDE = 20
"""Keys with records that nobody touched."""
_ORDER = ("read", "remove", "put")


class _Spoiled(NamedTuple):
    """A key under which something stands that can't be read, in the place of a record."""

    what: str
    key: RecordKey
    record: AggregateRecord


async def _forgeries(harness: CacheHarness, store: CacheStore) -> AsyncIterator[_Spoiled]:
    """Forged records, put as any other; those that the store refuses are left out."""
    for what, forgery in FORGERIES.items():
        key = harness.key()
        record = harness.record(key, 9)
        with suppress(RecordUnusableError):
            await store.put(key, forged(record, forgery))
            yield _Spoiled(what, key, record)


async def _spoiled(harness: CacheHarness, store: CacheStore) -> AsyncIterator[_Spoiled]:
    """Whatever stands in a record's place and is none."""
    async for spoiled in _forgeries(harness, store):
        found = await harness.read(store, spoiled.key)
        if not isinstance(found, AggregateRecord):  # else it keeps more than bytes
            yield spoiled
    if harness.subject.tamper is None:
        return
    other = harness.key()
    await store.put(other, harness.record(other, 9))
    blobs: list[bytes] = []
    await harness.tamper(store, other, lambda blob: blobs.append(blob) or blob)  # type: ignore[func-returns-value] # to see it
    for what, change in {**DAMAGES, "the bytes of another key": lambda _: blobs[0]}.items():
        key = harness.key()
        record = harness.record(key, 9)
        await store.put(key, record)
        await harness.tamper(store, key, change)
        yield _Spoiled(what, key, record)


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


@both(
    "034",
    KEEPS,
    others="treat an entry that can't be read as older than any record; where a head stands before "
    "it, by which entries are compared, read what is behind it before a put gives way to it",
)
async def unusable_record_is_replaced(harness: CacheHarness) -> None:
    """A put over an unusable record is read, in a cache also if its version is lower."""
    store, is_cache = await harness.open(), harness.subject.kind is BackendKind.CACHE
    async for what, key, record in _spoiled(harness, store):
        put = harness.record(key, 5) if is_cache else record
        await store.put(key, put)
        found = await harness.read(store, key)
        expect(found == put, f"{told(put)} after a put over {what}", told(found))


@both("035", KEEPS, others="catch `RecordUnusableError` for each record, not for all")
async def unusable_one_is_left_out(harness: CacheHarness) -> None:
    """`read_many` leaves an unusable record out and gives the others."""
    store = await harness.open()
    records = {key: harness.record(key, 5) for key in (harness.key() for _ in range(3))}
    for key, record in records.items():
        await store.put(key, record)
    async for what, key, _ in _spoiled(harness, store):
        with unless_raised(f"three of four records, the fourth is {what}"):
            found = dict(await store.read_many([*list(records)[:2], key, *list(records)[2:]]))
        expect(found == records, f"three of four records, the fourth is {what}", f"{found}")


@both("062", KEEPS, others=f"{_CHECKSUM}; it checks the types of all fields, too")
async def forged_record_is_unusable(harness: CacheHarness) -> None:
    """A record with a right checksum and fields that we never write is unusable or gone."""
    store = await harness.open()
    async for what, key, record in _forgeries(harness, store):
        with unless_raised(f"`RecordUnusableError`, None, or what was put, for {what}"):
            found = await harness.read(store, key)
        expect(
            not isinstance(found, AggregateRecord) or found == record,
            f"`RecordUnusableError`, None, or what was put, for {what}",
            told(found),
        )


@both(
    "063",
    KEEPS,
    others="decode outside of what counts a server's failures: a record says nothing about the "
    "server that keeps it",
)
async def unusable_record_costs_its_own_key(harness: CacheHarness) -> None:
    """Beside an unusable record 20 others are read, whatever is called for its key."""
    store = await harness.open()
    records = {key: harness.record(key, 5) for key in (harness.key() for _ in range(_BESIDE))}
    for key, record in records.items():
        await store.put(key, record)
    async for what, bad, record in _spoiled(harness, store):
        made = calls(store, bad, record)
        for name in sorted(made, key=_ORDER.index):
            with unless_raised(f"{_BESIDE} others beside {what}"):
                with suppress(RecordUnusableError):
                    await made[name]()
                found = dict(await store.read_many([*records, bad]))
            found.pop(bad, None)
            expect(found == records, f"{_BESIDE} others beside {what}", f"{len(found)}")
    for key, record in records.items():
        alone = await harness.read(store, key)
        expect(alone == record, told(record), told(alone))


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


@check("CACHE-054", KEEPS, others="delete the key without a stamp, and without reading it before")
async def unusable_record_is_removed(harness: CacheHarness) -> None:
    """After a removal without a stamp an unusable entry isn't there any more."""
    store = await harness.open()
    async for what, key, _ in _spoiled(harness, store):
        with unless_raised(f"None after a removal of {what}"):
            await store.remove(key)
            found = await store.read(key)
        expect(found is None, f"None after a removal of {what}", told(found))


@check("SNAP-122", IF("forget"), others="delete by namespace, type and id, and decode nothing")
async def unusable_record_is_forgotten(harness: CacheHarness) -> None:
    """After `forget` an unusable record isn't there any more."""
    store = await harness.open()
    async for what, key, _ in _spoiled(harness, store):
        with unless_raised(f"None after `forget` of {what}"):
            await cast("Forgetful", store).forget(key)
            found = await store.read(key)
        expect(found is None, f"None after `forget` of {what}", told(found))
