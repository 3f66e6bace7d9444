"""Everything that reads bytes which others wrote, each with the errors that it may end in.

For whatever bytes a reader gives an answer or one of its documented errors, within `SECONDS` and
`MEMORY`.
"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ValidationError

from interlock._app import revision_lock
from interlock._config.checking import check
from interlock._config.toml import find
from interlock._engine.fold import Fold, decoded
from interlock._model.aggregate import Aggregate, routes_of, set_origin
from interlock._model.stamp import Origin
from interlock._storage.codecs import JsonCodec, ZlibJsonCodec
from interlock._storage.record_mapper import AggregateMapper
from interlock._values.masking import Masking, brief, shown
from interlock.application.aggregates import (
    InMemoryAggregateCacheBackend,
    TieredAggregateCacheBackend,
)
from interlock.backends import (
    AggregateRecord,
    EventRow,
    RecordUnusableError,
    Scope,
)
from interlock.errors import ConfigurationError, EventApplyError, UnknownEventError
from interlock.routing import applies_event

SEEDS = Path(__file__).parent / "seeds"
SECONDS = 10
MEMORY = 512 << 20  # bytes, beside what the interpreter holds

ID = UUID(int=7)
MOMENT = datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


class Noted(BaseModel):
    """An event with something of most kinds."""

    number: int = 0
    notes: list[str] = []
    at: datetime | None = None


class Notebook(Aggregate):
    """An aggregate with something of most kinds."""

    revision = "1"

    number: int = 0
    notes: list[str] = []
    tags: set[str] = set()
    pages: dict[str, Noted] = {}
    at: datetime | None = None

    @applies_event
    def noted(self, event: Noted) -> None:
        """Keep what the event says."""
        self.number += event.number
        self.notes = [*self.notes, *event.notes]
        self.at = event.at


@dataclass(frozen=True)
class Reader:
    """What is done with the bytes, the errors that it documents, and what we write ourselves."""

    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...] = ()
    ours: Callable[[], bytes] | None = None

    def __call__(self, data: bytes) -> None:
        """Raises whatever isn't documented."""
        try:
            self.read(data)
        except self.errors:
            return


SCOPE = Scope("default", 0, "Notebook", "1")
KEY = SCOPE.key(ID)
MAPPERS = {
    codec.name: AggregateMapper(Notebook, SCOPE, codec) for codec in (JsonCodec(), ZlibJsonCodec())
}


def state() -> Notebook:
    """A state with a stamp."""
    made = Notebook(
        id=ID,
        version=3,
        number=5,
        notes=["a", "b"],
        tags={"x", "y"},
        pages={"p": Noted(number=1)},
        at=MOMENT,
    )
    set_origin(made, Origin("default", 0, "1", UUID(int=3), MOMENT, MOMENT))
    return made


@cache
def record(codec: str = "json") -> AggregateRecord:
    """Its record."""
    origin = Origin("default", 0, "1", UUID(int=3), MOMENT, MOMENT)
    return MAPPERS[codec].record(state(), origin, verified_at=MOMENT, taken_at=MOMENT)


def _record(blob: bytes) -> None:
    _state(AggregateRecord.from_bytes(blob, key=KEY))


def _state(found: AggregateRecord) -> None:
    mapper = MAPPERS.get(found.codec, MAPPERS["json"])
    read = mapper.state(found, KEY)
    # Believed, it is handed out, and written again.
    mapper.encode(read)
    read.model_copy(deep=True)


def _body(body: bytes) -> None:
    """What is behind the checksum, where that is right."""
    _record(body + hashlib.blake2b(body, digest_size=16).digest())


def _payload(codec: str) -> Callable[[bytes], object]:
    return lambda data: _state(record(codec)._replace(payload=data))


def _in_a_file(name: str, read: Callable[[Path], object], data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        read(path)


def _configuration(path: Path) -> None:
    check(find(path))


def _event(data: bytes) -> None:
    """The event's payload and its metadata are parted by the first NUL, and a number follows."""
    payload, _, rest = data.partition(b"\0")
    metadata, _, number = rest.partition(b"\0")
    recorded_at = int.from_bytes(number[:8], signed=True)
    row = EventRow(1, bytes(16), "Noted", 1, recorded_at, metadata, payload)
    decoded(routes_of(Notebook), row)


def _folded(data: bytes) -> None:
    row = EventRow(1, bytes(16), "Noted", 1, 0, b"{}", data)
    Fold(routes_of(Notebook), Notebook(id=ID)).extend([row])


def _change(data: bytes) -> None:
    local, shared = InMemoryAggregateCacheBackend(), InMemoryAggregateCacheBackend()
    tiers = TieredAggregateCacheBackend(local, shared)
    tiers._changed(data.decode("ascii", "replace"))


def _masked(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    for options in ({"url": text}, {"servers": [text]}, {text: text}):
        shown(options)
        brief(options)
        Masking().learn(options).text(text)


def _message(data: bytes) -> None:
    from interlock_redis_cache.changes import Changes  # noqa: PLC0415 # it may be missing

    changes = object.__new__(Changes)
    changes._own, changes.changed = b"own ", lambda _: None
    changes._on_message(data)


def _entry(body: bytes) -> None:
    """What is behind an entry's checksum, where that is right."""
    from interlock_redis_cache import entries  # noqa: PLC0415 # it may be missing

    _state(entries.from_entry(entries._MAGIC + entries._sum(body) + body, KEY))


def _our_entry() -> bytes:
    from interlock_redis_cache import entries  # noqa: PLC0415 # it may be missing

    return entries.to_entry(record())[entries._PLACE :]


def _stamped() -> bytes:
    return state().model_dump_json().encode()


READERS: dict[str, Reader] = {
    "record": Reader(_record, (RecordUnusableError,), lambda: record().to_bytes()),
    "record-body": Reader(_body, (RecordUnusableError,), lambda: record().to_bytes()[:-16]),
    "json": Reader(_payload("json"), (RecordUnusableError,), lambda: record().payload),
    "json-zlib": Reader(
        _payload("json+zlib"), (RecordUnusableError,), lambda: record("json+zlib").payload
    ),
    "details": Reader(lambda data: _state(record()._replace(details=data)), (RecordUnusableError,)),
    "stamp": Reader(Notebook.model_validate_json, (ValidationError,), _stamped),
    "stamp-of-any-type": Reader(Aggregate.model_validate_json, (ValidationError,), _stamped),
    "event": Reader(_event, (EventApplyError, UnknownEventError)),
    "fold": Reader(_folded, (EventApplyError, UnknownEventError)),
    "configuration": Reader(
        lambda data: _in_a_file("interlock.toml", _configuration, data), (ConfigurationError,)
    ),
    "lock-file": Reader(
        lambda data: _in_a_file("interlock.lock", revision_lock.read, data), (ConfigurationError,)
    ),
    "masking": Reader(_masked),
    "channel": Reader(_change),
}
if find_spec("interlock_redis_cache") is not None:
    READERS |= {
        "redis-channel": Reader(_message),
        "redis-entry": Reader(_entry, (RecordUnusableError,), _our_entry),
    }
