"""Keys and values that nobody expects and that come all the same."""

from random import Random

from interlock.backends import AggregateRecord, BackendKind
from interlock.errors import InterlockError, RecordTooLargeError, RecordUnusableError
from interlock_conformance.checks import KEEPS, MUST, CheckFailed, both, expect, unless_raised
from interlock_conformance.harness import CacheHarness
from interlock_conformance.records import told

MEBIBYTE = 2**20
PLANES = "".join(chr(plane * 0x10000 + 0x1234) for plane in range(17))
"""A character of every plane of Unicode."""


async def round_trip(
    harness: CacheHarness, *, text: str = "", payload: bytes | None = None
) -> None:
    """Put one record with this content and expect it back."""
    store, key = await harness.open(), harness.key()
    record = harness.record(key, 5, text=text, payload=payload)
    with unless_raised(told(record)):
        await store.put(key, record)
        found = await store.read(key)
    expect(harness.is_same(found, record), told(record), f"{told(found)}, not the same")


@both(
    "018",
    KEEPS,
    others="quote what the store's protocol gives a meaning to, bind values instead of pasting "
    "them, hash what is too long: `RecordKey.text()` does all three",
)
async def any_text_is_a_key(harness: CacheHarness) -> None:
    """Spaces, line ends, quotes, every plane of Unicode and 4,000 characters may stand in a key."""
    store = await harness.open()
    for hostile in (" a b ", "a\r\nset b 0 0 1\r\nx", "'; drop table x; --", PLANES, "n" * 4_000):
        key = harness.key(namespace=hostile)._replace(revision=f"r{hostile}")
        record = harness.record(key, 5)
        with unless_raised(f"the record under a key with {hostile[:40]!r}"):
            await store.put(key, record)
            found = await store.read(key)
        expect(found == record, f"the record under {hostile[:40]!r}", told(found))


@both(
    "019",
    MUST,
    others="quote NUL as `RecordKey.text()` does, or refuse it with a `ConfigurationError`",
)
async def nul_cuts_no_key(harness: CacheHarness) -> None:
    """Keys that differ only behind a NUL don't meet."""
    store, key = await harness.open(), harness.key(namespace="a\0b")
    found: AggregateRecord | Exception | None
    try:
        await store.put(key, harness.record(key, 5))
        found = await store.read(key._replace(namespace=key.namespace.replace("\0b", "\0c")))
    except RecordUnusableError as error:
        found = error
    except InterlockError:
        return
    expect(found is None, "None under a\\0c, the record stands under a\\0b", told(found))


@both("020", KEEPS, others="test what was found by `is None`, never by its truth")
async def empty_payload_is_kept(harness: CacheHarness) -> None:
    """An empty payload is a payload."""
    await round_trip(harness, payload=b"")


@both(
    "021",
    KEEPS,
    plain=("CACHE", "SNAP"),
    others="take a column or a value type without a bound; a cache on a server with a bound raises "
    "`RecordTooLargeError`, and its documentation says how to raise the bound",
)
async def mebibyte_is_kept(harness: CacheHarness) -> None:
    """A state of 1 MiB, which doesn't compress, is kept whole, or is too large for a cache."""
    random = Random(1)  # noqa: S311 the same bytes in each run
    try:
        if harness.subject.is_plain:
            await round_trip(harness, text=random.randbytes(MEBIBYTE // 2).hex())
        else:
            await round_trip(harness, payload=random.randbytes(MEBIBYTE))
    except CheckFailed as failure:
        is_refused = isinstance(failure.__cause__, RecordTooLargeError)
        if harness.subject.kind is not BackendKind.CACHE or not is_refused:
            raise


@both(
    "022",
    KEEPS,
    plain=("CACHE", "SNAP"),
    others="keep bytes as bytes, in a binary column; decode and strip nothing",
)
async def bytes_are_bytes(harness: CacheHarness) -> None:
    """NUL, line ends, every byte and every plane of Unicode come back as they were."""
    text = f" \0\r\n\t\\'\"{PLANES} "
    if harness.subject.is_plain:
        await round_trip(harness, text=text)
    else:
        await round_trip(harness, payload=text.encode() + bytes(range(256)) + b"\r\n \0")
