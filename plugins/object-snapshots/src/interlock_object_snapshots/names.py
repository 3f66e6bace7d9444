"""The names of objects: what a listing tells of a record without reading it.

    namespace/type/id/revision/version-event-taken
    namespace/type/id/!forgotten/at
    !names/hash

`version` counts down, so that the newest comes first in a listing. A name that is too long for a
path stands in it as its hash, and whole in an object under `!names`.
"""

import hashlib
import re
from typing import NamedTuple, Self
from uuid import UUID

from interlock.backends import AggregateRecord, RecordKey, Scope, Stamp, to_micros

_HIGHEST = 10**19 - 1
_LONGEST = 200  # bytes: three names make a path, which may have 1,024; a file's name has 255
_FORGOTTEN = "!forgotten"
_EMPTY = "!empty"
_LONG = "!long-"
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_ESCAPED = re.compile(rb"!([0-9a-f]{2})")
_RECORD = re.compile(
    r"(?P<folder>[^/]+/[^/]+/[0-9a-f]{32}/(?!!forgotten/)[^/]+)"
    r"/(?P<inverted>\d{19})-(?P<event>[0-9a-f]{32})-(?P<taken>-?\d{1,19})"
)
_TOMBSTONE = re.compile(r"(?P<folder>[^/]+/[^/]+/[0-9a-f]{32})/!forgotten/(?P<at>-?\d{1,19})")


class RecordName(NamedTuple):
    """The name of a record's object. The parts of a path stand for names, see `part`."""

    folder: str
    """The path of the folder: namespace, type, id, revision."""

    version: int
    event_id: UUID
    taken_at: int
    """Microseconds since 1970-01-01 UTC."""

    @classmethod
    def of(cls, record: AggregateRecord) -> Self:
        """Name a record."""
        taken_at = to_micros(record.taken_at)
        return cls(records_of(record.key), record.version, record.last_event_id, taken_at)

    @property
    def path(self) -> str:
        """The path of the object."""
        return f"{above(self.folder, self.version)}-{self.event_id.hex}-{self.taken_at}"

    @property
    def type_part(self) -> str:
        """The part of the path that stands for the type."""
        return self.folder.split("/")[1]

    @property
    def revision_part(self) -> str:
        """The part of the path that stands for the revision."""
        return self.folder.split("/")[3]

    @property
    def aggregate_id(self) -> UUID:
        """The aggregate's id."""
        return UUID(hex=self.folder.split("/")[2])


class Tombstone(NamedTuple):
    """The name of the object that tells when an aggregate was forgotten."""

    folder: str
    """The path of the aggregate's folder: namespace, type, id."""

    at: int
    """Microseconds since 1970-01-01 UTC."""

    @property
    def path(self) -> str:
        """The path of the object."""
        return f"{self.folder}/{_FORGOTTEN}/{self.at}"


def part(name: str) -> str:
    """Write a name as a part of a path; its hash if it is too long."""
    octets = name.encode("utf-8", "surrogatepass")
    text = "".join(chr(octet) if octet in _PLAIN else f"!{octet:02x}" for octet in octets)
    if len(text) > _LONGEST:
        return _LONG + hashlib.blake2b(octets, digest_size=32).hexdigest()
    return text or _EMPTY


def name_of(part: str) -> str:
    """The name that a part of a path stands for, if it isn't a hash."""
    octets = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), part.encode())
    return "" if part == _EMPTY else octets.decode("utf-8", "surrogatepass")


def whole_name(part: str) -> str | None:
    """The path of the object in which the whole name stands; None if the part isn't a hash."""
    return f"!names/{part.removeprefix(_LONG)}" if part.startswith(_LONG) else None


def of_namespace(namespace: str) -> str:
    """The path under which all objects of a namespace are."""
    return part(namespace)


def of_type(scope: Scope) -> str:
    """The path under which all objects of a type are."""
    return f"{part(scope.namespace)}/{part(scope.aggregate_type)}"


def of_aggregate(key: RecordKey) -> str:
    """The path under which all objects of an aggregate are."""
    return f"{part(key.namespace)}/{part(key.aggregate_type)}/{key.aggregate_id.hex}"


def tombstones_of(key: RecordKey) -> str:
    """The path under which an aggregate's tombstones are."""
    return f"{of_aggregate(key)}/{_FORGOTTEN}"


def records_of(key: RecordKey) -> str:
    """The path of the folder of the key's records, in which the newest comes first."""
    return f"{of_aggregate(key)}/{part(key.revision)}"


def above(folder: str, version: int) -> str:
    """A path behind those of the folder's records above the version, and before the others."""
    return f"{folder}/{_HIGHEST - version:019}"


def is_of(name: RecordName, key: RecordKey, stamp: Stamp) -> bool:
    """Whether a record of the key's aggregate, of any revision, has this stamp."""
    _, _, aggregate_type, aggregate_id, _ = key
    folder = records_of(key._replace(revision=stamp.revision))
    return (aggregate_type, aggregate_id, name.folder, name.version, name.event_id) == (
        stamp.aggregate_type,
        stamp.aggregate_id,
        folder,
        stamp.version,
        stamp.last_event_id,
    )


def parsed(path: str) -> RecordName | Tombstone | None:
    """What an object is by its path; None for one that isn't ours, and for a whole name."""
    if (found := _TOMBSTONE.fullmatch(path)) is not None:
        return Tombstone(found["folder"], int(found["at"]))
    if (found := _RECORD.fullmatch(path)) is None:
        return None
    version, event_id = _HIGHEST - int(found["inverted"]), UUID(hex=found["event"])
    return RecordName(found["folder"], version, event_id, int(found["taken"]))
