"""A state's JSON for its checksum: a set has no order, a list has."""

from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, computed_field, field_serializer
from typing_extensions import TypedDict

from interlock._values.canonical import canonical_json

ONE, OTHER = [1, 9, 17], [17, 9, 1]  # all fall into the same place


@dataclass
class Row:
    numbers: set[int]


class Pair(NamedTuple):
    name: str
    numbers: set[int]


class Table(TypedDict):
    numbers: set[int]


class Inner(BaseModel):
    model_config = ConfigDict(extra="allow", serialize_by_alias=True)

    numbers: set[int] = Field(default=set(), alias="Numbers")
    name: str = ""


class Rows(RootModel[list[set[int]]]):
    pass


class Outer(BaseModel):
    plain: frozenset[int] = frozenset()
    nested: set[frozenset[int]] = set()
    listed: list[set[int]] = []
    queued: deque[set[int]] = deque()
    mapped: dict[str, set[int]] = {}
    row: Row | None = None
    pair: Pair | None = None
    table: Table | None = None
    inner: Inner | None = None
    rows: Rows | None = None
    anything: Any = None
    shown: set[int] = set()

    @field_serializer("shown")
    def _in_its_order(self, numbers: set[int]) -> dict[str, list[int]]:
        return {"sorted": sorted(numbers), "none": []}

    @computed_field  # type: ignore[prop-decorator] # as pydantic's documentation writes it
    @property
    def seen(self) -> set[int]:
        return set(self.plain)


def holders(numbers: list[int]) -> dict[str, dict[str, Any]]:
    return {
        "a frozenset": {"plain": frozenset(numbers)},
        "a set of sets": {"nested": {frozenset(numbers), frozenset({2})}},
        "a list of sets": {"listed": [{3}, set(numbers)]},
        "a deque of sets": {"queued": deque([set(numbers)])},
        "a mapping to sets": {"mapped": {"a": {1}, "b": set(numbers)}},
        "a dataclass": {"row": Row(set(numbers))},
        "a named tuple": {"pair": Pair("a", set(numbers))},
        "a typed dictionary": {"table": Table(numbers=set(numbers))},
        "an alias": {"inner": Inner(Numbers=set(numbers))},
        "an extra field": {"inner": Inner(more=set(numbers))},
        "a root model": {"rows": Rows([set(numbers)])},
        "a field of any type": {"anything": {"deep": [set(numbers)]}},
        "what a serializer wrote": {"shown": set(numbers)},
    }


@pytest.mark.parametrize("holder", holders(ONE))
def test_a_set_has_one_json_in_every_order(holder: str) -> None:
    one, other = (Outer(**holders(numbers)[holder]) for numbers in (ONE, OTHER))
    assert canonical_json(one) == canonical_json(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"listed": [{1}, {2}]}, {"listed": [{2}, {1}]}),
        ({"queued": deque([{1}, {2}])}, {"queued": deque([{2}, {1}])}),
        ({"anything": [1, 2]}, {"anything": [2, 1]}),
        ({"mapped": {"a": {1}, "b": {2}}}, {"mapped": {"a": {2}, "b": {1}}}),
        ({"shown": {1, 2}}, {"shown": {1, 3}}),
    ],
)
def test_all_else_has_an_order(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert canonical_json(Outer(**one)) != canonical_json(Outer(**other))
