"""Which members of an aggregate only its handlers use."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from types import FunctionType
from typing import Any

from interlock._model.aggregate import Aggregate, routes_of
from interlock._storage.revision_parts.classes import decorated, members, users_bases
from interlock._storage.revision_parts.loads import names_in
from interlock._storage.revision_parts.owners import Owners
from interlock._storage.revision_parts.wrappers import functions_in
from interlock.errors import ConfigurationError

DYNAMIC = {"getattr", "attrgetter", "methodcaller", "vars", "__dict__", "__getattribute__"}
"""Names in code that may read a member without naming it."""


class Uses:
    """The members of an aggregate by name: its handlers, and what they alone may use.

    A member counts as used by a handler whose code mentions its name, directly or through other
    members. What others call is never among them: appliers, upcasters, validators, magic methods,
    overrides of what `Aggregate` has. Code elsewhere may use them still.
    """

    def __init__(self, cls: type[Aggregate], owners: Owners) -> None:
        mentions: defaultdict[str, set[str]] = defaultdict(set)
        for base in users_bases(cls, owners):
            for name, member in members(base, owners).items():
                mentions[name] |= {
                    each
                    for function in functions_in(member)
                    for each in names_in(function.__code__)
                }
        names = names_of_functions(cls)
        self.handlers = _handler_names(cls, names)
        used, todo = set(self.handlers), list(self.handlers)
        while todo:
            new = (mentions[todo.pop()] & mentions.keys()) - used
            used |= new
            todo += new
        called = _called_by_others(cls, names)
        self.only_by_handlers = {
            name
            for name in used
            if name not in called and not hasattr(Aggregate, name) and not name.startswith("__")
        }


def names_of_functions(cls: type) -> Mapping[object, str]:
    """The names under which a class has its functions; of several the first."""
    members = {name: getattr(cls, name, None) for name in dir(cls) if not name.startswith("__")}
    found = [(name, each) for name, each in members.items() if isinstance(each, FunctionType)]
    return {each: name for name, each in reversed(found)}


def name_of(function: Any, names: Mapping[object, str]) -> str:  # Any: an applier, an upcaster
    """The name of a function among a class's, which may have been wrapped since."""
    known = (names[part] for part in functions_in(function) if part in names)
    return next(known, str(function.__name__))


def _handler_names(cls: type[Aggregate], names: Mapping[object, str]) -> set[str]:
    try:
        handlers = routes_of(cls).handlers.values()
    except ConfigurationError:  # another aggregate than the one that was registered
        return set()
    return {name_of(handler.function, names) for handler in handlers}


def _called_by_others(cls: type[Aggregate], names: Mapping[object, str]) -> set[str]:
    routed = set()
    with suppress(ConfigurationError):  # as above
        for entry in routes_of(cls).emits.values():
            functions = (entry.apply, *entry.upcasters.values())
            routed |= {name_of(function, names) for function in functions}
    return routed.union(*decorated(cls).values())
