"""Labels of the objects that decide a state."""

from collections import Counter
from types import FunctionType
from typing import TypeAlias

Form: TypeAlias = tuple["str | Form", ...]


class Labels:
    """The names of objects, with a number where others have the same; modules aren't told.

    They follow from the order in which objects are met, which is the same in every process.
    """

    def __init__(self) -> None:
        self._labels: dict[object, str] = {}
        self._counts = Counter[str]()
        self._held: list[object] = []  # so that no other object gets one's id

    def of_class(self, cls: type) -> str:
        """The label of a class."""
        return self._of(id(cls), _class_name(cls), cls)

    def of_function(self, function: FunctionType) -> str:
        """The label of a function."""
        return self._of(id(function), function.__qualname__, function)

    def of_constant(self, module: str, name: str) -> str:
        """The label of what a module holds under a name."""
        return self._of((module, name), name, None)

    def _of(self, key: object, name: str, held: object) -> str:
        if key not in self._labels:
            self._counts[name] += 1
            number = self._counts[name]
            self._labels[key] = name if number == 1 else f"{name} ({number})"
            self._held.append(held)
        return self._labels[key]


def _class_name(cls: type) -> str:
    """A class's name; of a generic model with its parameters, without relying on their texts."""
    generic = getattr(cls, "__pydantic_generic_metadata__", None) or {}
    if generic.get("origin") is None:
        return cls.__qualname__.rpartition("<locals>.")[2]
    names = (arg.__name__ if isinstance(arg, type) else "..." for arg in generic["args"])
    return f"{_class_name(generic['origin'])}[{', '.join(names)}]"
