"""Given events, when a command, then events, an error, an answer or a state."""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Sequence
from difflib import ndiff
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel

from interlock._engine.command_queue import holding
from interlock._model.aggregate import Aggregate, routes_of
from interlock._model.command import Command
from interlock._testing.stored import complete, folded, pending_rows, stored
from interlock._values.comparing import difference
from interlock._values.fidelity import fidelity_of
from interlock.errors import UnknownCommandError

A_co = TypeVar("A_co", bound=Aggregate, covariant=True)
A = TypeVar("A", bound=Aggregate)
R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")

_WIDE = 100
_MISSING = object()


def given(aggregate_type: type[A], *events: BaseModel) -> "Given[A]":
    """Begin a scenario: an aggregate with these events, the oldest first; none for a new one.

    They are stored and folded as an application would, under the id of the command that follows.
    """
    return Given(aggregate_type, events)


class Given(Generic[A_co]):
    """An aggregate with a history, before a command; made by `given`."""

    def __init__(self, aggregate_type: type[A_co], events: Sequence[BaseModel]) -> None:
        self._type = aggregate_type
        self._events = events

    def when(self, command: Command[R]) -> "Outcome[A_co, R]":
        """Handle the command, as `dispatch` would; what the handler raises is the outcome's.

        An async handler gets an event loop of its own; where one runs already, await `when_async`.
        Raises `UnknownCommandError` for a command that the aggregate doesn't handle, what `emit`
        raises for a given event, and `AssertionError` if the handler assigns to the state.
        """
        run = _Run(self._type, self._events, command)
        with run.holding:
            answer = run.start()
            if answer is not None:
                _require_no_loop(answer, type(command).__name__)
                asyncio.run(run.finish(answer))
        return Outcome(run.end())

    async def when_async(self, command: Command[R]) -> "Outcome[A_co, R]":
        """The same in the running event loop."""
        run = _Run(self._type, self._events, command)
        with run.holding:
            answer = run.start()
            if answer is not None:
                await run.finish(answer)
        return Outcome(run.end())


class Outcome(Generic[A_co, R_co]):
    """What a command led to. Each `then` method asserts one thing and returns the outcome."""

    def __init__(self, run: "_Run[A_co]") -> None:
        self._run = run

    @property
    def events(self) -> tuple[BaseModel, ...]:
        """The emitted events, decoded; none if the handler raised."""
        return self._run.emitted

    @property
    def error(self) -> Exception | None:
        """What the handler raised."""
        return self._run.error

    @property
    def answer(self) -> R_co:
        """What the handler returned. Raises `AssertionError` if it raised."""
        self._run.check_no_error("an answer")
        answer: R_co = self._run.answer
        return answer

    @property
    def state(self) -> A_co:
        """The aggregate as a load gives it afterwards; unchanged if the handler raised."""
        return self._run.state()

    def then(self, *events: BaseModel) -> Self:
        """Assert that exactly these events were emitted, in this order; `then()` means none.

        Values are compared with their types, also where they are equal: `1` is no `True`.
        """
        self._run.check_no_error(_counted(len(events)))
        self._run.check_emitted(events)
        return self

    def then_raises(self, error: type[Exception], match: str = "") -> Self:
        """Assert that the handler raised such an error; `match` is searched for in its text.

        It is a regular expression, as that of `pytest.raises`.
        """
        found = self.error
        wanted = error.__name__ + (f" with the text {match!r}" if match else "")
        if found is None:
            emitted = "".join(f"\n    {each!r}" for each in self.events)
            raise AssertionError(
                f"{self._run.what} raised nothing; wanted {wanted}. It emitted "
                f"{_counted(len(self.events))}{':' if emitted else ''}{emitted}"
            )
        if not isinstance(found, error) or not re.search(match, str(found)):
            raise AssertionError(f"{self._run.what} raised {found!r}; wanted {wanted}") from found
        return self

    def then_answers(self, answer: object) -> Self:
        """Assert that the handler returned an equal answer."""
        if self.answer != answer:
            raise AssertionError(
                f"{self._run.what} was answered with {self.answer!r}; wanted {answer!r}"
            )
        return self

    def then_state(self, **fields: object) -> Self:
        """Assert that these fields of the state have equal values, whatever the others have."""
        state = self.state
        found = {name: getattr(state, name, _MISSING) for name in fields}
        unknown = [name for name, value in found.items() if value is _MISSING]
        if unknown:
            raise TypeError(
                f"{type(state).__name__} has no {', '.join(unknown)}; its fields are "
                f"{', '.join(type(state).model_fields)}"
            )
        other = [name for name in fields if found[name] != fields[name]]
        if other:
            lines = "".join(
                f"\n    {name} is {found[name]!r}; wanted {fields[name]!r}" for name in other
            )
            raise AssertionError(f"{self._run.what} left another state than wanted:{lines}")
        return self


