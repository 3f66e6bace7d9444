"""Checks of caches alone."""

from contextlib import suppress

from interlock.errors import RecordTooLargeError
from interlock_conformance.checks import IF, KEEPS, MUST, check, expect
from interlock_conformance.harness import CacheHarness
from interlock_conformance.hostile import MEBIBYTE
from interlock_conformance.records import told, verified


@check(
    "CACHE-041",
    KEEPS,
    others="replace where the version is equal too, if the stamp is equal and `verified_at` later",
)
async def verification_is_renewed(harness: CacheHarness) -> None:
    """A put of the same stamp with a later `verified_at` is what is read."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5)
    later = verified(record, seconds=60)
    await store.put(key, record)
    await store.put(key, later)
    found = await store.read(key)
    expect(
        found == later,
        f"verified at {later.verified_at}",
        f"{told(found)}, verified at {found and found.verified_at}",
    )


@check(
    "CACHE-042",
    KEEPS,
    others="compare `verified_at` where the stamp is equal, as `interlock.backends.newer` does",
)
async def verification_is_not_set_back(harness: CacheHarness) -> None:
    """A put of the same stamp with an earlier `verified_at` leaves the later one."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5)
    later = verified(record, seconds=60)
    await store.put(key, later)
    await store.put(key, record)
    found = await store.read(key)
    expect(
        found == later,
        f"verified at {later.verified_at}",
        f"{told(found)}, verified at {found and found.verified_at}",
    )


@check("CACHE-043", MUST, plain=True, others="delete the key, whatever stands there")
async def removed_without_stamp(harness: CacheHarness) -> None:
    """After a removal without a stamp nothing is read."""
    store, key = await harness.open(), harness.key()
    await store.put(key, harness.record(key, 5))
    await store.remove(key)
    found = await harness.read(store, key)
    expect(found is None, "None", told(found))


@check(
    "CACHE-044",
    KEEPS,
    plain=True,
    others="raise `RecordTooLargeError` once the key is deleted; a server that refuses a value "
    "leaves the old one standing",
)
async def oversized_put_leaves_nothing_older(harness: CacheHarness) -> None:
    """After a put of 8 MiB it is read or nothing is, and never what stood there before."""
    store, key = await harness.open(), harness.key()
    await store.put(key, harness.record(key, 3))
    big = harness.record(key, 4, text="x" * 8 * MEBIBYTE)
    with suppress(RecordTooLargeError):
        await store.put(key, big)
    found = await harness.read(store, key)
    expect(found is None or harness.is_same(found, big), f"{told(big)}, or no record", told(found))


@check("CACHE-045", IF("size"), others="drop the least recently used entry when one is added")
async def size_is_a_bound(harness: CacheHarness) -> None:
    """No more than `size` records are kept."""
    store = await harness.open(size=3)
    keys = [harness.key() for _ in range(9)]
    for key in keys:
        await store.put(key, harness.record(key, 5))
    count = len(await store.read_many(keys))
    expect(count <= 3, "at most 3 records", f"{count} records")


@check("CACHE-046", IF("size"), others="as CACHE-045: the one that was just put is the youngest")
async def newest_entry_stays(harness: CacheHarness) -> None:
    """A full cache keeps what was put last."""
    store = await harness.open(size=3)
    keys = [harness.key() for _ in range(9)]
    for key in keys:
        await store.put(key, harness.record(key, 5))
    found = await store.read(keys[-1])
    expect(found is not None, "the record that was put last", told(found))


@check("CACHE-047", IF("ttl"), others="give the store the time to live with each write")
async def entry_lives_for_its_time(harness: CacheHarness) -> None:
    """With an hour to live an entry is there after ten minutes, or at once without a clock."""
    store, key = await harness.open(ttl="1h"), harness.key()
    record = harness.record(key, 5)
    await store.put(key, record)
    if harness.subject.advance is not None:
        await harness.subject.advance(store, 600)
    found = await harness.read(store, key)
    expect(found == record, told(record), told(found))


