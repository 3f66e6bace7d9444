"""A handler answers what its command promises."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import (
    TYPE_CHECKING,
    Generic,
    TypeVar,
)

import pytest

from interlock._model.aggregate import routes_of
from interlock.application import ApplicationBuilder
from interlock.domain import Aggregate, Command
from interlock.errors import ConfigurationError
from interlock.routing import handles_command
from rig import unharmed

if TYPE_CHECKING:
    from decimal import Decimal as Receipt

T = TypeVar("T")


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
