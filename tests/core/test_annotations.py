"""Annotations: each is resolved by itself, and a handler's answer is held to its command."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from functools import wraps
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
from interlock.application import ApplicationBuilder
from interlock.domain import Aggregate, Command
from interlock.errors import ConfigurationError
from interlock.routing import applies_event, handles_command
from rig import unharmed

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


class Ask(Command[int]): ...


class AskAgain(Ask): ...


class AskFor(Command[list[T]], Generic[T]): ...


class AskForText(AskFor[str]): ...


class AskAhead(Command["Later"]): ...


class Later: ...


class AskNothing(Command): ...  # type: ignore[type-arg] # the point


def _aggregate(handler: Callable[..., object]) -> type[Aggregate]:
    return type("Asked", (Aggregate,), {"__module__": __name__, "handle": handles_command(handler)})


def _returns_none(self: Aggregate, command: Ask) -> None: ...


def _returns_none_again(self: Aggregate, command: AskAgain) -> None: ...


async def _returns_text(self: Aggregate, command: Ask) -> str:
    return ""


def _returns_text_later(self: Aggregate, command: Ask) -> Awaitable[str]:
    return _returns_text(self, command)


def _returns_numbers(self: Aggregate, command: AskForText) -> list[int]:
    return []


def _returns_text_ahead(self: Aggregate, command: AskAhead) -> "str":
    return ""


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (_returns_none, "_returns_none returns None, and Ask is a Command[int]"),
        (_returns_none_again, "_returns_none_again returns None, and AskAgain is a Command[int]"),
        (_returns_text, "_returns_text returns str, and Ask is a Command[int]"),
        (_returns_text_later, "returns collections.abc.Awaitable[str], and Ask is a Command[int]"),
        (_returns_numbers, "returns list[int], and AskForText is a Command[list[str]]"),
        (_returns_text_ahead, f"returns str, and AskAhead is a Command[{__name__}.Later]"),
    ],
    ids=lambda given: getattr(given, "__name__", "said"),
)
def test_a_handler_that_answers_otherwise_than_promised_is_refused(
    handler: Callable[..., object], said: str
) -> None:
    builder = ApplicationBuilder().register_aggregate(_aggregate(handler))
    with pytest.raises(ConfigurationError) as caught:
        builder.build()
    assert said in str(caught.value)


def _returns_an_int(self: Aggregate, command: Ask) -> int:
    return 1


async def _returns_an_int_later(self: Aggregate, command: Ask) -> int:
    return 1


def _returns_the_promise(self: Aggregate, command: AskAhead) -> Later:
    return Later()


def _returns_what_it_likes(self: Aggregate, command: AskNothing) -> int:
    return 1


def _returns_what_only_checkers_know(self: Aggregate, command: Ask) -> "Receipt":
    return 1  # type: ignore[return-value] # it isn't looked at


def _says_nothing(self: Aggregate, command: Ask):  # type: ignore[no-untyped-def] # noqa: ANN202 the point
    return 1


def _is_wrapped(self: Aggregate, command: Ask) -> int:
    return 1


def _awaited(function: Callable[..., T]) -> Callable[..., Awaitable[T]]:
    @wraps(function)
    async def call(*given: object) -> T:
        return function(*given)

    return call


@pytest.mark.parametrize(
    "handler",
    [
        _returns_an_int,
        _returns_an_int_later,
        _returns_the_promise,
        _returns_what_it_likes,
        _returns_what_only_checkers_know,
        _says_nothing,
        _awaited(_is_wrapped),
    ],
)
def test_a_handler_whose_answer_may_be_right_is_taken(handler: Callable[..., object]) -> None:
    with unharmed("it was refused"):
        assert len(routes_of(_aggregate(handler)).handlers) == 1


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


def test_an_override_without_an_annotation_is_told() -> None:
    class Parent(Aggregate):
        @handles_command
        def ask(self, command: Ask) -> int:
            return 1

    class Child(Parent):
        def ask(self, command):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 the point
            return 1

    with pytest.raises(ConfigurationError, match=r"Child\.ask: 'command' has no annotation"):
        routes_of(Child)
