"""Encoded states and events, and the envelope in which a store keeps them.

Everything here is a value: nothing found in a record is imported, called or trusted before its
checksum.
"""

import functools
import hashlib
import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self
from urllib.parse import quote
from uuid import UUID

from pydantic_core import from_json, to_json

from interlock._values.fidelity import told
from interlock._values.ids import plain_id
from interlock.errors import RecordTooLargeError, RecordUnusableError

MAX_VERSION = 2**63 - 2
"""The highest version of a state; the next one still is a 64-bit integer of every store."""

_MAGIC = b"ILRC"
_FORMAT = 2
_HEAD = struct.Struct(">4sBBIII")  # magic, format, then the bytes of seal, fields, details, payload
_CHECKSUM_SIZE = 16
_MAX_FIELDS = 64 * 1024
_MAX_EPOCH = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

new_tuple = tuple.__new__
"""Makes a named tuple of values in order, without the call of its own `__new__`."""

NEVER_VERIFIED = _EPOCH
"""The `verified_at` of a record that no tail read vouches for."""


def to_micros(moment: datetime) -> int:
    """Convert a time to microseconds since 1970-01-01 UTC, exactly."""
    since = moment - _EPOCH  # the parts are integers; to divide durations takes twice the time
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(micros: int) -> datetime:
    """Convert microseconds since 1970-01-01 to a time in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


class Scope(NamedTuple):
    """The part of a key that all records of one registered aggregate share.

    `epoch` is part of cache keys and 0 for snapshots.
    """

    namespace: str
    epoch: int
    aggregate_type: str
    revision: str

    def key(self, aggregate_id: UUID) -> "RecordKey":
        """Make the key of one aggregate's records."""
        namespace, epoch, aggregate_type, revision = self
        return new_tuple(RecordKey, (namespace, epoch, aggregate_type, aggregate_id, revision))


class RecordKey(NamedTuple):
    """The key under which a store has the records of one aggregate."""

    namespace: str
    epoch: int
    aggregate_type: str
    aggregate_id: UUID
    revision: str

    def __hash__(self) -> int:
        """Hash the id, as an integer: a UUID's own hash is computed by code in Python."""
        return hash(self.aggregate_id.int)

    def text(self, *, max_length: int = 250) -> str:
        """Write the key as ASCII without spaces, hashed when long; equal for equal keys only.

        The default bound is memcached's (protocol.txt, "Keys").
        """
        namespace, epoch, aggregate_type, aggregate_id, revision = self
        text = (
            f"interlock:{_quoted(namespace)}:{epoch}:{_quoted(aggregate_type)}:{aggregate_id.hex}"
            f":{_quoted(revision)}"
        )
        if len(text) <= max_length:
            return text
        return "interlock#" + hashlib.blake2b(text.encode(), digest_size=32).hexdigest()


@functools.lru_cache(maxsize=1_000)
def _quoted(name: str) -> str:
    """A name without a colon or a space; of few names many keys are written."""
    return quote(name, safe="")


class Stamp(NamedTuple):
    """Identifies a state: its type, id, revision, version and last event."""

    aggregate_type: str
    aggregate_id: UUID
    revision: str
    version: int
    last_event_id: UUID


class _Fields(NamedTuple):
    namespace: str
    epoch: int
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


