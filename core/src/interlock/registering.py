"""What an aggregate class has to fulfil: fields with defaults, and a state that JSON can keep."""

from collections import deque
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel

from interlock._values.comparing import Difference, difference
from interlock._values.fidelity import Fidelity, fidelity_of, told
from interlock._values.losses import declared_losses
from interlock.aggregate import Aggregate
from interlock.errors import ConfigurationError, RecordTooLargeError, StateNotKeptError
from interlock.mapper import AggregateMapper


def check_defaults(cls: type[Aggregate]) -> None:
    """Raise `ConfigurationError` for a field without a default that is the same and its own.

    Two states that share an object that can change would change together.
    """
    required = [name for name, field in cls.model_fields.items() if field.is_required()]
    if required:
        raise ConfigurationError(
            f"{cls.__name__}: {', '.join(required)} without a default; an aggregate starts empty, "
            "so give every field one"
        )
    first, second, fidelity = cls(), cls(), fidelity_of(cls)
    for name in cls.model_fields:
        one, other = getattr(first, name), getattr(second, name)
        if name == "id":
            continue
        shared = _shared(one, other, fidelity)
        if shared is not None:
            raise ConfigurationError(
                f"{cls.__name__}.{name}: two new aggregates share one {type(shared).__name__}, "
                "and what changes one changes the other; give the field a default_factory that "
                "makes a new one, or make the class immutable (frozen=True)"
            )
        found = difference(one, other, fidelity.kinds, is_state=True)
        if found is not None:
            raise ConfigurationError(
                f"{cls.__name__}.{name}{found.path}: the default varies from one new aggregate to "
                "the next; set it from an event"
            )


def check_state(cls: type[Aggregate], mapper: AggregateMapper) -> None:
    """Raise `ConfigurationError` for what JSON loses of every state, or of the defaults."""
    problems = declared_losses(cls, is_state=True) or list(_default_losses(cls, mapper))
    if problems:
        raise ConfigurationError(
            f"the state of {cls.__name__} doesn't survive its JSON, so it can be neither cached "
            "nor snapshotted:\n" + "\n".join(f"- {problem}" for problem in problems)
        )


def _default_losses(cls: type[Aggregate], mapper: AggregateMapper) -> Iterator[str]:
    state = cls()
    try:
        payload = mapper.encode(state)
        back = mapper.codec.decode(cls, payload)
    except StateNotKeptError as error:
        yield f"{cls.__name__}'s defaults can't be kept: {error.where}"
        return
    except RecordTooLargeError as error:
        yield f"{cls.__name__}'s defaults are too large for its codec: {error}"
        return
    except Exception as error:  # noqa: BLE001 whatever a validator or codec raises
        yield (
            f"{cls.__name__}'s defaults don't come back from their JSON ({told(error)}); give the "
            "field a default that its type allows"
        )
        return
    for name in cls.model_fields:
        found: Difference | None = difference(
            getattr(state, name), getattr(back, name), fidelity_of(cls).kinds, is_state=False
        )
        if found is not None:
            yield (
                f"{cls.__name__}.{name}: the default doesn't come back from its JSON "
                f"({found.below(f'.{name}')}); write a default that is what the type says"
            )


def _shared(one: Any, other: Any, fidelity: Fidelity) -> object | None:  # Any: fields' values
    """An object that can change and stands in both."""
    mine = {id(value): value for value in _mutable(one, fidelity)}
    return next((value for value in _mutable(other, fidelity) if id(value) in mine), None)


def _mutable(value: Any, fidelity: Fidelity) -> Iterator[object]:  # Any: as above
    todo, seen = [value], set[int]()
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if fidelity.kinds[type(value)].can_change:
            yield value
        if isinstance(value, BaseModel):
            for part in (value.__dict__, value.__pydantic_extra__, value.__pydantic_private__):
                todo += (part or {}).values()
        elif isinstance(value, dict):
            todo += [*value, *value.values()]
        elif isinstance(value, list | tuple | set | frozenset | deque):
            todo += value
        elif is_dataclass(value) and not isinstance(value, type):
            todo += [getattr(value, name, None) for name in value.__dataclass_fields__]
