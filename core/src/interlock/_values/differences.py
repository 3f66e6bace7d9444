"""A difference between two values, and its words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between a value and its copy: its JSON path and its kind, never the value."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"${self.path}: {self.what}"

    def below(self, step: str) -> "Difference":
        """The same difference, seen from one step further up."""
        return Difference(step + self.path, self.what)


def other_type(one: object, other: object) -> Difference:
    return Difference("", f"{a(type(one))} comes back as {a(type(other))}")


def other_value(cls: type) -> Difference:
    return Difference("", f"{a(cls)} comes back with another value")


def a(cls: type) -> str:
    """The name of a class with its article, as messages say it."""
    if cls is type(None):
        return "None"
    name = cls.__qualname__.rpartition("<locals>.")[2]
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
