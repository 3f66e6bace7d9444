"""Records as values of columns, for stores that keep them in tables."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from interlock._storage.records import AggregateRecord, RecordKey, from_micros, to_micros
from interlock._values.fidelity import told
from interlock.errors import RecordUnusableError


def to_columns(record: AggregateRecord) -> dict[str, int | str | bytes]:
    """Write what a record has beside its key as values of columns.

    An id is 16 bytes, a time microseconds since 1970-01-01 UTC. `checksum` covers the key too.
    Raises as `AggregateRecord.to_bytes`.
    """
    return {
        "version": record.version,
        "last_event_id": record.last_event_id.bytes,
        "last_event_at": to_micros(record.last_event_at),
        "anchor_at": to_micros(record.anchor_at),
        "verified_at": to_micros(record.verified_at),
        "taken_at": to_micros(record.taken_at),
        "codec": record.codec,
        "checksum": record.checksum(),
        "payload": record.payload,
        "details": record.details,
    }


def from_columns(
    columns: Mapping[str, Any],  # Any: what a driver gives
    *,
    key: RecordKey,
) -> AggregateRecord:
    """Read the key's record from the values that `to_columns` made.

    Raises `RecordUnusableError` with the version, and nothing else, for any other values.
    """
    version = columns.get("version")
    try:
        record = AggregateRecord(
            namespace=key.namespace,
            epoch=key.epoch,
            aggregate_type=key.aggregate_type,
            aggregate_id=key.aggregate_id,
            revision=key.revision,
            version=columns["version"],
            last_event_id=UUID(bytes=columns["last_event_id"]),
            last_event_at=from_micros(columns["last_event_at"]),
            anchor_at=from_micros(columns["anchor_at"]),
            verified_at=from_micros(columns["verified_at"]),
            taken_at=from_micros(columns["taken_at"]),
            codec=columns["codec"],
            payload=columns["payload"],
            details=columns["details"],
        )
        is_whole = record.checksum() == columns["checksum"]
    except Exception as error:  # noqa: BLE001 whatever a value of another type or range makes of this
        raise _unusable(key, version, f"doesn't read: {told(error)}") from None
    if not is_whole:
        raise _unusable(key, version, "has a wrong checksum")
    return record


def _unusable(key: RecordKey, version: object, what: str) -> RecordUnusableError:
    return RecordUnusableError(
        f"the record of {key.aggregate_type} {key.aggregate_id} at version {version} {what}",
        version=version if isinstance(version, int) else None,
    )
