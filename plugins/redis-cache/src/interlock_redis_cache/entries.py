"""Writes and reads entries: the server's scripts read the head, the backend the whole."""

import hashlib
import struct

from interlock.backends import AggregateRecord, RecordKey, RecordUnusableError, Stamp, to_micros

_MAGIC = b"ILR1"
_SUM_SIZE = 40
_HEAD = struct.Struct(">Q16sQ")  # version, digest of the stamp, verified_at
_PLACE = len(_MAGIC) + _SUM_SIZE
_START = _PLACE + _HEAD.size
_BEFORE_1970 = 2**63  # makes `verified_at` compare as unsigned


def stamp_digest(stamp: Stamp) -> bytes:
    """Hash a stamp to 16 bytes."""
    texts = [stamp.aggregate_type.encode(), stamp.revision.encode()]
    sized = b"".join(struct.pack(">Q", len(text)) + text for text in texts)
    ids = stamp.aggregate_id.bytes + stamp.last_event_id.bytes
    return hashlib.blake2b(b"%d " % stamp.version + ids + sized, digest_size=16).digest()


def checksum_of(entry: bytes) -> bytes:
    """Get the checksum that an entry has."""
    return entry[len(_MAGIC) : _PLACE]


def to_entry(record: AggregateRecord) -> bytes:
    """Write a record as an entry: magic, checksum, head, the record's own bytes.

    Raises as `AggregateRecord.to_bytes`.
    """
    whole = record.to_bytes()
    body = _head(record) + whole
    return _MAGIC + _sum(body) + body


def from_entry(entry: bytes, key: RecordKey) -> AggregateRecord:
    """Read the key's record from an entry.

    Raises `RecordUnusableError` for anything that `to_entry` didn't make of a record of this key.
    """
    if len(entry) < _START or not entry.startswith(_MAGIC):
        raise RecordUnusableError(
            f"not one of our entries: {len(entry)} bytes that begin with {bytes(entry[:4])!r}"
        )
    if checksum_of(entry) != _sum(entry[_PLACE:]):
        raise RecordUnusableError("the entry's checksum is wrong")
    record = AggregateRecord.from_bytes(entry[_START:], key=key)
    if _head(record) != entry[_PLACE:_START]:
        # The scripts go by the head: where it isn't the record's, they would leave it for ever.
        raise RecordUnusableError("the entry's head is of another record than the one behind it")
    return record


def _head(record: AggregateRecord) -> bytes:
    verified_at = to_micros(record.verified_at) + _BEFORE_1970
    return _HEAD.pack(record.version, stamp_digest(record.stamp), verified_at)


def _sum(body: bytes) -> bytes:
    # SHA-1 is what a script of the server can compute, too; it guards against accidents alone.
    return hashlib.sha1(body, usedforsecurity=False).hexdigest().encode()
