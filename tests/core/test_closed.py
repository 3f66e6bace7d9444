"""The check of closed types: what it passes is exact, and what it doesn't know isn't closed."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    NaiveDatetime,
    Strict,
)
from pydantic_core import TzInfo

from closed_states import (
    NOON,
    WRITTEN,
    Address,
    Aliased,
    Color,
    Grown,
    Guessing,
    Late,
    Lax,
    Line,
    Many,
    Mixed,
    Own,
    Place,
    Plain,
    Point,
    Private,
    Recursive,
    Rooted,
    Size,
    Slots,
    Special,
    State,
    Tags,
    Typed,
    Valued,
    Variadic,
    Written,
    configured,
)
from interlock._values.closed import UNSET, closed_walk
from interlock._values.comparing import Kinds
from interlock._values.fidelity import Fidelity


def noted(state: BaseModel) -> list[int] | None:
    """What the walk notes of a state that it passes; None of another."""
    walk, ids = closed_walk(State, Kinds()), list[int]()
    assert walk is not None
    return ids if walk(state, ids) else None


ITEMS: list[Any] = [1]
LINE = Line(count=1, price=1.0)


def odd(cls: type[BaseModel] = Line, /, **attributes: Any) -> BaseModel:
    """A line, or another model, with other attributes than it is declared with."""
    made = cls()
    made.__dict__.clear()
    made.__dict__.update(attributes)
    return made


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"number": 2**70, "ratio": -0.0, "price": Decimal("1.10"), "limit": 1.5},
        {"at": datetime(2030, 1, 1), "seen": NOON.replace(tzinfo=TzInfo(3600))},  # noqa: DTZ001 may be
        {"numbers": [1], "tags": {"x"}, "ratios": frozenset({1.0}), "several": (1.0,)},
        {"counts": {"a": 1}, "lines": {"a": Line()}, "pair": (1, Line()), "line": Line()},
        {"size": Size.SMALL, "kind": "b", "owner": UUID(int=1), "day": date(2030, 1, 1)},
    ],
)
def test_what_is_as_declared_passes(given: dict[str, Any]) -> None:
    state = State(**given)
    back = State.model_validate_json(state.model_dump_json())
    assert noted(state) is not None
    assert noted(back) is not None
    assert back == state


ODD: dict[str, list[Any]] = {
    "number": [True, 1.0, Decimal(1), None],
    "ratio": [1, float("inf"), float("nan")],
    "price": [1.0, Decimal("NaN"), Decimal("-Infinity")],
    "limit": [1, float("nan")],
    "text": [Size.SMALL, b"x"],
    "at": [
        *(NOON.replace(fold=1), date(2030, 1, 1)),
        *(NOON.replace(tzinfo=ZoneInfo("Europe/Berlin")), NOON.replace(tzinfo=timezone.max)),
        *(NOON.replace(tzinfo=TzInfo(1)), NOON.replace(tzinfo=TzInfo(-61))),
    ],
    "seen": [NOON.replace(tzinfo=None), NOON.replace(fold=1)],
    "day": [NOON],
    "color": ["red", Size.SMALL],
    "size": ["small"],
    "kind": ["c", Size.SMALL],
    "numbers": [(1,), [True], [1, "1"]],
    "prices": [[1], [Decimal(1), Decimal("NaN")]],
    "tags": [frozenset({"x"}), {1}, ["x"]],
    "ratios": [{1.0}, frozenset({1}), frozenset({float("inf")})],
    "counts": [{1: 1}, {Size.SMALL: 1}, {"a": True}],
    "lines": [{"a": {}}, {"a": Line.model_construct(price=1)}],
    "pair": [(1,), (True, None), [1, None], (1, Special()), (1, odd(count=True, price=0.0))],
    "several": [[1.0], (1,), (1.0, float("inf"))],
    "line": [
        *(Special(), {}, odd(count="1", price=0.0), odd(count=1, price=float("inf"))),
        *(odd(price=0.0, count=0), odd(count=0), odd(count=0, price=0.0, more=1)),
    ],
    "address": [Address.model_construct(tags=ITEMS)],
    "home": [odd(Place, street="", city=""), odd(Place, city="", town="")],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in ODD.items() for value in values]
)
def test_what_is_not_as_declared_does_not_pass(name: str, value: Any) -> None:
    state = State()
    state.__dict__[name] = value
    assert noted(state) is None


def test_an_object_of_another_class_or_with_other_attributes_does_not_pass() -> None:
    assert noted(Grown()) is None
    more, reordered = State(), State()
    more.__dict__["more"] = 1
    reordered.__dict__["rows"] = reordered.__dict__.pop("rows")  # all that follow are lists
    assert noted(more) is None
    assert noted(reordered) is None


@pytest.mark.parametrize(
    "attributes",
    [
        {"line": LINE, "other": LINE},
        {"pair": (1, LINE), "other": LINE},
        {"lines": {"a": LINE}, "other": LINE},
        {"rows": [ITEMS, ITEMS]},
        {"numbers": ITEMS, "rows": [ITEMS]},
        {"groups": [group := {1}, group]},
        {"counts": (counts := {"a": 1}), "maps": [counts]},
        {"address": Address(city="a", tags=(tags := ["x"])), "former": Address(tags=tags)},
    ],
    ids=str,
)
def test_one_object_at_two_places_is_noted_twice(attributes: dict[str, Any]) -> None:
    state = State()
    state.__dict__.update(attributes)
    if "former" in attributes:
        state.former.__dict__["tags"] = state.address.tags
    ids = noted(state)
    assert ids is not None
    objects = [each for each in ids if each != UNSET]
    assert len({*objects}) == len(objects) - 1


def test_one_object_that_cannot_change_may_stand_at_two_places() -> None:
    place, ratios = Place(city="a", street=""), frozenset({1.0})
    ids = noted(State(home=place, work=place, ratios=ratios, more=ratios))
    assert ids is not None
    objects = [each for each in ids if each != UNSET]
    assert len({*objects}) == len(objects)


@pytest.mark.parametrize("name", ["line", "address"])
def test_unset_names_below_the_root_are_noted(name: str) -> None:
    full = State(line=LINE, other=Line(count=0, price=0.0))
    for address in ("address", "former"):
        full.__dict__[address] = Address(city="", tags=[])
    assert UNSET not in (noted(full) or [UNSET])
    full.__dict__[name] = type(getattr(full, name))()
    assert UNSET in (noted(full) or [])


@pytest.mark.parametrize(
    "annotation",
    [
        *(Any, object, bytes, timedelta, time, complex, list, dict, tuple, set, int | str),
        *(NaiveDatetime, Annotated[datetime, Field(gt=NOON)], Annotated[int, Field(ge=0)]),
        *(Annotated[int, Strict()], Annotated[Color, Strict()]),
        Annotated[str, BeforeValidator(str)],
        *(Annotated[float, Field(allow_inf_nan=False)], Annotated[Decimal, Field(max_digits=9)]),
        *(Annotated[list[int], Field(max_length=2)], Annotated[set[int], Field(max_length=2)]),
        *(Annotated[frozenset[int], Field(max_length=2)], Annotated[list[int] | None, Strict()]),
        *(Annotated[dict[str, int], Field(max_length=2)], dict[int, int], dict[Any, int]),
        Annotated[tuple[int, ...], Field(max_length=2)],
        *(set[tuple[int, int]], set[Address], frozenset[frozenset[int]]),
        *(Annotated[each, WRITTEN] for each in (datetime, Color, Literal["a"], UUID, Address)),
        *(
            Annotated[each, WRITTEN]
            for each in (list[int], set[int], frozenset[int], dict[str, int])
        ),
        *(Annotated[each, WRITTEN] for each in (int | None, tuple[int, ...], tuple[int, str])),
        *(Tags, Guessing, Mixed, Lax, Literal["a", 1], Literal[Size.SMALL]),
        *(Variadic, Plain, Typed, Point, Rooted, Recursive, Private, Late, Slots, Own),
        *(Written, Aliased, Valued, Many, configured(ser_json_inf_nan="constants")),
        *(configured(extra="allow"), configured(str_to_lower=True), configured(strict=True)),
    ],
    ids=lambda annotation: re.sub(" at 0x[0-9a-f]+", "", str(annotation)),
)
def test_what_is_not_known_to_be_exact_is_not_closed(annotation: Any) -> None:
    class Made(BaseModel):
        field: annotation = None

    try:
        walk = closed_walk(Made, Kinds())
    except (KeyError, RecursionError) as error:
        pytest.fail(f"it took the class for another kind: {error!r}")
    assert walk is None


@pytest.mark.parametrize("cls", [Rooted, Recursive, Private, Late, Slots, Own, Many])
def test_a_class_itself_is_not_closed_either(cls: type[BaseModel]) -> None:
    assert closed_walk(cls, Kinds()) is None


@pytest.mark.parametrize(
    "options",
    [
        *({"frozen": True}, {"extra": "forbid"}, {"title": "x"}, {"validate_assignment": True}),
        *({"validate_by_name": True}, {"populate_by_name": True}, {"validate_default": True}),
    ],
)
def test_settings_that_change_no_json_leave_it_closed(options: dict[str, Any]) -> None:
    assert closed_walk(configured(**options), Kinds()) is not None


class Numbers(BaseModel):
    number: int = 0


def decoder(state: BaseModel) -> Callable[[], BaseModel]:
    def decode() -> BaseModel:
        pytest.fail("it was decoded")

    return decode


def test_an_exact_state_is_not_decoded_and_one_with_a_long_number_is() -> None:
    for number in (1, 10**4000):
        state = Numbers(number=number)
        json = state.model_dump_json().encode()
        assert Fidelity(Numbers).state_details(state, json, decoder(state)) == b""
    state = Numbers(number=10**5000)
    json = state.__pydantic_serializer__.to_json(state)
    with pytest.raises(ValueError, match="number"):
        Fidelity(Numbers).state_details(state, json, lambda: Numbers.model_validate_json(json))
