"""Annotations: each is resolved by itself, and a handler's answer is held to its command."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from inspect import formatannotation
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Literal,
    Never,
    NewType,
    NoReturn,
    Optional,
    Protocol,
    Self,
    TypedDict,
    TypeVar,
    Union,
)

import pytest
from pydantic import BaseModel
from typing_extensions import TypeAliasType

from interlock._model.aggregate import routes_of
from interlock._model.annotations import may_be
from interlock.domain import Aggregate
from interlock.errors import ConfigurationError
from interlock.routing import applies_event, handles_command

if TYPE_CHECKING:
    from decimal import Decimal as Receipt

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
ModelT = TypeVar("ModelT", bound=BaseModel)


class Animal: ...


class Dog(Animal): ...


class Colour(StrEnum):
    RED = "red"


class Speaks(Protocol):
    def speak(self) -> str: ...


class Shape(TypedDict):
    sides: int


class Box(Generic[T]): ...


class Page(BaseModel, Generic[T_co]): ...


class Numbers(Page[int]): ...


class Dynamic(Any): ...  # type: ignore[misc] # the point


UserId = NewType("UserId", int)
Json = TypeAliasType("Json", "list[Json] | str | None")
Both = TypeAliasType("Both", "list[T] | T", type_params=(T,))
Number = TypeAliasType("Number", int)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (int, int),
        (None, None),
        (int, Any),
        (Any, int),
        (int, object),
        (object, int),
        (T, int),
        (int, T),
        (ModelT, int),
        (Dog, Animal),
        (bool, int),
        (int, float),
        (bool, complex),
        (bytearray, bytes),
        (Colour, str),
        (Dynamic, int),
        (Never, int),
        (NoReturn, None),
        (Self, Animal),
        (int, int | None),
        (None, Optional[int]),  # noqa: UP045 written so, too
        (Union[int, str], str | int | None),  # noqa: UP007 as above
        (int | Any, int),
        (Literal[1, 2], int),
        (Literal["a"], Literal["a", "b"]),
        (str, Literal["a"]),
        (Annotated[int, "cents"], int),
        (UserId, int),
        (int, UserId),
        (Number, int),
        (int, Number),
        (Json, Json),
        (list[Json], Json),
        (Both[int], int),
        (Animal, Speaks),
        (Shape, dict[str, Any]),
        (Shape, Mapping[str, Any]),
        (dict[str, Any], Shape),
        (list, list[int]),
        (list[int], list),
        (list[Dog], list[Animal]),
        (list[Any], list[int]),
        (list[int], Sequence[int]),
        (list[str], Iterable[int]),
        (tuple[int, str], tuple[int, ...]),
        (Box[int], Box[str]),
        (Page[int], Page[float]),
        (Page, Page[int]),
        (Page[int], Page),
        (Numbers, Page[int]),
        (type[Dog], type[Animal]),
        (Callable[[], int], Callable[..., Any]),
        (Awaitable[int], int),
        (Coroutine[Any, Any, int], int),
        (asyncio.Future[None], None),
        (Awaitable, int),
        (Awaitable[int], Awaitable[int]),
        (int | Awaitable[int], int),
    ],
    ids=formatannotation,
)
def test_an_answer_that_may_be_right_passes(found: Any, wanted: Any) -> None:
    assert may_be(found, wanted)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (None, int),
        (int, None),
        (int, str),
        (float, int),
        (Animal, Dog),
        (Decimal, float),
        (int | None, int),
        (Dog | int, Animal),
        (int, str | None),
        (Literal["a"], int),
        (UserId, str),
        (Number, str),
        (list[int], list[str]),
        (list[int | None], list[int]),
        (dict[str, int], dict[int, int]),
        (list[int], set[int]),
        (Shape, list[str]),
        (Page[int], Box[int]),
        (Awaitable[None], int),
        (int, Callable[[], int]),
    ],
    ids=formatannotation,
)
def test_an_answer_that_cannot_be_right_is_told(found: Any, wanted: Any) -> None:
    assert not may_be(found, wanted)


def test_an_annotation_that_does_not_resolve_is_blamed_by_its_own_name() -> None:
    class Odd(Aggregate):
        @handles_command
        def buy(self, command: "Receipt") -> None: ...

    with pytest.raises(ConfigurationError, match=r"Odd\.buy: Receipt, the annotation of 'command'"):
        routes_of(Odd)


def test_an_applier_needs_only_its_events_annotation() -> None:
    class Bought(BaseModel): ...

    class Cart(Aggregate):
        @applies_event
        def on_bought(self, event: Bought) -> "Receipt":
            raise AssertionError

    assert set(routes_of(Cart).emits) == {Bought}
