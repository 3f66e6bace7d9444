"""Encoded states and events, and the envelope in which a store keeps them.

Everything here is a value: nothing found in a record is imported, called or trusted before its
checksum.
"""

import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self
from urllib.parse import quote
from uuid import UUID

from pydantic_core import from_json, to_json

from interlock.errors import RecordUnusableError
from interlock.ids import plain_id

_MAGIC = b"ILRC"
_FORMAT = 2
_HEAD = struct.Struct(">4sBII")  # magic, format, bytes of the fields, bytes of the payload
_CHECKSUM_SIZE = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

NEVER_VERIFIED = _EPOCH
"""The `verified_at` of a record that no tail read vouches for."""


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The moment, aware, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the records of one registered aggregate share; a store keeps scopes apart.

    `epoch` is part of cache keys and 0 for snapshots.
    """

    namespace: str
    epoch: int
    aggregate_type: str
    revision: str

    def key(self, aggregate_id: UUID) -> "RecordKey":
        """The key of one aggregate's records."""
        return RecordKey(
            self.namespace, self.epoch, self.aggregate_type, aggregate_id, self.revision
        )


@dataclass(frozen=True, slots=True)
class RecordKey:
    """Under what a store keeps the records of one aggregate."""

    namespace: str
    epoch: int
    aggregate_type: str
    aggregate_id: UUID
    revision: str

    def text(self, *, max_length: int = 250) -> str:
        """The key as printable ASCII without spaces, equal only for equal keys; hashed when long.

        The default bound is memcached's (protocol.txt, "Keys").
        """
        parts = (
            self.namespace,
            self.epoch,
            self.aggregate_type,
            self.aggregate_id.hex,
            self.revision,
        )
        text = "interlock:" + ":".join(quote(str(part), safe="") for part in parts)
        if len(text) <= max_length:
            return text
        return "interlock#" + hashlib.blake2b(text.encode(), digest_size=32).hexdigest()


@dataclass(frozen=True, slots=True)
class Stamp:
    """What identifies a state."""

    aggregate_type: str
    aggregate_id: UUID
    revision: str
    version: int
    last_event_id: UUID


@dataclass(frozen=True, slots=True)
class AggregateRecord:
    """An encoded state. Stores move it and look at nothing but the stamp and the times.

    `anchor_at` is the event time from which time-based snapshots count: of the newest snapshot's
    last event, else of the first event. `verified_at` is when the state was known to be the
    stream's head, `taken_at` when it was encoded. All times are UTC. `details` is JSON that says
    what the payload can't (names of fields that are unset, objects that stand at several places),
    mostly empty.
    """

    aggregate_type: str
    aggregate_id: UUID
    revision: str
    version: int
    last_event_id: UUID
    last_event_at: datetime
    anchor_at: datetime
    verified_at: datetime
    taken_at: datetime
    codec: str
    payload: bytes
    details: bytes = b""

    def __post_init__(self) -> None:
        """Make the ids plain: a store's driver may have a class of its own for them."""
        if not (type(self.aggregate_id) is type(self.last_event_id) is UUID):
            for name in ("aggregate_id", "last_event_id"):
                object.__setattr__(self, name, plain_id(getattr(self, name), name))

    @property
    def stamp(self) -> Stamp:
        """What identifies the state."""
        return Stamp(
            self.aggregate_type, self.aggregate_id, self.revision, self.version, self.last_event_id
        )

    def to_bytes(self) -> bytes:
        """The record as one blob: magic, format, lengths, fields, payload, and a checksum."""
        fields = to_json(
            (
                self.aggregate_type,
                self.aggregate_id.hex,
                self.revision,
                self.version,
                self.last_event_id.hex,
                to_micros(self.last_event_at),
                to_micros(self.anchor_at),
                to_micros(self.verified_at),
                to_micros(self.taken_at),
                self.codec,
                self.details.decode(),
            )
        )
        body = _HEAD.pack(_MAGIC, _FORMAT, len(fields), len(self.payload)) + fields + self.payload
        return body + _checksum(body)

    def checksum(self) -> bytes:
        """16 bytes over the whole record, for a store that keeps the fields in columns."""
        return self.to_bytes()[-_CHECKSUM_SIZE:]

    @classmethod
    def from_bytes(cls, blob: bytes) -> Self:
        """The record in a blob.

        Raises `RecordUnusableError` for any blob that `to_bytes` didn't write.
        """
        if len(blob) < _HEAD.size + _CHECKSUM_SIZE:
            raise RecordUnusableError(f"a record of {len(blob)} bytes is shorter than an empty one")
        magic, format_version, fields_size, payload_size = _HEAD.unpack_from(blob)
        if magic != _MAGIC:
            raise RecordUnusableError(f"not one of our records: it begins with {bytes(blob[:4])!r}")
        if format_version != _FORMAT:
            raise RecordUnusableError(
                f"a record of format {format_version}, this code reads format {_FORMAT}"
            )
        if len(blob) != _HEAD.size + fields_size + payload_size + _CHECKSUM_SIZE:
            raise RecordUnusableError(f"a record of {len(blob)} bytes is truncated or has a tail")
        body = blob[:-_CHECKSUM_SIZE]
        if _checksum(body) != blob[-_CHECKSUM_SIZE:]:
            raise RecordUnusableError("the record's checksum is wrong")
        start = _HEAD.size + fields_size
        fields = from_json(body[_HEAD.size : start])
        return cls(
            aggregate_type=fields[0],
            aggregate_id=UUID(hex=fields[1]),
            revision=fields[2],
            version=fields[3],
            last_event_id=UUID(hex=fields[4]),
            last_event_at=from_micros(fields[5]),
            anchor_at=from_micros(fields[6]),
            verified_at=from_micros(fields[7]),
            taken_at=from_micros(fields[8]),
            codec=fields[9],
            payload=bytes(body[start:]),
            details=fields[10].encode(),
        )


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECKSUM_SIZE).digest()


class EventRow(NamedTuple):
    """An event as `EventStore.read` gives it: raw, since most are only folded.

    A plain tuple in this order serves as well. `event_id` is the UUID's 16 bytes, `recorded_at`
    counts microseconds since 1970-01-01 UTC, `metadata` and `payload` are JSON.
    """

    version: int
    event_id: bytes
    type: str
    schema_version: int
    recorded_at: int
    metadata: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as `EventStore.append` takes it. `version` counts from 1, `recorded_at` is UTC."""

    aggregate_type: str
    aggregate_id: UUID
    version: int
    event_id: UUID
    type: str
    schema_version: int
    recorded_at: datetime
    metadata: bytes
    payload: bytes

    def row(self) -> EventRow:
        """The event as `EventStore.read` gives it."""
        return EventRow(
            self.version,
            self.event_id.bytes,
            self.type,
            self.schema_version,
            to_micros(self.recorded_at),
            self.metadata,
            self.payload,
        )
