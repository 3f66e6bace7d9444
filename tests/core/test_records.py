"""Keys, the envelope, and the codecs."""

import hashlib
import struct
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import to_json

from interlock._storage.records import (
    MAX_VERSION,
    AggregateRecord,
    RecordKey,
    Scope,
    StoredEvent,
    from_micros,
    to_micros,
)
from interlock.errors import RecordTooLargeError, RecordUnusableError
from rig import unharmed
from thorough import UNHURRIED

MOMENT = datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
RECORD = AggregateRecord(
    namespace="bank",
    epoch=3,
    aggregate_type="Account",
    aggregate_id=UUID(int=1),
    revision="r1",
    version=7,
    last_event_id=UUID(int=2),
    last_event_at=MOMENT,
    anchor_at=MOMENT - timedelta(days=1),
    verified_at=MOMENT + timedelta(seconds=1),
    taken_at=MOMENT + timedelta(seconds=2),
    codec="json",
    payload=b'{"balance":1}',
    details=b'{"unset":[[["owner"],[[]]]]}',
)
KEY = RECORD.key

WRITTEN = (
    b"ILRC\x02\x00\x00\x00\x00\xac\x00\x00\x00\x1c\x00\x00\x00\r"
    b'["bank",3,"Account","00000000000000000000000000000001","r1",7,'
    b'"00000000000000000000000000000002",1893553445000678,1893467045000678,1893553446000678,1893553447000678,"json"]'
    b'{"unset":[[["owner"],[[]]]]}{"balance":1}'
    b"4\xeexnp\xa3\x94@\xactEj\x13\x0c\xa7\x19"
)
"""`RECORD` in format 2, as stores have it: archived streams hang on it."""

parts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80)
keys = st.builds(
    RecordKey,
    namespace=parts,
    epoch=st.integers(0, 3),
    aggregate_type=parts,
    aggregate_id=st.uuids(),
    revision=parts,
)


@UNHURRIED
@given(keys, keys)
def test_key_texts_are_equal_for_equal_keys_only(one: RecordKey, other: RecordKey) -> None:
    assert (one.text() == other.text()) == (one == other)


@UNHURRIED
@given(keys)
def test_key_texts_are_short_printable_ascii(key: RecordKey) -> None:
    for bound in (100, 250):
        text = key.text(max_length=bound)
        assert len(text) <= bound
        assert text.isascii()
        assert all(33 <= ord(letter) <= 126 for letter in text)


@pytest.mark.parametrize(
    ("one", "other"), [(("a:0:b", "c"), ("a", "b:0:c")), (("a%3A", "c"), ("a:", "c"))]
)
def test_a_separator_in_a_part_joins_no_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    texts = {RecordKey(n, 0, t, UUID(int=1), "r").text() for n, t in (one, other)}
    assert len(texts) == 2


def test_a_key_names_all_that_tells_records_apart() -> None:
    scope = Scope("bank", 1, "Account", "r1")
    key = scope.key(UUID(int=1))
    others = [
        key._replace(namespace="shop"),
        key._replace(epoch=2),
        key._replace(aggregate_type="Other"),
        key._replace(aggregate_id=UUID(int=2)),
        key._replace(revision="r2"),
    ]
    assert len({other.text() for other in [key, *others]}) == 6


def test_a_record_comes_back_from_its_bytes() -> None:
    assert AggregateRecord.from_bytes(RECORD.to_bytes(), key=KEY) == RECORD
    empty = RECORD._replace(payload=b"", revision="\x00", aggregate_type="Ä")
    assert AggregateRecord.from_bytes(empty.to_bytes(), key=empty.key) == empty


def test_what_earlier_versions_wrote_is_read_and_written_alike() -> None:
    assert AggregateRecord.from_bytes(WRITTEN, key=KEY) == RECORD
    assert RECORD.to_bytes() == WRITTEN
    assert RECORD.checksum() == WRITTEN[-16:]


def test_a_flipped_bit_anywhere_is_found() -> None:
    blob = RECORD.to_bytes()
    for position in range(len(blob)):
        broken = bytearray(blob)
        broken[position] ^= 1
        with unharmed(f"byte {position} was read as it is"), pytest.raises(RecordUnusableError):
            AggregateRecord.from_bytes(bytes(broken), key=KEY)


def test_a_truncated_record_is_found() -> None:
    blob = RECORD.to_bytes()
    for length in range(len(blob)):
        with pytest.raises(RecordUnusableError):
            AggregateRecord.from_bytes(blob[:length], key=KEY)
    with pytest.raises(RecordUnusableError, match="has a tail"):
        AggregateRecord.from_bytes(blob + b"x", key=KEY)


def test_foreign_and_future_records_are_told_apart() -> None:
    with pytest.raises(RecordUnusableError, match="not one of our records"):
        AggregateRecord.from_bytes(b"\x80\x04" + b"a pickle of somebody else's" * 3, key=KEY)
    future = bytearray(RECORD.to_bytes())
    future[4] = 3
    with pytest.raises(RecordUnusableError, match="format 3, this code reads format 2"):
        AggregateRecord.from_bytes(bytes(future), key=KEY)


