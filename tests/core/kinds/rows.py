"""What a row of the catalogue says, and the words for what is wanted."""

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel

from kinds import words
from kinds.holder import Holder

KEPT = "kept"
EMIT = "refused by `emit`"
REGISTRATION = "refused at registration"
NOT_KEPT = "not kept, replayed"
BUILD = "refused at `build()`"
ALWAYS = "always refused"
NOT_ASKED = ""

_DECLARES = re.compile(r"^(@|\w+ ?[:=] ?)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of value, an example, and what is wanted where it is in an event or in a state.

    `declared` is the type of a field `value`, or the whole body of the class; `change` is what is
    done to an object `it` of the class, step by step, else `value` is what its field gets. `named`
    is what an error has to name: the path of the value, or the field of a declaration.
    """

    kind: str
    declared: str
    value: str
    in_event: str
    in_state: str
    instead: str = ""
    change: str = ""
    named: str = "$.value"

    def __str__(self) -> str:
        return self.kind

    @property
    def example(self) -> str:
        """As the page shows it."""
        first, *later = self._changes()
        if _DECLARES.match(self.declared):
            lines = [self.declared, first.replace("= value", f"= {self.value}")]
        else:
            lines = [f"value: {self.declared} = {self.value}"]
        return "\n".join([*(line for line in lines if line not in ("", "pass")), *later])

    def event_class(self) -> type[BaseModel]:
        """A new class of such events; `event` takes it."""
        made: type[BaseModel] = _class("Noted(BaseModel)", self._body(""))["Noted"]
        return made

    def event(self, event_class: type[BaseModel]) -> BaseModel:
        """A new event of the example."""
        event = event_class.model_construct()
        for number in range(len(self._changes())):
            self._change(number, event)
        return event

    def state_class(self) -> type[Holder]:
        """A new class of such states: it notes, gets the value, notes, and loses it again."""
        body = self._body(" | None = None") + '\nrevision = "1"'
        made: type[Holder] = _class("Kept(Holder)", body)["Kept"]
        changes = (partial(self._change, n) for n in range(len(self._changes())))
        made.steps = (_note, *changes, _note, _clear)
        return made

    def _body(self, optional: str) -> str:
        if _DECLARES.match(self.declared):
            return self.declared
        return f"value: {self.declared}{optional}"

    def _changes(self) -> list[str]:
        return (self.change or "it.value = value").split("\n\n")

    def _change(self, number: int, it: Any) -> None:  # Any: has whatever fields the row declares
        names = {**vars(words), "it": it}
        if self.value:
            names["value"] = self._value()
        exec(self._changes()[number], names)  # noqa: S102 our own example

    def _value(self) -> Any:  # Any: as above
        return eval(self.value, dict(vars(words)))  # noqa: S307 our own example


def _class(head: str, body: str) -> dict[str, Any]:  # Any: classes made at run time
    names = {**vars(words), "Holder": Holder, "__name__": __name__}
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    exec(f"class {head}:\n{lines}", names)  # noqa: S102 our own example
    return names


def _note(it: Holder) -> None:
    pass


def _clear(it: Holder) -> None:
    fresh = type(it)()
    for name in type(it).model_fields:
        if name not in Holder.model_fields:
            setattr(it, name, getattr(fresh, name))
    it.__pydantic_private__ = fresh.__pydantic_private__
    if it.model_extra:
        it.model_fields_set.difference_update(it.model_extra)
        it.model_extra.clear()
