"""What is lost is told by its path."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from fidelity_states import Line, Size
from interlock._values.fidelity import Fidelity
from interlock.domain import Aggregate


def back(state: BaseModel) -> Any:
    json = state.__pydantic_serializer__.to_json(state, warnings="none")
    return type(state).__pydantic_validator__.validate_json(json)


class Ring(Aggregate):
    value: Any = None


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ((shared_list := [1], shared_list), "$.value: a tuple comes back as a list"),
        (frozenset([1]), "$.value: a frozenset comes back as a list"),
        (Line(), "$.value: a Line comes back as a dict"),
        (Size.SMALL, "$.value: a Size comes back as a str"),
        ([timedelta(1)], "$.value[0]: a timedelta comes back as a str"),
    ],
)
def test_what_is_lost_is_told_by_its_path(value: Any, path: str) -> None:
    state = Ring(id=UUID(int=1), version=1, value=value)
    found = Fidelity(Ring).state_details(state, None, lambda: back(state))
    assert str(found) == path


def test_a_mutable_object_shared_within_a_tuple_is_not_kept() -> None:
    class Basket(Aggregate):
        pair: tuple[Line, Line] | None = None

    line = back(Line())
    state = Basket(id=UUID(int=1), version=1)
    state.pair = (line, line)
    found = str(Fidelity(Basket).state_details(state, None, lambda: back(state)))
    assert found.startswith("$.pair[1]: a Line that stands at two places")
    assert "frozen=True" in found