@check(
    "CACHE-048",
    IF("ttl"),
    others="as CACHE-047; never read an entry's age from its own times, which are of the events",
)
async def entry_ends_with_its_time(harness: CacheHarness) -> None:
    """An entry isn't read after its time to live, be it a second and a real wait."""
    has_clock = harness.subject.advance is not None
    store, key = await harness.open(ttl="1h" if has_clock else "1s"), harness.key()
    await store.put(key, harness.record(key, 5))
    await harness.pass_time(store, seconds=3_601 if has_clock else 2.1)
    found = await harness.read(store, key)
    expect(found is None, "None", told(found))


@check(
    "CACHE-051",
    IF("ttl", "advance"),
    others="write the end of an entry with the entry; no read touches it",
)
async def reads_renew_no_time(harness: CacheHarness) -> None:
    """An entry ends an hour after its put, however often it is read meanwhile."""
    store, key = await harness.open(ttl="1h"), harness.key()
    record = harness.record(key, 5)
    await store.put(key, record)
    for _ in range(2):
        await harness.pass_time(store, seconds=1_700)
        found = await harness.read(store, key)
        expect(found == record, told(record), told(found))
        await store.read_many([key])
    await harness.pass_time(store, seconds=300)
    found = await harness.read(store, key)
    expect(found is None, "None, 3,700 s after the put", told(found))


@check("CACHE-052", IF("ttl", "advance"), others="a put writes record and end, both anew")
async def time_counts_from_the_last_put(harness: CacheHarness) -> None:
    """An entry's time counts from the put of its record, not from an earlier one under the key."""
    store, key = await harness.open(ttl="1h"), harness.key()
    record = harness.record(key, 6)
    await store.put(key, harness.record(key, 5))
    await harness.pass_time(store, seconds=2_000)
    await store.put(key, record)
    await harness.pass_time(store, seconds=2_000)
    found = await harness.read(store, key)
    expect(found == record, f"{told(record)}, put 2,000 s before", told(found))
    await harness.pass_time(store, seconds=1_700)
    found = await harness.read(store, key)
    expect(found is None, "None, 3,700 s after the put", told(found))


@check(
    "CACHE-076",
    IF("ttl", "advance"),
    others="keep the end to the fraction of a second, or round it down: an entry may end early",
)
async def entry_ends_no_second_later(harness: CacheHarness) -> None:
    """An entry isn't read any more within the second in which its time to live is over."""
    store = await harness.open(ttl="1h")
    for seconds in (3_600.05, 3_600.5):
        key = harness.key()
        await harness.pass_time(store, seconds=0)  # a clock that can stand stands from here on
        await store.put(key, harness.record(key, 5))
        await harness.pass_time(store, seconds=seconds)
        found = await harness.read(store, key)
        expect(found is None, f"None, {seconds:g} s after the put", told(found))


@check(
    "CACHE-053",
    IF("ttl"),
    others="compare a put with what a read would give, which isn't what has ended",
)
async def ended_entry_blocks_nothing(harness: CacheHarness) -> None:
    """After a newer entry has ended, an older one is put and read."""
    has_clock = harness.subject.advance is not None
    store, key = await harness.open(ttl="1h" if has_clock else "1s"), harness.key()
    await store.put(key, harness.record(key, 9))
    await harness.pass_time(store, seconds=3_601 if has_clock else 2.1)
    record = harness.record(key, 5)
    await store.put(key, record)
    found = await harness.read(store, key)
    expect(found == record, told(record), told(found))


@check(
    "CACHE-058",
    IF("ttl", "advance"),
    others="write record and end together, and neither where the entry stays",
)
async def refused_put_renews_no_time(harness: CacheHarness) -> None:
    """A put that leaves the entry as it is leaves its time to live as well."""
    store = await harness.open(ttl="1h")
    entries = {}
    for _ in range(2):
        key = harness.key()
        entries[key] = verified(harness.record(key, 9), seconds=60)
        await store.put(key, entries[key])
    await harness.pass_time(store, seconds=2_000)
    older, same = entries
    await store.put(older, harness.record(older, 5))
    await store.put(same, verified(entries[same], seconds=-60))
    await harness.pass_time(store, seconds=1_500)
    for key, record in entries.items():
        found = await harness.read(store, key)
        expect(found == record, f"{told(record)}, 3,500 s after its put", told(found))
    await harness.pass_time(store, seconds=200)
    for key in entries:
        found = await harness.read(store, key)
        expect(found is None, "None, 3,700 s after the put that counted", told(found))
