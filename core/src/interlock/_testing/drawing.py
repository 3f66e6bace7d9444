"""How events and histories are drawn; only `histories` imports it, as it needs Hypothesis."""

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time
from decimal import Decimal
from math import ceil, floor, isfinite
from random import Random
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import annotated_types
from hypothesis import HealthCheck, Phase, find, reject, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy
from pydantic import AwareDatetime, BaseModel, NaiveDatetime, ValidationError
from pydantic.fields import FieldInfo

from interlock._model.aggregate import Aggregate
from interlock._values.fidelity import told
from interlock.errors import ConfigurationError, EventApplyError

M = TypeVar("M", bound=BaseModel)

# Any, in this module: values of whatever type a field has, and type forms.
Drawn = SearchStrategy[Any]
_AWARE = st.datetimes(timezones=st.just(UTC))
_SIMPLE: Mapping[Any, Drawn] = {
    float: st.floats(allow_nan=False, allow_infinity=False),
    AwareDatetime: _AWARE,
    NaiveDatetime: st.datetimes(),
    datetime: _AWARE,
    time: st.times(),
    # Of few digits: JSON of others keeps exponents that a Decimal may not come back with.
    Decimal: st.decimals(-(10**9), 10**9, places=2),
    object: st.none() | st.booleans() | st.integers() | st.text(),
    Any: st.none() | st.booleans() | st.integers() | st.text(),
}
_COLLECTIONS: Mapping[Any, Callable[..., Drawn]] = {
    list: st.lists,
    Sequence: st.lists,
    Iterable: st.lists,
    set: st.sets,
    frozenset: st.frozensets,
}


_KNOWN = (
    annotated_types.Gt,
    annotated_types.Ge,
    annotated_types.Lt,
    annotated_types.Le,
    annotated_types.MinLen,
    annotated_types.MaxLen,
    annotated_types.MultipleOf,
    annotated_types.Predicate,
)
_TRIES_IN_A_ROW = 5
_PROBE = settings(
    max_examples=200,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[*HealthCheck],
)


def accepted(
    aggregate_type: type[Aggregate],
    strategies: Sequence[SearchStrategy[BaseModel]],
    min_size: int,
    max_size: int,
) -> SearchStrategy[list[BaseModel]]:
    """Lists of events of the strategies that a new aggregate takes one after the other."""
    events = st.one_of(strategies)

    @st.composite
    def history(draw: st.DrawFn) -> list[BaseModel]:
        state, taken = aggregate_type(), list[BaseModel]()
        for _ in range(draw(st.integers(min_size, max_size))):
            for _ in range(_TRIES_IN_A_ROW):
                event = draw(events)
                try:
                    state.emit(event)
                except EventApplyError:
                    state = _replayed(aggregate_type, taken)  # an applier may have got half-way
                else:
                    taken.append(event)
                    break
        if len(taken) < min_size:
            reject()
        return taken

    return history()


def models(model: type[M]) -> SearchStrategy[M]:
    """Valid objects of a model class. Raises `ConfigurationError` if none is found at once."""
    arguments = _arguments(model)
    _check_drawable(model, arguments)

    @st.composite
    def valid(draw: st.DrawFn) -> M:
        for _ in range(_TRIES_IN_A_ROW):
            with suppress(ValidationError):
                return model.model_validate(draw(arguments), by_name=True)
        return reject()

    return valid()


def _check_drawable(model: type[BaseModel], arguments: Drawn) -> None:
    reasons: list[str] = []

    def is_valid(given: Any) -> bool:
        try:
            model.model_validate(given, by_name=True)
        except ValidationError as error:
            reasons.append(told(error))
            return False
        return True

    try:
        find(arguments, is_valid, settings=_PROBE, random=Random(0))  # noqa: S311 no secret
    except NoSuchExample:
        raise ConfigurationError(
            f"no valid {model.__name__} was drawn ({reasons[-1]}); give a strategy for it: "
            f"strategies={{{model.__name__}: ...}}"
        ) from None


def _replayed(aggregate_type: type[Aggregate], events: Sequence[BaseModel]) -> Aggregate:
    state = aggregate_type()
    for event in events:
        state.emit(event)
    return state


def _arguments(model: type[BaseModel]) -> Drawn:
    """What a model is validated from: dictionaries with a value for each field, or its default."""
    required: dict[Any, Drawn] = {}
    optional: dict[Any, Drawn] = {}
    for name, field in model.model_fields.items():
        values = _drawn(field.annotation, tuple(field.metadata))
        (required if field.is_required() else optional)[name] = values
    return st.fixed_dictionaries(required, optional=optional)


