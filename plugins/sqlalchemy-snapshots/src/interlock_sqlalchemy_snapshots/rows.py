"""Converts records to rows and back."""

from datetime import datetime
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    RecordKey,
    RecordUnusableError,
    Scope,
    Stamp,
    from_micros,
    to_micros,
)
from interlock_sqlalchemy.database import Database, Row
from interlock_sqlalchemy_snapshots.statements import RECORD, TOMBSTONE


class Keys:
    """Converts keys and stamps to values of the key's columns."""

    def __init__(self, database: Database) -> None:
        self._key = database.key

    def of_type(self, of: Scope | RecordKey) -> dict[str, object]:
        """Select the records of an aggregate type."""
        return {
            "namespace": self._key(of.namespace),
            "aggregate_type": self._key(of.aggregate_type),
        }

    def of_scope(self, of: Scope | RecordKey) -> dict[str, object]:
        """Select the records of a type's revision."""
        return {**self.of_type(of), "revision": self._key(of.revision)}

    def of_aggregate(self, key: RecordKey) -> dict[str, object]:
        """Select the records of an aggregate."""
        return {**self.of_type(key), "aggregate_id": key.aggregate_id.bytes}

    def of_record(self, key: RecordKey) -> dict[str, object]:
        """Select the records of an aggregate's revision."""
        return {**self.of_scope(key), "aggregate_id": key.aggregate_id.bytes}

    def of_stamp(self, key: RecordKey, stamp: Stamp) -> dict[str, object]:
        """Select the record with the stamp."""
        return {
            "namespace": self._key(key.namespace),
            "aggregate_type": self._key(stamp.aggregate_type),
            "aggregate_id": stamp.aggregate_id.bytes,
            "revision": self._key(stamp.revision),
            "version": stamp.version,
            "last_event_id": stamp.last_event_id.bytes,
        }

    def tombstone(self, key: RecordKey, *, taken_at: datetime) -> dict[str, object]:
        """Make the row that says when an aggregate was forgotten."""
        return {
            **self.of_aggregate(key),
            "revision": self._key(TOMBSTONE),
            "version": 0,
            "last_event_id": bytes(16),
            "last_event_at": 0,
            "anchor_at": 0,
            "verified_at": 0,
            "taken_at": to_micros(taken_at),
            "codec": "",
            "checksum": bytes(16),
            "payload": b"",
            "details": b"",
        }

    def row(self, key: RecordKey, record: AggregateRecord) -> dict[str, object]:
        """Convert a record to a row."""
        return {
            **self.of_stamp(key, record.stamp),
            "last_event_at": to_micros(record.last_event_at),
            "anchor_at": to_micros(record.anchor_at),
            "verified_at": to_micros(record.verified_at),
            "taken_at": to_micros(record.taken_at),
            "codec": record.codec,
            "checksum": record.checksum(),
            "payload": record.payload,
            "details": record.details,
        }


def record_of(key: RecordKey, row: Row) -> AggregateRecord:
    """Read the record from a row of the columns `RECORD`.

    Raises `RecordUnusableError` with the record's version.
    """
    found = dict(zip(RECORD, row, strict=True))
    version = found["version"]
    try:
        record = AggregateRecord(
            namespace=key.namespace,
            epoch=key.epoch,
            aggregate_type=key.aggregate_type,
            aggregate_id=key.aggregate_id,
            revision=key.revision,
            version=version,
            last_event_id=UUID(bytes=found["last_event_id"]),
            last_event_at=from_micros(found["last_event_at"]),
            anchor_at=from_micros(found["anchor_at"]),
            verified_at=from_micros(found["verified_at"]),
            taken_at=from_micros(found["taken_at"]),
            codec=found["codec"],
            payload=found["payload"],
            details=found["details"],
        )
        is_whole = record.checksum() == found["checksum"]
    except Exception as error:  # whatever a value of another type or range makes of this
        raise _unusable(key, version, f"doesn't read: {error!r}") from error
    if not is_whole:
        raise _unusable(key, version, "has a wrong checksum")
    return record


def _unusable(key: RecordKey, version: object, what: str) -> RecordUnusableError:
    return RecordUnusableError(
        f"the snapshot of {key.aggregate_type} {key.aggregate_id} at version {version} {what}",
        version=version if isinstance(version, int) else None,
    )
