"""Converts keys and records to values of columns."""

from datetime import datetime

from interlock.backends import AggregateRecord, RecordKey, Scope, Stamp, to_columns, to_micros
from interlock_sqlalchemy.database import Database
from interlock_sqlalchemy_snapshots.statements import TOMBSTONE


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
        name = self._key  # one dictionary, since each load makes one
        return {
            "namespace": name(key.namespace),
            "aggregate_type": name(key.aggregate_type),
            "revision": name(key.revision),
            "aggregate_id": key.aggregate_id.bytes,
        }

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
            **dict.fromkeys(("version", "last_event_at", "anchor_at", "verified_at"), 0),
            **dict.fromkeys(("last_event_id", "checksum"), bytes(16)),
            **dict.fromkeys(("payload", "details"), b""),
            "taken_at": to_micros(taken_at),
            "codec": "",
        }

    def row(self, key: RecordKey, record: AggregateRecord) -> dict[str, object]:
        """Convert a record to a row."""
        return {**self.of_record(key), **to_columns(record)}
