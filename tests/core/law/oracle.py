"""Plain replay: events in a list, folded from the first one each time."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NamedTuple
from uuid import UUID

from law.model import APPLIERS, HANDLERS, Plain, empty

Event = tuple[str, Plain]


class Decision(NamedTuple):
    """What a handler answers, or how it fails, and the events that are then stored."""

    outcome: Any
    events: tuple[Event, ...]


def fold(aggregate: str, aggregate_id: UUID, events: Sequence[Event]) -> Plain:
    state = empty(aggregate, aggregate_id)
    for version, (name, values) in enumerate(events, 1):
        state["version"] = version
        APPLIERS[name](state, deepcopy(values))
    return state


def decide(name: str, command: Plain, state: Plain) -> Decision:
    emitted: list[Event] = []

    def emit(event: str, **values: Any) -> None:
        emitted.append((event, deepcopy(values)))
        state["version"] += 1
        APPLIERS[event](state, deepcopy(values))

    try:
        return Decision(("value", deepcopy(HANDLERS[name](state, emit, command))), tuple(emitted))
    except Exception as error:  # noqa: BLE001 a handler's failure is an answer
        return Decision(("error", type(error).__name__, str(error)), ())
