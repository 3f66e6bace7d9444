"""A mutant: an edit of a correct backend, and the check that has to notice it."""

from dataclasses import dataclass

from interlock_conformance.mutation import CodeEdit, Edit, FileEdit, TextEdit


@dataclass(frozen=True, slots=True)
class Mutant:
    """A backend with a small believable bug.

    The check of id `killer` is the one that must fail on the mutant, and pass on the reference.
    `base` is the reference that the edit is made in: the backend in a file (`shelf`), the one in
    memory (`memory`), the one in a file that a thread uses (`file`), the one that asks a server
    (`network`) or the one at the nodes of a cluster (`nodes`).
    """

    name: str
    killer: str
    edit: Edit
    base: str = "shelf"

    @property
    def title(self) -> str:
        """The name with the kind before it."""
        return f"{self.killer.partition('-')[0].lower()}/{self.name}"

    def is_called(self, name: str) -> bool:
        """Whether the title, its last part or the killer's id is this."""
        return name in (self.title, self.name, self.killer)

    def diff(self) -> str:
        """The edit as a diff shows it, without what stands around it."""
        return "".join(f"{line}\n" for line in (f"--- {self.title}", *self.edit.lines()))


def code(name: str, killer: str, target: str, before: str, after: str) -> Mutant:
    """A mutant of the backend in a file, by other code."""
    return Mutant(name, killer, CodeEdit(target, before, after))


def text(name: str, killer: str, target: str, before: str, after: str) -> Mutant:
    """A mutant of the backend in a file, by another text in a string."""
    return Mutant(name, killer, TextEdit(target, before, after))


def file(name: str, killer: str, path: str, before: str, after: str) -> Mutant:
    """A mutant of the distribution, by another text in a file that isn't Python."""
    return Mutant(name, killer, FileEdit(path, before, after))


def in_memory(name: str, killer: str, target: str, before: str, after: str) -> Mutant:
    """A mutant of the backend in memory, by other code."""
    return Mutant(name, killer, CodeEdit(target, before, after), base="memory")


def in_a_file(name: str, killer: str, target: str, before: str, after: str) -> Mutant:
    """A mutant of the backend in a file that a thread uses, by other code."""
    return Mutant(name, killer, CodeEdit(target, before, after), base="file")


def in_nodes(name: str, killer: str, target: str, before: str, after: str) -> Mutant:
    """A mutant of the backend at the nodes of a cluster, by other code."""
    return Mutant(name, killer, CodeEdit(target, before, after), base="nodes")


@dataclass(frozen=True, slots=True)
class Canary:
    """A check that no mutant is made for, and why it stays."""

    check: str
    reason: str
