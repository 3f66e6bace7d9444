"""What counts in states alone: one object at several places, unset names, cached properties."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, computed_field

from interlock._values.comparing import Kinds, difference
from interlock._values.differences import Difference
from interlock._values.parts import cached_properties


class Shape(BaseModel):
    sides: int = 0


class Named(BaseModel):
    """Stands in sets, in the order of the day, and can change."""

    order: ClassVar[str] = "abc"
    name: str = ""

    def __hash__(self) -> int:
        return self.order.index(self.name)


class Constant(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")
    x: Any = 0

    @cached_property
    def twice(self) -> Any:
        return self.x, self.x


class Counted(BaseModel):
    items: list[int] = []

    @cached_property
    def total(self) -> int:
        return sum(self.items)


@dataclass
class Point:
    x: object = 0


@dataclass(frozen=True)
class Fixed:
    x: object = 0


class Plain:
    pass


class Holder(BaseModel):
    left: Any = None
    right: Any = None


@dataclass
class Twice:
    left: Any
    right: Any = field(default=None)


def held(left: Any, right: Any) -> Holder:
    return Holder(left=left, right=right)


def lost(one: Any, other: Any, *, is_state: bool = True) -> Difference | None:
    return difference(one, other, Kinds(), is_state=is_state)


@pytest.mark.parametrize("make", [Shape, list, dict, set, deque, Point, Plain])
@pytest.mark.parametrize(
    "kind",
    [held, Twice, lambda *both: [*both], lambda left, right: {"a": left, "b": right}],
    ids=["model", "dataclass", "list", "dict"],
)
def test_one_object_at_two_places_of_a_state_is_not_two(
    make: Callable[[], Any], kind: Callable[..., Any]
) -> None:
    one, back = make(), make()
    together, apart = kind(one, one), kind(make(), make())
    for pair in ((together, apart), (apart, together)):
        assert lost(*pair) is not None
        assert lost(*pair, is_state=False) is None
    assert lost(together, kind(back, back)) is None


@pytest.mark.parametrize("order", ["abc", "cab"])
def test_one_object_in_a_set_and_elsewhere_is_not_two(
    monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    def team(*, is_led: bool) -> Holder:
        named = [Named(name=name) for name in "abc"]
        return held({*named}, named[-1] if is_led else Named(name="c"))

    led, alone = team(is_led=True), team(is_led=False)
    monkeypatch.setattr(Named, "order", order)
    led_back, alone_back = team(is_led=True), team(is_led=False)
    assert "".join(each.name for each in led_back.left) == order
    for pair in ((led, alone_back), (alone, led_back)):
        assert "a Named that stands at two places" in str(lost(*pair))
        assert lost(*pair, is_state=False) is None
    assert lost(led, led_back) is None
    assert lost(alone, alone_back) is None


@pytest.mark.parametrize(
    "make",
    [
        *(lambda: "x", lambda: 10**30, lambda: (1, "a"), lambda: frozenset({1})),
        *(lambda: Constant(x=1), lambda: Fixed(1), lambda: datetime(2030, 1, 1)),  # noqa: DTZ001 any
    ],
)
def test_what_cannot_change_may_stand_at_two_places(make: Callable[[], Any]) -> None:
    one = make()
    assert lost(held(one, one), held(make(), make())) is None
    assert lost(held(make(), make()), held(one, one)) is None


def test_names_that_are_unset_count_in_states_alone() -> None:
    one, other = Holder(left=Shape()), Holder(left=Shape(sides=0))
    assert lost(one, other, is_state=False) is None
    assert str(lost(one, other)) == "$.left: a Shape comes back with other names unset"


def looked_at(made: Any) -> Any:
    """The same, whose cached properties have values."""
    for name in cached_properties(type(made)):
        assert getattr(made, name)
    return made


@pytest.mark.parametrize("make", [lambda: Counted(items=[1]), lambda: Constant(x=1)])
def test_a_cached_property_is_no_state(make: Callable[[], Any]) -> None:
    assert lost(looked_at(make()), make()) is None
    assert lost([looked_at(make())], [make()], is_state=False) is None


@pytest.mark.parametrize("value", [1, (1, "a"), frozenset({1}), Fixed((1,)), Constant(x=2)])
def test_a_cached_property_of_what_cannot_change_is_never_out_of_date(value: Any) -> None:
    assert lost([looked_at(Constant(x=value))], [Constant(x=value)]) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Counted(items=[1]),
        lambda: Constant(x=[1]),
        lambda: Constant(x=([1],)),
        lambda: Constant(x=Fixed([1])),
        lambda: Constant(x=Constant(x=[1])),
        lambda: Constant(more=[1]),
    ],
)
def test_a_cached_property_of_what_may_change_counts(make: Callable[[], Any]) -> None:
    found = lost([looked_at(make())], [make()])
    assert "a cached property of what can change" in str(found)


def test_cached_properties_are_known_wherever_they_are_declared() -> None:
    class Mixin:
        @computed_field  # type: ignore[prop-decorator] # as below
        @cached_property
        def mixed(self) -> int:
            return 1

    class Base(Mixin, Counted):
        @computed_field  # type: ignore[prop-decorator] # mypy knows no property under a decorator
        @cached_property
        def more(self) -> int:
            return self.total + 1

    class Derived(Base):
        @property
        def total(self) -> int:
            return 3

    assert sorted(cached_properties(Base)) == ["mixed", "more", "total"]
    assert sorted(cached_properties(Derived)) == ["mixed", "more"]
