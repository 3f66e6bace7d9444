"""The command that users derive from."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from interlock._values.ids import PlainUUID, new_id

R_co = TypeVar("R_co", covariant=True)


class Command(BaseModel, Generic[R_co]):
    """A request to one aggregate; the type in brackets is what its handler returns.

    `class Deposit(Command[int])` is handled by a method, plain or async, that returns an int, and
    `dispatch` gives that int. One that returns nothing is a `Command[None]`.
    """

    model_config = ConfigDict(frozen=True)

    aggregate_id: PlainUUID
    command_id: PlainUUID = Field(default_factory=new_id)


def answer_of(command: type) -> Any:  # Any: a type form
    """Resolve the type in the brackets of a class's `Command[...]`; `Any` without one."""
    given: dict[Any, Any] = {}  # Any: type variables, and what they stand for
    for base in command.__mro__:
        made = getattr(base, "__pydantic_generic_metadata__", None)
        if made is None or made["origin"] is None:
            continue
        arguments = [_filled(argument, given) for argument in made["args"]]
        if made["origin"] is Command:
            return arguments[0]
        parameters = made["origin"].__pydantic_generic_metadata__["parameters"]
        given.update(zip(parameters, arguments, strict=True))
    return Any


def _filled(form: Any, given: dict[Any, Any]) -> Any:  # Any: type forms
    if isinstance(form, TypeVar):
        return given.get(form, form)
    open_ones = getattr(form, "__parameters__", ())
    return form[tuple(given.get(each, each) for each in open_ones)] if open_ones else form