def _drawn(form: Any, constraints: tuple[Any, ...]) -> Drawn:
    """Values of a type, within its constraints."""
    origin, arguments = get_origin(form), get_args(form)
    if origin is Annotated:
        return _drawn(arguments[0], (*arguments[1:], *constraints))
    if type(form).__name__ == "TypeAliasType":  # `type Amount = ...`
        return _drawn(form.__value__, constraints)
    if isinstance(form, TypeVar):
        return _drawn(form.__bound__ or Any, constraints)
    if origin in (Union, types.UnionType):
        return st.one_of([_drawn(each, constraints) for each in arguments])
    if isinstance(form, type) and issubclass(form, BaseModel):
        return st.deferred(lambda: _arguments(form))
    if origin in _COLLECTIONS:
        return _COLLECTIONS[origin](_drawn(arguments[0], ()), **_sizes(constraints))
    if origin in (dict, Mapping):
        keys, values = (_drawn(each, ()) for each in arguments)
        return st.dictionaries(keys, values, **_sizes(constraints))
    if origin is tuple:
        return _tuples(arguments, constraints)
    pattern = next((p for each in _flat(constraints) if (p := _pattern(each))), None)
    if pattern is not None:
        return st.from_regex(pattern)
    return _plain(form, [each for each in _flat(constraints) if _is_known(each)])


def _tuples(arguments: tuple[Any, ...], constraints: tuple[Any, ...]) -> Drawn:
    if len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004 as in tuple[int, ...]
        return st.lists(_drawn(arguments[0], ()), **_sizes(constraints)).map(tuple)
    return st.tuples(*(_drawn(each, ()) for each in arguments))


def _plain(form: Any, constraints: Sequence[Any]) -> Drawn:
    """Values of a type without parts."""
    if not constraints and form in _SIMPLE:
        return _SIMPLE[form]
    step = next((each.multiple_of for each in constraints if _is_step(each)), None)
    if step is not None:
        return _multiples(step, **_bounds(constraints))
    if form is Decimal:
        return st.decimals(**_bounds(constraints), places=2)
    constrained: Any = Annotated[form, *constraints] if constraints else form
    drawn: Drawn = st.from_type(constrained)
    return drawn.filter(isfinite) if form is float else drawn


def _is_known(constraint: Any) -> bool:
    """Whether it narrows what is drawn; what the others say is left to validation."""
    return isinstance(constraint, _KNOWN)


def _is_step(constraint: Any) -> bool:
    return isinstance(constraint, annotated_types.MultipleOf)


def _multiples(step: Any, min_value: Any = None, max_value: Any = None) -> Drawn:
    low = None if min_value is None else ceil(min_value / step)
    high = None if max_value is None else floor(max_value / step)
    return st.integers(low, high).map(lambda number: number * step)


def _flat(constraints: Iterable[Any]) -> Iterable[Any]:
    """The constraints, those in groups one by one."""
    for each in constraints:
        if isinstance(each, FieldInfo):
            yield from _flat(each.metadata)
        elif isinstance(each, annotated_types.GroupedMetadata):
            yield from _flat(each)
        else:
            yield each


def _pattern(constraint: Any) -> str | None:
    """The pattern as Python reads it: pydantic's `$` is the end, and never before a line feed."""
    pattern = getattr(constraint, "pattern", None)
    if pattern is None:
        return None
    text = str(getattr(pattern, "pattern", pattern))
    is_end = text.endswith("$") and not text.endswith("\\$")
    return text.removesuffix("$") + r"\Z" if is_end else text


def _sizes(constraints: tuple[Any, ...]) -> dict[str, Any]:
    sizes: dict[str, Any] = {"max_size": 5}
    for each in _flat(constraints):
        if isinstance(each, annotated_types.MinLen):
            sizes["min_size"] = each.min_length
            sizes["max_size"] = max(sizes["max_size"], each.min_length + 5)
        elif isinstance(each, annotated_types.MaxLen):
            sizes["max_size"] = min(sizes["max_size"], each.max_length)
    return sizes


def _bounds(constraints: Sequence[Any]) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    for each in constraints:
        for name in ("ge", "gt"):
            if (low := getattr(each, name, None)) is not None:
                bounds["min_value"] = low
        for name in ("le", "lt"):
            if (high := getattr(each, name, None)) is not None:
                bounds["max_value"] = high
    return bounds
