"""Checks of an aggregate class: its fields have defaults, and JSON can keep its state."""

from collections.abc import Iterator

from interlock._model.aggregate import Aggregate
from interlock._storage.record_mapper import AggregateMapper
from interlock._values.comparing import difference
from interlock._values.defaults import shared, shared_default
from interlock._values.differences import Difference
from interlock._values.fidelity import fidelity_of, told
from interlock._values.losses import declared_losses
from interlock.errors import ConfigurationError, RecordTooLargeError, StateNotKeptError


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
    kinds = fidelity_of(cls).kinds
    problem = shared_default(cls, kinds)
    if problem is not None:
        raise ConfigurationError(problem)
    first, second = cls(), cls()
    for name in cls.model_fields:
        one, other = getattr(first, name), getattr(second, name)
        if name == "id":
            continue
        problem = shared(f"{cls.__name__}.{name}", one, other, kinds)
        if problem is not None:
            raise ConfigurationError(problem)
        found = difference(one, other, kinds, is_state=True)
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
