"""What stands in a message: events, and a header that says where in its stream they are."""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self
from uuid import UUID

from interlock.backends import BackendUnavailableError, EventRow, StoredEvent, to_micros

HEADER = "Interlock-Commit"
_FORMAT = 1
_EVENT = struct.Struct(">16sIqIII")
"""An event's id, schema version, time, and how long its type, metadata and payload are."""

_PART_EVENTS, _PART_BYTES = 500, 512 * 1024
_COARSE = 4
"""Messages of the last 2^4 versions are not told apart by links: a read may begin that early."""


class Commit(NamedTuple):
    """A message's header. The last message of a subject says what its stream is.

    `first` to `last` are the versions of the events in this message, of which there are none where
    events were deleted. `event_id` is the id of the event `last`, which is the head: of a stream
    that was deleted `last` is 0. Versions below `floor` are deleted, and so is every message up to
    the sequence `base`. `links` are versions with the sequences of messages that begin with them,
    ascending, ever further apart the older they are. `mark` tells one deletion from another.
    """

    first: int
    last: int
    event_id: UUID
    floor: int = 1
    base: int = 0
    links: tuple[tuple[int, int], ...] = ()
    mark: str = ""

    def header(self) -> dict[str, str]:
        """The header, as the driver takes it."""
        fields = [_FORMAT, *self[:2], self.event_id.hex, *self[3:]]
        return {HEADER: json.dumps(fields, separators=(",", ":"))}

    @classmethod
    def parse(cls, headers: Mapping[str, str] | None, *, where: str) -> Self:
        """Read what `header` wrote. Raises `BackendUnavailableError` for anything else."""
        text = (headers or {}).get(HEADER, "")
        try:
            form, first, last, event_id, floor, base, links, mark = json.loads(text)
            if form != _FORMAT:
                raise ValueError("a newer format")
            pairs = tuple((int(version), int(sequence)) for version, sequence in links)
            return cls(first, last, UUID(event_id), floor, base, pairs, mark)
        except (ValueError, TypeError) as error:
            raise BackendUnavailableError(
                f"{where}: wanted a message of interlock-nats-events of format {_FORMAT}, found "
                f"one with {HEADER} {text[:80]!r}; who else publishes to this stream?"
            ) from error


class Standing(NamedTuple):
    """The last message of a subject: its sequence, and what it says."""

    sequence: int
    commit: Commit

    @property
    def head(self) -> tuple[int, UUID] | None:
        """The version and id of the last event; None of a stream that was deleted."""
        return (self.commit.last, self.commit.event_id) if self.commit.last else None

    def links(self) -> tuple[tuple[int, int], ...]:
        """The links of the next message: this one's, and one to this one where it has events."""
        commit = self.commit
        own = ((commit.first, self.sequence),) if commit.first <= commit.last else ()
        return thinned((*commit.links, *own), commit.last + 1)

    def begin(self, version: int) -> int:
        """The sequence at or after which the message with this version stands."""
        pairs = (*self.commit.links, (self.commit.first, self.sequence))
        return max((at for first, at in pairs if first <= version), default=self.commit.base + 1)


def thinned(links: Sequence[tuple[int, int]], version: int) -> tuple[tuple[int, int], ...]:
    """Leave two links, the first and the last, among those about equally far from the version.

    So a read of the last n events fetches some 3n, and a stream of a million has 40 links.
    """
    levels: dict[int, list[tuple[int, int]]] = {}
    for link in links:
        level = max((version - link[0]).bit_length(), _COARSE)
        levels.setdefault(level, []).append(link)
    kept = (level if len(level) == 1 else (level[0], level[-1]) for level in levels.values())
    return tuple(link for level in kept for link in level)


class Part(NamedTuple):
    """A message to be published: the events of a commit, or some of them."""

    commit: Commit
    payload: bytes


def parts_of(events: Sequence[StoredEvent]) -> Sequence[Part]:
    """Make the messages of an append to a stream that has none."""
    return [
        Part(
            Commit(some[0].version, some[-1].version, some[-1].event_id, events[0].version),
            b"".join(_written(event) for event in some),
        )
        for some in _divided(events)
    ]


def placed(parts: Sequence[Part], standing: Standing | None) -> Sequence[Part]:
    """Place the messages of an append behind the last one of their subject."""
    if standing is None:
        return parts
    if standing.head is None:
        where: dict[str, Any] = {"base": standing.sequence}  # Any: a commit's fields
    else:
        commit = standing.commit
        where = {"floor": commit.floor, "base": commit.base, "links": standing.links()}
    return [Part(part.commit._replace(**where), part.payload) for part in parts]


def rows_in(commit: Commit, payload: bytes) -> Iterator[EventRow]:
    """Read the events of a message."""
    at = 0
    for version in range(commit.first, commit.last + 1):
        event_id, schema_version, recorded_at, *sizes = _EVENT.unpack_from(payload, at)
        at += _EVENT.size
        texts = []
        for size in sizes:
            texts.append(payload[at : at + size])
            at += size
        name, metadata, body = texts
        yield EventRow(
            version, event_id, name.decode(), schema_version, recorded_at, metadata, body
        )


def _written(event: StoredEvent) -> bytes:
    name = event.type.encode()
    lengths = len(name), len(event.metadata), len(event.payload)
    micros = to_micros(event.recorded_at)
    head = _EVENT.pack(event.event_id.bytes, event.schema_version, micros, *lengths)
    return b"".join((head, name, event.metadata, event.payload))


def _divided(events: Sequence[StoredEvent]) -> Iterator[Sequence[StoredEvent]]:
    start, size = 0, 0
    for place, event in enumerate(events):
        more = _EVENT.size + len(event.type) + len(event.metadata) + len(event.payload)
        if place > start and (place - start == _PART_EVENTS or size + more > _PART_BYTES):
            yield events[start:place]
            start, size = place, 0
        size += more
    yield events[start:]
