"""Hypothesis strategies for the events of an aggregate, and for histories that it accepts.

Hypothesis is imported when the first is asked for.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from interlock._model.aggregate import Aggregate, routes_of
from interlock.errors import ConfigurationError

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

M = TypeVar("M", bound=BaseModel)


def histories(
    aggregate_type: type[Aggregate],
    *,
    strategies: "Mapping[type[BaseModel], SearchStrategy[Any]] | None" = None,
    min_size: int = 0,
    max_size: int = 20,
) -> "SearchStrategy[list[BaseModel]]":
    """A strategy for lists of events that a new aggregate takes one after the other.

    Each event is of a class that the aggregate applies and emits, valid for pydantic, and kept by
    its JSON; one that its applier refuses in this place isn't in the list. `strategies` says how
    events of a class are drawn: a class with a validator that few values pass needs one. Raises
    `ConfigurationError` if Hypothesis isn't installed, or if the aggregate emits no event.
    """
    drawing, given = _drawing(), strategies or {}
    routes = routes_of(aggregate_type)
    classes = [each.event_class for each in routes.emits.values() if not each.is_read_only]
    if not classes:
        raise ConfigurationError(f"{routes.name} applies no event that it could emit")
    if other := [each.__name__ for each in given if each not in classes]:
        raise ConfigurationError(
            f"{routes.name} emits no {', '.join(other)}; it emits "
            f"{', '.join(each.__name__ for each in classes)}"
        )
    events = [given[each] if each in given else drawing.models(each) for each in classes]
    found: SearchStrategy[list[BaseModel]] = drawing.accepted(
        aggregate_type, events, min_size, max_size
    )
    return found


def events_of(event_type: type[M]) -> "SearchStrategy[M]":
    """A strategy for valid events of a class, or for other pydantic models.

    It goes by the types and constraints of the fields, `Field(gt=0)` or a pattern; what validators
    of the class refuse is drawn anew. Raises `ConfigurationError` if Hypothesis isn't installed,
    and when nothing that is drawn is valid.
    """
    found: SearchStrategy[M] = _drawing().models(event_type)
    return found


def _drawing() -> ModuleType:
    try:
        from interlock._testing import drawing
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "hypothesis":
            raise
        raise ConfigurationError(
            "histories are drawn by Hypothesis, which isn't installed: pip install hypothesis"
        ) from error
    return drawing
