"""Durability: records and events survive closing, and a killed process."""

from interlock_conformance.checks import IF, UNLESS, both, expect, unless_raised
from interlock_conformance.harness import CacheHarness
from interlock_conformance.records import told


@both(
    "029",
    IF("durable"),
    plain=("CACHE", "SNAP"),
    others="write before the put returns; close flushes nothing new",
)
async def record_outlives_closing(harness: CacheHarness) -> None:
    """A record that was put is read after closing and opening again."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5)
    await store.put(key, record)
    store = await harness.reopen(store)
    found = await harness.read(store, key)
    expect(harness.is_same(found, record), told(record), told(found))


@both(
    "030",
    UNLESS("durable", "null"),
    others="open from nothing; if records do outlive closing, say that it is durable",
)
async def new_instance_starts_clean(harness: CacheHarness) -> None:
    """A backend that isn't durable has, opened again, the record or nothing, and keeps the next."""
    store, key = await harness.open(), harness.key()
    record, newer = harness.record(key, 5), harness.record(key, 6)
    with unless_raised("the record or nothing, and then the next"):
        await store.put(key, record)
        store = await harness.reopen(store)
        found = await store.read(key)
        await store.put(key, newer)
        after = await store.read(key)
    expect(found in (None, record), f"None or {told(record)}", told(found))
    expect(after == newer, told(newer), told(after))


@both(
    "031",
    IF("durable", "shared"),
    others="return from a put after the commit, and let the server or a log on disk have it",
)
async def record_outlives_a_kill(harness: CacheHarness) -> None:
    """A put of another process is read after that process was killed."""
    key = harness.key()
    record = harness.record(key, 5)
    async with harness.process() as other:
        await other.call("put", key, record)
        await other.kill()
    store = await harness.open()
    found = await harness.read(store, key)
    expect(found == record, told(record), told(found))
