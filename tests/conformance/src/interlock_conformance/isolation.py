"""Isolation: a record of one key is never read under another."""

from collections.abc import Iterable, Sequence

from interlock.backends import RecordKey
from interlock_conformance.checks import KEEPS, both, check, expect
from interlock_conformance.harness import CacheHarness
from interlock_conformance.records import DIARY, NOTEBOOK, told

_WHOLE_KEY = "build the key of all its parts, by `RecordKey.text()`, or have a column for each"


async def apart(harness: CacheHarness, keys: Sequence[RecordKey], what: str) -> None:
    """Put a record under each key and expect each under its own key."""
    store = await harness.open()
    # Each is older than the one before: a store that mixes them up keeps the first.
    records = [harness.record(key, 90 - n) for n, key in enumerate(keys)]
    for key, record in zip(keys, records, strict=True):
        await store.put(key, record)
    for key, record in zip(keys, records, strict=True):
        found = await harness.read(store, key)
        expect(
            harness.is_same(found, record),
            f"{told(record)} under its own {what}",
            f"{told(found)} in its place",
        )


@both(
    "013",
    KEEPS,
    plain=("CACHE", "SNAP"),
    others=f"{_WHOLE_KEY}; a plain class puts `type(aggregate).__name__` into the key, and takes "
    "`aggregate_type` in its constructor to know it when it reads",
)
async def types_are_apart(harness: CacheHarness) -> None:
    """Two aggregates of different types with one id don't meet."""
    key = harness.key(aggregate_type=NOTEBOOK)
    await apart(harness, [key, key._replace(aggregate_type=DIARY)], "type")


@both("014", KEEPS, plain=("CACHE", "SNAP"), others=_WHOLE_KEY)
async def ids_are_apart(harness: CacheHarness) -> None:
    """Two aggregates of one type don't meet."""
    await apart(harness, [harness.key(), harness.key()], "id")


@both("015", KEEPS, others=_WHOLE_KEY)
async def namespaces_are_apart(harness: CacheHarness) -> None:
    """Two namespaces don't meet: one tenant never reads another's state."""
    key = harness.key()
    await apart(harness, [key, key._replace(namespace=f"{key.namespace}2")], "namespace")


@both("016", KEEPS, others=_WHOLE_KEY)
async def revisions_are_apart(harness: CacheHarness) -> None:
    """Two revisions of the code, side by side during a deploy, don't meet."""
    key = harness.key()
    await apart(harness, [key, key._replace(revision="conformance-2")], "revision")


@check("CACHE-040", KEEPS, others=_WHOLE_KEY)
async def epochs_are_apart(harness: CacheHarness) -> None:
    """Two epochs don't meet: raising it leaves the old entries behind."""
    key = harness.key()
    await apart(harness, [key, key._replace(epoch=1)], "epoch")


@both(
    "017",
    KEEPS,
    others="quote what separates the parts, as `RecordKey.text()` does; compare bytes, with a "
    "binary collation",
)
async def alike_keys_are_apart(harness: CacheHarness) -> None:
    """Keys that differ in case, in spaces, in a separator's place or at a far end don't meet."""
    await apart(harness, list(alike(harness)), "key")


def alike(harness: CacheHarness) -> Iterable[RecordKey]:
    """Keys that differ where a store may not look."""
    key = harness.key()
    pairs = [("x:y", "z"), ("x", "y:z"), ("x/y", "z"), ("x", "y/z"), ("x%3Ay", "z")]
    pairs += [("é", ""), ("e\u0301", ""), ("a", ""), ("A", ""), ("a ", ""), (" a", "")]
    pairs += [("n" * 300 + end, "r") for end in "12"]
    for namespace, revision in pairs:
        yield key._replace(namespace=f"{key.namespace}{namespace}", revision=f"r{revision}")