class AggregateRecord(_Fields):
    """An encoded state. Stores move it and look at nothing but the key, the stamp and the times.

    `version` is 1 to `MAX_VERSION`. `anchor_at` is the event time from which time-based snapshots
    count: of the newest snapshot's last event, else of the first event. `verified_at` is when the
    state was known to be the stream's head, `taken_at` when it was encoded. All times are UTC.
    `details` is JSON that says what the payload can't (names of fields that are unset, objects that
    stand at several places), mostly empty.

    A tuple, as the other values here, since a frozen dataclass takes several times as long to make;
    `record._replace(...)` makes another one of it.
    """

    __slots__ = ()

    def __new__(  # noqa: PLR0917 # in the order of the fields
        cls,
        namespace: str,
        epoch: int,
        aggregate_type: str,
        aggregate_id: UUID,
        revision: str,
        version: int,
        last_event_id: UUID,
        last_event_at: datetime,
        anchor_at: datetime,
        verified_at: datetime,
        taken_at: datetime,
        codec: str,
        payload: bytes,
        details: bytes = b"",
    ) -> Self:
        """The ids are made plain: a store's driver may have a class of its own for them."""
        if not (type(aggregate_id) is type(last_event_id) is UUID):
            aggregate_id = plain_id(aggregate_id, "aggregate_id")
            last_event_id = plain_id(last_event_id, "last_event_id")
        return new_tuple(
            cls,
            (
                namespace,
                epoch,
                aggregate_type,
                aggregate_id,
                revision,
                version,
                last_event_id,
                last_event_at,
                anchor_at,
                verified_at,
                taken_at,
                codec,
                payload,
                details,
            ),
        )

    @property
    def key(self) -> RecordKey:
        """The key under which a store has the record."""
        return RecordKey(
            self.namespace, self.epoch, self.aggregate_type, self.aggregate_id, self.revision
        )

    @property
    def stamp(self) -> Stamp:
        """The stamp, which identifies the state."""
        return Stamp(
            self.aggregate_type, self.aggregate_id, self.revision, self.version, self.last_event_id
        )

    def in_epoch(self, epoch: int) -> Self:
        """Copy the record into another epoch."""
        return self if self.epoch == epoch else self._replace(epoch=epoch)

    def check_is_of(self, key: RecordKey) -> None:
        """Raise `RecordUnusableError` if the record is another key's or has no valid version."""
        # The key's fields are the record's first ones; two UUIDs compare slower than integers.
        if self[:3] != key[:3] or self[4] != key[4] or self[3].int != key[3].int:
            raise RecordUnusableError(
                f"a record of {self.key}, wanted one of {key}", version=self.version
            )
        if not 1 <= self.version <= MAX_VERSION:
            raise RecordUnusableError(
                f"a record of version {self.version}, wanted 1 to {MAX_VERSION}"
            )

    def to_bytes(self) -> bytes:
        """Write the record as bytes: a head, the fields, the details, the payload and a checksum.

        Raises `RecordUnusableError` for a record with a field of another type or out of its range.
        """
        parts = self._parts()
        return b"".join((*parts, _checksum(parts)))

    def checksum(self) -> bytes:
        """Compute 16 bytes over the whole record, for a store that has the fields in columns.

        Raises as `to_bytes`.
        """
        return _checksum(self._parts())

    @classmethod
    def from_bytes(
        cls, blob: bytes | bytearray, *, key: RecordKey, version: int | None = None
    ) -> Self:
        """Read the key's record from bytes; with `version`, which must be its version.

        Raises `RecordUnusableError`, and nothing else, for any blob that isn't what `to_bytes`
        makes of such a record. With `version` the error tells it, as a snapshot store's has to.
        """
        try:
            record = cls._read(blob)
            record.check_is_of(key)
            if version is not None and record.version != version:
                raise RecordUnusableError(
                    f"a record of version {record.version}, wanted version {version}"
                )
        except RecordUnusableError as error:
            if version is not None:
                error.version = version
            raise
        return record

    @classmethod
    def _read(cls, blob: bytes | bytearray) -> Self:
        fields, details, payload = _parts(blob)
        try:
            given = from_json(fields)
            record = cls(
                namespace=given[0],
                epoch=given[1],
                aggregate_type=given[2],
                aggregate_id=UUID(hex=given[3]),
                revision=given[4],
                version=given[5],
                last_event_id=UUID(hex=given[6]),
                last_event_at=from_micros(given[7]),
                anchor_at=from_micros(given[8]),
                verified_at=from_micros(given[9]),
                taken_at=from_micros(given[10]),
                codec=given[11],
                payload=payload,
                details=details,
            )
            is_ours = record._encoded_fields() == fields
        except RecordUnusableError:
            raise
        except Exception as error:  # noqa: BLE001 whatever foreign fields make of this
            raise RecordUnusableError(f"the record's fields don't read: {told(error)}") from None
        if not is_ours:
            raise RecordUnusableError("the record's fields aren't written as ours are")
        return record

    def _parts(self) -> tuple[bytes, ...]:
        """What the checksum is computed of; a large payload isn't copied for it."""
        fields, details, payload = self._encoded_fields(), self.details, self.payload
        head = _HEAD.pack(_MAGIC, _FORMAT, 0, len(fields), len(details), len(payload))
        return head + fields + details, payload

    def _encoded_fields(self) -> bytes:
        texts = self.namespace, self.aggregate_type, self.revision, self.codec
        if not (
            {*map(type, texts)} == {str}
            and type(self.version) is type(self.epoch) is int
            and 1 <= self.version <= MAX_VERSION
            and 0 <= self.epoch <= _MAX_EPOCH
        ):
            raise RecordUnusableError(
                f"a record has a version from 1 to {MAX_VERSION}, an epoch from 0, and strings for "
                "its namespace, type, revision and codec; this one hasn't"
            )
        fields = to_json(
            (
                self.namespace,
                self.epoch,
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
            )
        )
        if len(fields) > _MAX_FIELDS:
            raise RecordTooLargeError(
                f"the names of a record's key have {len(fields)} bytes; wanted up to {_MAX_FIELDS}"
            )
        return fields