def signed(head: bytes, rest: bytes) -> bytes:
    """A blob as somebody makes it who knows how checksums are made."""
    return head + rest + hashlib.blake2b(head + rest, digest_size=16).digest()


def forged(fields: bytes, *, seal: int = 0, details: bytes = b"", payload: bytes = b"") -> bytes:
    sizes = seal, len(fields), len(details), len(payload)
    head = struct.pack(">4sBBIII", b"ILRC", 2, *sizes)
    return signed(head, fields + details + payload + bytes(seal))


FIELDS = [
    *("bank", 3, "Account", UUID(int=1).hex, "r1", 7, UUID(int=2).hex),
    *(4, 3, 5, 6, "json"),
]
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=3,
)


def test_a_forged_record_of_the_same_fields_is_read() -> None:
    found = AggregateRecord.from_bytes(forged(to_json(FIELDS), payload=b"{}"), key=KEY)
    assert found.to_bytes() == forged(to_json(FIELDS), payload=b"{}")


@UNHURRIED
@given(st.integers(0, len(FIELDS) - 1), json)
@example(5, "7")
@example(5, None)
@example(5, [1])
@example(5, True)
@example(5, 7.0)
@example(5, 0)
@example(5, 2**63 - 1)
@example(1, True)
@example(1, -1)
@example(0, None)
@example(2, ["Account"])
@example(4, 1)
@example(7, 1e300)
@example(7, 10**30)
@example(7, True)
@example(11, None)
def test_a_field_of_another_value_is_unusable_or_another_record(index: int, value: object) -> None:
    fields = to_json([*FIELDS[:index], value, *FIELDS[index + 1 :]])
    try:
        found = AggregateRecord.from_bytes(forged(fields), key=KEY)
    except RecordUnusableError:
        return
    assert index in (5, 6, 7, 8, 9, 10, 11), "it is of another key"
    assert type(found.version) is int
    assert 1 <= found.version <= MAX_VERSION
    assert found.to_bytes() == forged(fields)


@pytest.mark.parametrize(
    "fields",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b"[" * 100_000,
        to_json(FIELDS[:-1]),
        to_json([*FIELDS, ""]),
        to_json(FIELDS).replace(b",", b", "),
        to_json(FIELDS).replace(b'"bank"', b'"\\u0062ank"'),
        to_json(FIELDS).replace(b"00001", b"0000A"),
        to_json(FIELDS).replace(b",7,", b",7e0,"),
        to_json(FIELDS).replace(b'"r1"', b'"\xff"'),
        to_json(["x" * 70_000, *FIELDS[1:]]),
    ],
    ids=range(13),
)
def test_fields_in_another_form_are_unusable(fields: bytes) -> None:
    with pytest.raises(RecordUnusableError):
        AggregateRecord.from_bytes(forged(fields), key=KEY)


def test_a_sealed_record_waits_for_code_that_reads_seals() -> None:
    with pytest.raises(RecordUnusableError, match="sealed"):
        AggregateRecord.from_bytes(forged(to_json(FIELDS), seal=32), key=KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "shop"},
        {"epoch": 4},
        {"aggregate_type": "Order"},
        {"aggregate_id": UUID(int=9)},
        {"revision": "r2"},
    ],
    ids=str,
)
def test_the_record_of_another_key_is_unusable(change: dict[str, Any]) -> None:
    with pytest.raises(RecordUnusableError, match="wanted one of") as caught:
        AggregateRecord.from_bytes(RECORD.to_bytes(), key=KEY._replace(**change))
    assert caught.value.version == RECORD.version


@pytest.mark.parametrize(
    "change",
    [{"version": 0}, {"version": MAX_VERSION + 1}, {"version": "7"}, {"epoch": -1}, {"codec": 1}],
    ids=str,
)
def test_what_no_record_holds_is_not_written(change: dict[str, Any]) -> None:
    with pytest.raises(RecordUnusableError, match="version from 1"):
        RECORD._replace(**change).to_bytes()


def test_names_that_no_record_has_room_for_are_too_large() -> None:
    with pytest.raises(RecordTooLargeError, match="70"):
        RECORD._replace(namespace="x" * 70_000).to_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "shop"},
        {"epoch": 4},
        {"details": b""},
        {"version": 8},
        {"last_event_id": UUID(int=3)},
        {"verified_at": MOMENT},
        {"payload": b"{}"},
        {"codec": "json+zlib"},
    ],
)
def test_the_checksum_covers_every_field(change: dict[str, Any]) -> None:
    assert RECORD._replace(**change).checksum() != RECORD.checksum()


def test_the_stamp_is_what_identifies_the_state() -> None:
    assert RECORD._replace(taken_at=MOMENT, payload=b"").stamp == RECORD.stamp
    assert RECORD._replace(last_event_id=UUID(int=9)).stamp != RECORD.stamp


@UNHURRIED
@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 hypothesis adds the zone
def test_microseconds_are_exact(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


def test_a_stored_event_as_a_row() -> None:
    event = StoredEvent("T", UUID(int=1), 3, UUID(int=2), "E", 4, MOMENT, b"m", b"p")
    assert event.row() == (3, UUID(int=2).bytes, "E", 4, to_micros(MOMENT), b"m", b"p")
