"""From a baseline and chunks of events to a state: contiguity, upcasting; synchronous and pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from interlock._model.aggregate import Aggregate
from interlock._model.field_appliers import bare_class_of, set_class
from interlock._model.routes import EventEntry, Routes
from interlock._storage.records import EventRow, from_micros, to_micros
from interlock._values.fidelity import told
from interlock.errors import EventApplyError, StreamTruncatedError, UnknownEventError

E_co = TypeVar("E_co", bound=BaseModel, covariant=True)


@dataclass(frozen=True, slots=True)
class RecordedEvent(Generic[E_co]):
    """An event of a stream, decoded; the type in brackets is that of `event`."""

    version: int
    event_id: UUID
    event: E_co
    recorded_at: datetime
    metadata: dict[str, Any]  # Any: JSON values


_EARLIEST = to_micros(datetime.min.replace(tzinfo=UTC))
_LATEST = to_micros(datetime.max.replace(tzinfo=UTC))


class Fold:
    """A state that grows by chunks of events.

    `last_event_id` (16 bytes), `last_event_at` and `first_event_at` (microseconds, UTC) stay None
    until an event that knows them was folded or confirmed.
    """

    __slots__ = (
        "_bare",
        "_events",
        "first_event_at",
        "folded",
        "last_event_at",
        "last_event_id",
        "state",
        "version",
    )

    def __init__(self, routes: Routes, state: Aggregate) -> None:
        self._events = routes.events
        self._bare = bare_class_of(type(state))
        self.state = state
        self.version = state.version
        self.folded = 0
        self.first_event_at: int | None = None
        self.last_event_id: bytes | None = None
        self.last_event_at: int | None = None

    def extend(self, rows: Sequence[EventRow]) -> None:
        """Fold the next events.

        Raises `StreamTruncatedError` if they don't follow on the version, `UnknownEventError`, and
        `EventApplyError` if a payload doesn't validate or an applier raises.
        """
        if not rows:
            return
        if self.version == 0:
            self.first_event_at = rows[0][4]
        last = rows[-1]
        self.version = fold_rows(self._events, self.state, self.version, rows, self._bare)
        try:
            _check_times(rows)
        except OverflowError as error:
            raise _explanation(error, last, self._events, self.state) from error
        self.folded += len(rows)
        self.last_event_id, self.last_event_at = last[1], last[4]


def fold_rows(
    events: Mapping[str, EventEntry],
    state: Aggregate,
    version: int,
    rows: Iterable[Sequence[Any]],  # Any: the columns of an `EventRow`
    bare: type | None = None,
) -> int:
    """Fold the events behind the version onto the state; the new version.

    Of their rows neither ids nor times are looked at. The state has the class `bare` meanwhile, if
    there is one. Raises as `Fold.extend` does.
    """
    attributes, cls = state.__dict__, type(state)
    # Where assignments are validated, each makes the state another __dict__.
    is_replaced = cls.model_config.get("validate_assignment")
    row: Sequence[Any] = ()
    try:
        if bare is not None:
            set_class(state, bare)
        for row in rows:
            version += 1
            if row[0] != version:
                raise _gap(f"{type(state).__name__} {state.id}", version, row[0])
            entry = events[row[2]]
            if row[3] == entry.schema_version:
                event = entry.validate(row[6])
            else:
                event = entry.decode(row[3], row[6])
            attributes["version"] = version
            entry.apply(state, event)
            if is_replaced:
                attributes = state.__dict__
    except (StreamTruncatedError, UnknownEventError):
        raise
    except ValidationError as error:
        raise _explanation(error, row, events, state) from None  # its text has the payload's values
    except Exception as error:
        raise _explanation(error, row, events, state) from error
    finally:
        if bare is not None:
            set_class(state, cls)
    attributes["version"] = version  # whatever the last applier did with it
    return version


def _explanation(
    error: Exception, row: Sequence[Any], events: Mapping[str, EventEntry], state: Aggregate
) -> Exception:
    where = f"{type(state).__name__} {state.id} version {row[0]} ({row[2]})"
    if row[2] not in events:
        return UnknownEventError(
            f"{where}: this code applies no event stored as {row[2]!r}; add an applier, or "
            "name it in an event's former_names"
        )
    return EventApplyError(f"{where} could not be applied: {_said(error)}")


def _check_times(rows: Sequence[EventRow]) -> None:
    """Raise `OverflowError` if the first or the last event has a time that no datetime holds."""
    for row in (rows[0], rows[-1]):
        if not _EARLIEST <= row[4] <= _LATEST:
            from_micros(row[4])


def decoded(routes: Routes, row: EventRow) -> RecordedEvent[BaseModel]:
    """The event of a row. Raises as `Fold.extend` does."""
    version, event_id, name, schema_version, recorded_at, metadata, payload = row
    entry = routes.events.get(name)
    if entry is None:
        raise UnknownEventError(
            f"{routes.name} version {version}: this code applies no event stored as {name!r}"
        )
    try:
        event = entry.decode(schema_version, payload)
        return RecordedEvent(
            version, UUID(bytes=event_id), event, from_micros(recorded_at), from_json(metadata)
        )
    except UnknownEventError:
        raise
    except ValidationError as error:
        raise EventApplyError(f"{routes.name} version {version} ({name}): {told(error)}") from None
    except Exception as error:
        raise EventApplyError(f"{routes.name} version {version} ({name}): {error!r}") from error


def following(stream: str, rows: Sequence[EventRow], version: int | None) -> int | None:
    """The version behind these rows, which begin with `version` or, if it is None, anywhere.

    Raises `StreamTruncatedError` where one is missing or stands twice.
    """
    for row in rows:
        if version is not None and row[0] != version:
            raise _gap(stream, version, row[0])
        version = row[0] + 1
    return version


def _said(error: Exception) -> str:
    """The text of an error; of pydantic's only the parts without values."""
    return told(error) if isinstance(error, ValidationError) else repr(error)


def _gap(stream: str, wanted: int, found: int) -> StreamTruncatedError:
    return StreamTruncatedError(
        f"{stream}: wanted the event of version {wanted}, the event "
        f"store gave version {found}; events are missing from the stream"
    )
