"""The test data of the checks: aggregates, records, events."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from pydantic import BaseModel
from pydantic_core import to_json

from interlock.backends import AggregateRecord, RecordKey, StoredEvent
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command

START = datetime(2024, 2, 29, 23, 59, 59, 123_456, tzinfo=UTC)
REVISION = "conformance-1"


class Write(Command[int]):
    """Append to the text; a text that begins with a minus sign is refused."""

    text: str


class Written(BaseModel):
    """Something was appended to the text."""

    text: str


class Notebook(Aggregate):
    """The aggregate that the checks keep."""

    type_name = "ConformanceNotebook"
    revision = REVISION

    text: str = ""

    @handles_command
    def write(self, command: Write) -> int:
        """Append; the length of the text before."""
        length = len(self.text)
        if command.text.startswith("-"):
            raise ValueError(f"{command.text} is refused at {length}")
        self.emit(Written(text=command.text))
        return length

    @applies_event
    def on_written(self, event: Written) -> None:
        """Append."""
        self.text += event.text


class Diary(Notebook):
    """The same under another type's name."""

    type_name = "ConformanceDiary"
    revision = REVISION


TYPES: dict[str, type[Notebook]] = {
    "ConformanceNotebook": Notebook,
    "ConformanceDiary": Diary,
}
NOTEBOOK, DIARY = TYPES


def record_of(
    key: RecordKey, version: int, *, text: str = "", payload: bytes | None = None
) -> AggregateRecord:
    """A record with every field set; of a `Notebook` with this text unless a payload is given."""
    if payload is None:
        payload = to_json(
            {"id": key.aggregate_id, "version": version, "text": text or str(version)}
        )
    moment = START + timedelta(microseconds=version % 1_000_000)
    return AggregateRecord(
        namespace=key.namespace,
        epoch=key.epoch,
        aggregate_type=key.aggregate_type,
        aggregate_id=key.aggregate_id,
        revision=key.revision,
        version=version,
        last_event_id=uuid4(),
        last_event_at=moment,
        anchor_at=moment - timedelta(days=1),
        verified_at=moment + timedelta(seconds=1),
        taken_at=moment + timedelta(seconds=2),
        codec="json",
        payload=payload,
        details=to_json({"unset": [[["text"], [[]]]]}),
    )


def verified(record: AggregateRecord, *, seconds: float) -> AggregateRecord:
    """The same record, verified so much later."""
    return record._replace(verified_at=record.verified_at + timedelta(seconds=seconds))


def another(record: AggregateRecord) -> AggregateRecord:
    """A record of the same version with another last event: another branch."""
    return record._replace(last_event_id=uuid4())


def told(record: AggregateRecord | Exception | None) -> str:
    """A short description of what was read, for messages."""
    if record is None:
        return "no record"
    if isinstance(record, Exception):
        return f"{type(record).__name__}: {record}"
    return (
        f"version {record.version} of {record.aggregate_type} {str(record.aggregate_id)[:8]} "
        f"(last event {str(record.last_event_id)[:8]}, {len(record.payload)} bytes)"
    )


def events_of(
    aggregate_id: UUID,
    count: int,
    *,
    first: int = 1,
    aggregate_type: str = NOTEBOOK,
    payload: bytes | None = None,
) -> Sequence[StoredEvent]:
    """Contiguous events of one stream, from version `first`."""
    return [
        StoredEvent(
            aggregate_type=aggregate_type,
            aggregate_id=aggregate_id,
            version=version,
            event_id=uuid4(),
            type="Written",
            schema_version=1,
            recorded_at=START + timedelta(seconds=version),
            metadata=to_json({"command_id": str(uuid4())}),
            payload=to_json({"text": str(version)}) if payload is None else payload,
        )
        for version in range(first, first + count)
    ]


def head_of(events: Sequence[StoredEvent]) -> tuple[int, UUID]:
    """The answer of `EventStore.head` when these are stored."""
    return events[-1].version, events[-1].event_id