def _parts(blob: bytes | bytearray) -> tuple[bytes, bytes, bytes]:
    """The fields, the details and the payload, by head and checksum; still of anybody."""
    if len(blob) < _HEAD.size + _CHECKSUM_SIZE:
        raise RecordUnusableError(f"a record of {len(blob)} bytes is shorter than an empty one")
    magic, format_version, *sizes = _HEAD.unpack_from(blob)
    if magic != _MAGIC:
        raise RecordUnusableError(f"not one of our records: it begins with {bytes(blob[:4])!r}")
    if format_version != _FORMAT:
        raise RecordUnusableError(
            f"a record of format {format_version}, this code reads format {_FORMAT}"
        )
    seal_size, fields_size, details_size, _ = sizes
    if len(blob) != _HEAD.size + sum(sizes) + _CHECKSUM_SIZE:
        raise RecordUnusableError(f"a record of {len(blob)} bytes is truncated or has a tail")
    if seal_size:
        raise RecordUnusableError("a sealed record; this code reads those without a seal")
    if fields_size > _MAX_FIELDS:
        raise RecordUnusableError(f"a record with {fields_size} bytes of fields")
    whole = memoryview(blob)  # a large payload is copied once
    body = whole[:-_CHECKSUM_SIZE]
    if _checksum((body,)) != blob[-_CHECKSUM_SIZE:]:
        raise RecordUnusableError("the record's checksum is wrong")
    fields_end = _HEAD.size + fields_size
    details_end = fields_end + details_size
    parts = body[_HEAD.size : fields_end], body[fields_end:details_end], body[details_end:]
    fields, details, payload = map(bytes, parts)
    return fields, details, payload


def _checksum(parts: Iterable[bytes | memoryview]) -> bytes:
    digest = hashlib.blake2b(digest_size=_CHECKSUM_SIZE)
    for part in parts:
        digest.update(part)
    return digest.digest()


class EventRow(NamedTuple):
    """An event as `EventStore.read` returns it, not decoded.

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


class StoredEvent(NamedTuple):
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
        version, event_id, name, schema_version, recorded_at, metadata, payload = self[2:]
        id_bytes, at = event_id.int.to_bytes(16), to_micros(recorded_at)
        return new_tuple(EventRow, (version, id_bytes, name, schema_version, at, metadata, payload))


def stored_event(aggregate_type: str, aggregate_id: UUID, row: EventRow) -> StoredEvent:
    """Make the event of a row as `EventStore.append` takes it."""
    version, event_id, name, schema_version, recorded_at, metadata, payload = row
    return StoredEvent(
        aggregate_type,
        aggregate_id,
        version,
        UUID(bytes=event_id),
        name,
        schema_version,
        from_micros(recorded_at),
        metadata,
        payload,
    )
