"""States that JSON would lose are refused on registration, or noticed when they are kept."""

import random
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, Field, PrivateAttr

from interlock.aggregate import Aggregate
from interlock.errors import ConfigurationError
from interlock.roundtrip import check_defaults, check_fields, same


class Shape(BaseModel):
    sides: int = 0


class Square(Shape):
    length: int = 0


class Plain(BaseModel):
    x: int = 0


class Abstract(BaseModel, ABC):
    @abstractmethod
    def area(self) -> int: ...


@dataclass
class Point:
    x: object


def test_a_field_without_a_default_is_refused() -> None:
    class Bad(Aggregate):
        owner: str

    with pytest.raises(ConfigurationError, match=r"Bad: owner without a default"):
        check_defaults(Bad)


@pytest.mark.parametrize("factory", [random.random, lambda: datetime.now(UTC), object])
def test_a_default_that_varies_is_refused(factory: Any) -> None:
    class Bad(Aggregate):
        value: Any = Field(default_factory=factory)

    with pytest.raises(ConfigurationError, match=r"Bad.value: the default varies"):
        check_defaults(Bad)


def test_a_factory_of_equal_defaults_is_fine() -> None:
    class Good(Aggregate):
        items: list[int] = Field(default_factory=list)
        plain: Plain = Plain()

    check_defaults(Good)
    check_fields(Good)


class Aliased(BaseModel):
    inner: int = Field(default=0, alias="in")


class Excluded(BaseModel):
    secret: int = Field(default=0, exclude=True)


class Private(BaseModel):
    _hidden: int = PrivateAttr(default=0)


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (Aliased, r"field.inner has an alias"),
        (list[Aliased], r"field.inner has an alias"),
        (dict[str, Excluded | None], r"field.secret is excluded"),
        (Private, r"field._hidden is a private attribute"),
        (Shape, r"field is typed with the base class Shape"),
        (list[BaseModel], r"field is typed with the base class BaseModel"),
        (Abstract | None, r"field is typed with the base class Abstract"),
    ],
)
def test_fields_that_json_would_lose_are_refused(annotation: Any, problem: str) -> None:
    class Bad(Aggregate):
        field: annotation = None

    with pytest.raises(ConfigurationError, match=problem):
        check_fields(Bad)


def test_all_problems_are_told_at_once() -> None:
    class Bad(Aggregate):
        _own: int = PrivateAttr(default=0)
        one: int = Field(default=0, alias="uno")
        two: int = Field(default=0, exclude=True)

    with pytest.raises(ConfigurationError) as caught:
        check_fields(Bad)
    assert [word in str(caught.value) for word in ("Bad._own", "Bad.one", "Bad.two")] == [True] * 3


def test_a_model_that_refers_to_itself_is_looked_at_once() -> None:
    check_fields(Tree)


class Node(BaseModel):
    children: list["Node"] = []


class Tree(Aggregate):
    root: Node = Node()


UTC_TWO = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (1, 1.0),
        ((1,), [1]),
        ({"a": 1}, {"a": 2}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (Point(1), {"x": 1}),
        (Point(1), Point(1.0)),
        (Shape(), Square()),
        (Plain(x=1), Plain(x=2)),
        ([Decimal(1)], [1]),
        (
            datetime(2030, 1, 1, tzinfo=UTC_TWO),
            datetime(2030, 1, 1, tzinfo=UTC_TWO).astimezone(UTC),
        ),
        (
            datetime(2030, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")),
            datetime(2030, 7, 1, tzinfo=UTC_TWO),
        ),
        (frozenset({1}), {1}),
    ],
)
def test_values_that_differ(left: object, right: object) -> None:
    assert not same(left, right)


@pytest.mark.parametrize(
    "value",
    [1, "x", None, (1, "a"), {"a": [1, {2}]}, Point([1]), Square(length=2), Decimal("1.10")],
)
def test_values_that_are_the_same(value: object) -> None:
    assert same(value, value)
    assert same([value], [value])
