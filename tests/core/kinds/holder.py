"""The aggregate of every row: nosy, so that whatever a way of loading changes becomes state."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, ClassVar

from pydantic import BaseModel

from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command
from kinds.look import cached_names, look


class Turn(Command[str]):
    """Takes the step of that number; answered with what is then to be seen."""

    number: int


class Tell(Command[str]):
    """Changes nothing; answered with what is to be seen."""


class Turned(BaseModel):
    number: int


class Holder(Aggregate):
    """Takes one of its `steps` for each event, and notes before it what it sees of itself."""

    steps: ClassVar[tuple[Callable[[Any], object], ...]] = ()  # Any: of the subclass

    seen: tuple[str, ...] = ()

    @handles_command
    def turn(self, command: Turn) -> str:
        self.emit(Turned(number=command.number))
        return self.told()

    @handles_command
    def tell(self, command: Tell) -> str:
        return self.told()

    @applies_event
    def on_turned(self, event: Turned) -> None:
        self.seen = (*self.seen, blake2b(look(self).encode(), digest_size=4).hexdigest())
        type(self).steps[event.number](self)

    def told(self) -> str:
        """What the handlers answer with: all there is to be seen, cached properties too."""
        cached = {name: getattr(self, name) for name in sorted(cached_names(self))}
        return f"{look(self)} and cached {look(cached)}"