class _Run(Generic[A]):
    """One command on one history."""

    def __init__(
        self, aggregate_type: type[A], events: Sequence[BaseModel], command: Command[Any]
    ) -> None:
        routes = routes_of(aggregate_type)
        handler = routes.handlers.get(type(command))
        if handler is None:
            raise UnknownCommandError(
                f"{routes.name} doesn't handle {type(command).__name__}; it handles "
                f"{', '.join(sorted(each.__name__ for each in routes.handlers)) or 'no command'}"
            )
        self._function, self._command = handler.function, command
        self._type, self._id = aggregate_type, command.aggregate_id
        self._rows = stored(aggregate_type, self._id, events)
        self._scratch = folded(aggregate_type, self._id, self._rows)
        self.holding = holding(type(command), routes.name, self._id)
        self.what = (
            f"{type(command).__name__} on {aggregate_type.__name__} after {_counted(len(events))}"
        )
        self.emitted: tuple[BaseModel, ...] = ()
        self.answer: Any = None  # Any: whatever the handler returns
        self.error: Exception | None = None

    def start(self) -> Awaitable[Any] | None:  # Any: as above
        """Call the handler; its answer, if that is to be awaited."""
        try:
            answer = self._function(self._scratch, self._command)
        except Exception as error:  # noqa: BLE001 it is what the test asks about
            self.error = error
            return None
        if inspect.isawaitable(answer):
            return answer
        self.answer = answer
        return None

    async def finish(self, answer: Awaitable[Any]) -> None:  # Any: as above
        try:
            self.answer = await answer
        except Exception as error:  # noqa: BLE001 as above
            self.error = error

    def end(self) -> Self:
        """Note what was emitted. Raises `AssertionError` if that isn't all that changed."""
        if self.error is None:
            self.emitted = self._scratch.uncommitted_events
            self._rows += pending_rows(self._scratch)
            found = difference(
                self.state(), complete(self._scratch), fidelity_of(self._type).kinds, is_state=True
            )
            if found is not None:
                raise AssertionError(
                    f"{self.what}: the handler left another state than the events that it emitted "
                    f"({found}); appliers change the state, handlers only emit"
                )
        return self

    def state(self) -> A:
        return folded(self._type, self._id, self._rows)

    def check_no_error(self, wanted: str) -> None:
        if self.error is not None:
            raise AssertionError(f"{self.what} raised {self.error!r}; wanted {wanted}") from (
                self.error
            )

    def check_emitted(self, wanted: Sequence[BaseModel]) -> None:
        is_wide = any(len(repr(event)) > _WIDE for event in (*wanted, *self.emitted))
        lines, found = (_shown(events, is_wide=is_wide) for events in (wanted, self.emitted))
        if lines != found:
            text = "\n".join(f"    {line.rstrip()}" for line in ndiff(lines, found))
            raise AssertionError(f"{self.what} emitted other events (- wanted, + emitted):\n{text}")
        for number, (one, other) in enumerate(zip(wanted, self.emitted, strict=True), 1):
            kinds = fidelity_of(type(one)).kinds
            if (unlike := difference(one, other, kinds, is_state=False)) is not None:
                raise AssertionError(
                    f"{self.what} emitted, as event {number}, {other!r}, which looks like the one "
                    f"that was wanted and differs: {unlike}"
                )


def _require_no_loop(answer: object, command: str) -> None:
    """Raise `TypeError` where an event loop runs, which could not wait for another."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    if inspect.iscoroutine(answer):
        answer.close()
    raise TypeError(
        f"the handler of {command} is async, and an event loop runs already; await when_async(...)"
    )


def _shown(events: Sequence[BaseModel], *, is_wide: bool) -> list[str]:
    """The events in a line each, or in one for each field."""
    if not is_wide:
        return [repr(event) for event in events]
    lines = []
    for event in events:
        fields = [f"    {name}={value!r}," for name, value in event.__repr_args__()]
        lines += [f"{type(event).__name__}(", *fields, ")"]
    return lines


def _counted(events: int) -> str:
    return f"{events or 'no'} event{'s' * (events != 1)}"
