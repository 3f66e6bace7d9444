"""A state comes back from its record as it was, or there is no record; an event likewise."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError, model_serializer
from pydantic_core import PydanticSerializationError, to_json

from fidelity_states import Constrained, Line, Order, Size, composites
from interlock._values.closed import closed_walk
from interlock._values.comparing import Kinds, difference
from interlock._values.fidelity import Fidelity, fidelity_of, has_long_number, told, told_of
from interlock._values.sharing import details_of, restore
from interlock.domain import Aggregate
from thorough import UNHURRIED


def back(state: BaseModel) -> Any:
    json = state.__pydantic_serializer__.to_json(state, warnings="none")
    return type(state).__pydantic_validator__.validate_json(json)


@UNHURRIED
@given(st.dictionaries(st.sampled_from(sorted(Order.model_fields)), composites, max_size=4))
def test_what_the_walk_passes_comes_back(fields: dict[str, Any]) -> None:
    walk = closed_walk(Order, Kinds())
    assert walk is not None
    state = Order(id=UUID(int=1), version=1)
    for name, value in fields.items():
        setattr(state, name, value)
    ids: list[int] = []
    if walk(state, ids) and len({*ids}) == len(ids):
        copy = back(state)
        restore(copy, details_of(state, Kinds()))
        assert difference(state, copy, Kinds(), is_state=True) is None


def fill(state: Order) -> None:
    state.lines = [
        Line(sku="a", price=Decimal("1.10"), at=datetime.now(UTC), note="x", size=Size.SMALL)
    ]
    state.tags, state.codes, state.pair = {"x", "y"}, frozenset({1}), (1, "a")
    state.numbers, state.when, state.owner = (1.5, -0.0), date(2030, 1, 1), UUID(int=1)


def test_the_walk_passes_what_is_as_declared() -> None:
    walk, state = closed_walk(Order, Kinds()), Order(id=UUID(int=1))
    fill(state)
    assert walk is not None
    assert walk(state, [])
    assert closed_walk(Constrained, Kinds()) is None


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("zeros", [4298, 4299, 4300, 9000])
@pytest.mark.parametrize("before", range(0, 9000, 1500))
def test_a_number_that_is_too_long_to_be_read_is_found(sign: int, zeros: int, before: int) -> None:
    number = sign * 10**zeros

    class Numbers(BaseModel):
        text: str = "x" * before
        number: int = 0

    made = Numbers(number=number)
    json = made.__pydantic_serializer__.to_json(made)
    try:
        assert back(made).number == number
    except ValueError:
        assert has_long_number(json)


def share(state: Order) -> None:
    state.by_sku["a"] = state.lines[0]


def share_twice(state: Order) -> None:
    share(state)
    state.by_sku["b"] = state.lines[0]
    state.lines.append(state.lines[0])


def unset_below(state: Order) -> None:
    state.lines += [Line(sku="b"), Line(), Line(note="x")]


def share_with_all_names_set(state: Order) -> None:
    state.__dict__.update(back(state).__dict__)
    state.model_fields_set.update(Order.model_fields)
    share(state)


@pytest.mark.parametrize("change", [id, share, share_twice, unset_below, share_with_all_names_set])
@pytest.mark.parametrize("is_json", [True, False])
def test_the_details_say_what_json_cannot(
    change: Callable[[Order], object],
    is_json: bool,  # noqa: FBT001 a parameter
) -> None:
    state = Order(id=UUID(int=1), version=1)
    fill(state)
    change(state)
    json = state.__pydantic_serializer__.to_json(state) if is_json else None
    details = Fidelity(Order).state_details(state, json, lambda: back(state))
    assert isinstance(details, bytes)
    copy = back(state)
    if details:
        restore(copy, details)
    assert difference(state, copy, Kinds(), is_state=True) is None
    assert copy.model_dump(exclude_unset=True) == state.model_dump(exclude_unset=True)
    assert {id(line) for line in copy.lines}.isdisjoint({id(line) for line in state.lines})
    if change in (share, share_twice):
        copy.lines[0].sku = "changed"
        assert {line.sku for line in copy.by_sku.values()} == {"changed"}


@pytest.mark.parametrize(
    "shared",
    [
        *([["lines"], ["unknown"]], [["lines"], [0]], [["lines"], ["lines", 0, "unknown"]]),
        *(
            [[], ["address"]],
            [["lines"], ["lines", 0]],
            [["lines"], []],
            [["lines", 99], ["other"]],
        ),
    ],
)
def test_details_of_what_is_not_there_are_refused(shared: list[list[str | int]]) -> None:
    state = Order(id=UUID(int=1), version=1)
    fill(state)
    with pytest.raises((KeyError, IndexError, TypeError, ValueError)):
        restore(state, to_json({"shared": [shared]}))


def test_a_state_with_every_name_set_and_nothing_shared_has_no_details() -> None:
    state = back(Order(id=UUID(int=1)))
    state.other = state.address
    assert details_of(state, Kinds()) == b""
    json = state.__pydantic_serializer__.to_json(state)
    assert Fidelity(Order).state_details(state, json, lambda: back(state)) == b""


def test_the_unset_names_of_the_state_itself_are_said() -> None:
    state = Line(sku="a", note="x")
    json = state.__pydantic_serializer__.to_json(state)
    details = Fidelity(Line).state_details(state, json, lambda: back(state))
    assert details == b'{"unset":[[["price","at","size"],[[]]]]}'
    copy = back(state)
    restore(copy, details)
    assert copy.model_fields_set == {"sku", "note"}


def test_a_look_tells_of_small_states_whose_parts_cannot_change() -> None:
    def look(state: BaseModel) -> bool:
        json = state.__pydantic_serializer__.to_json(state, warnings="none")
        return Fidelity(type(state)).is_plainly_exact(state, json)

    order = Order(id=UUID(int=1))
    fill(order)
    order.__pydantic_fields_set__.update(Order.model_fields)
    (line,) = order.lines
    assert look(line)
    assert not look(line.model_copy(update={"note": 1}))
    assert not look(line.model_copy(update={"note": "x" * 5_000}))
    assert not look(Line(sku="a"))
    assert not look(order)


class Stamp(BaseModel):
    model_config = ConfigDict(extra="allow")
    line: Line | None = None


@dataclass
class Pack:
    line: Line


class Shelf(Aggregate):
    line: Line = Line()
    lines: deque[Line] = deque()
    pack: Pack | None = None
    stamp: Stamp = Stamp()
    names: list[str] = []
    more: list[list[str]] = []


def put_into_field(shelf: Shelf, line: Line) -> None:
    shelf.line = line


def put_into_deque(shelf: Shelf, line: Line) -> None:
    shelf.lines = deque([Line(), line])


def put_into_dataclass(shelf: Shelf, line: Line) -> None:
    shelf.pack = Pack(line)


def put_into_model(shelf: Shelf, line: Line) -> None:
    shelf.stamp = Stamp(line=line)


def share_names(shelf: Shelf, line: Line) -> None:
    shelf.more, shelf.names = [[], shelf.names, ["x"]], ["y"]
    shelf.names = shelf.more[2]


@pytest.mark.parametrize("put", [put_into_deque, put_into_dataclass, put_into_model, share_names])
def test_one_object_is_put_back_wherever_it_stood(put: Callable[[Shelf, Line], None]) -> None:
    line, state = Line(sku="a"), Shelf(id=UUID(int=1))
    put_into_field(state, line)
    put(state, line)
    details = Fidelity(Shelf).state_details(state, None, lambda: back(state))
    assert isinstance(details, bytes)
    copy = back(state)
    restore(copy, details)
    assert difference(state, copy, Kinds(), is_state=True) is None


def test_unset_and_shared_extras_come_back() -> None:
    state = Stamp.model_construct(set(), one=(names := ["x"]), other=names)
    details = Fidelity(Stamp).state_details(state, None, lambda: back(state))
    assert isinstance(details, bytes)
    copy = back(state)
    restore(copy, details)
    assert copy.model_fields_set == set()
    assert copy.one is copy.other


def test_each_class_has_a_fidelity_of_its_own() -> None:
    class Special(Line):
        more: int = 0

    assert fidelity_of(Line) is fidelity_of(Line)
    assert fidelity_of(Special) is not fidelity_of(Line)


def test_what_does_not_validate_is_told_by_its_field_and_never_by_a_key_or_value() -> None:
    class Cards(BaseModel):
        limits: dict[str, int] = {}

    with pytest.raises(ValidationError) as caught:
        Cards.model_validate_json('{"limits": {"4111": "ann"}}')
    assert told(caught.value) == "$.limits: int_parsing"
    assert told(ValueError("4111")) == "ValueError"


def cycle() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


class Written(BaseModel):
    value: Any = None

    @model_serializer
    def write(self) -> dict[str, Any]:
        return {"value": self.value}


@pytest.mark.parametrize("value", ["4111\ud800", {"4111\ud800": 1}, cycle(), nested(5000), id])
def test_what_cannot_be_encoded_is_told_by_its_field_and_never_by_a_key_or_value(
    value: Any,
) -> None:
    for model, path in (
        (Stamp.model_construct(line=Line.model_construct(sku=value)), "$.line: "),
        (Stamp.model_construct(other=1, more=value), "$.more: "),
        (Written(value=value), ""),  # a serializer of the whole hides which it is
    ):
        with pytest.raises(PydanticSerializationError) as caught:
            model.__pydantic_serializer__.to_json(model)
        assert told_of(model, caught.value) == f"{path}PydanticSerializationError"


def test_details_of_another_shape_raise() -> None:
    for details in (
        b"[]",
        b"{",
        b'{"shared":[[["nowhere"],["lines"]]]}',
        b'{"unset":[["x",[[9]]]]}',
    ):
        with pytest.raises(Exception, match=r".") as caught:
            restore(Order(), details)
        assert not isinstance(caught.value, asyncio.CancelledError)
