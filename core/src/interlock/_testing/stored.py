"""Events as an event store would give them, without a store."""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from interlock._engine.fold import Fold
from interlock._model.aggregate import Aggregate, pending_of, routes_of
from interlock._storage.records import EventRow

A = TypeVar("A", bound=Aggregate)

_SECOND = 1_000_000  # microseconds
_BEGINNING = 1_000_000_000 * _SECOND


def stored(
    aggregate_type: type[Aggregate], aggregate_id: UUID, events: Iterable[BaseModel]
) -> list[EventRow]:
    """The events as they are stored when a handler emits them. Raises what `emit` raises."""
    scratch = aggregate_type(id=aggregate_id)
    for event in events:
        scratch.emit(event)
    return pending_rows(scratch)


def pending_rows(state: Aggregate) -> list[EventRow]:
    """The events that were emitted, as they are stored."""
    pending = pending_of(state)
    return [
        EventRow(
            version,
            each.event_id.bytes,
            each.type,
            each.schema_version,
            _BEGINNING + version * _SECOND,
            b"{}",
            each.payload,
        )
        for version, each in enumerate(pending, state.version - len(pending) + 1)
    ]


def folded(aggregate_type: type[A], aggregate_id: UUID, rows: Sequence[EventRow]) -> A:
    """The aggregate that a load makes of stored events. Raises as `Fold.extend` does."""
    state = aggregate_type(id=aggregate_id)
    Fold(routes_of(aggregate_type), state).extend(rows)
    return complete(state)


def complete(state: A) -> A:
    """As a load completes a state: all fields count as set."""
    state.__pydantic_fields_set__.update(type(state).model_fields)
    return state
