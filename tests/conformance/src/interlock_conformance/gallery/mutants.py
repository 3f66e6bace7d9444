"""What a mutant is: one edit of a correct backend's text, and the check that has to notice it."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff

Files = Mapping[str, str]


class EditError(Exception):
    """An edit that can't be made, or that isn't one."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A backend with a small believable bug.

    `before` stands exactly once in the files of the reference; the check of id `killer` is the one
    that must fail on the mutant, and pass on the reference. `base` is the reference: the backend
    in a file (`shelf`) or the one in memory (`memory`).
    """

    name: str
    killer: str
    before: str
    after: str
    base: str = "shelf"

    @property
    def title(self) -> str:
        """The name with the kind before it."""
        return f"{self.killer.partition('-')[0].lower()}/{self.name}"

    def is_called(self, name: str) -> bool:
        """Whether the title, its last part or the killer's id is this."""
        return name in (self.title, self.name, self.killer)

    def edited(self, files: Files) -> Files:
        """The files with the edit. Raises `EditError`."""
        found = [path for path, text in files.items() for _ in range(text.count(self.before))]
        if len(found) != 1:
            raise EditError(
                f"{self.title}: the text to edit stands {len(found)} times in the reference: "
                f"{self.before!r}"
            )
        return {**files, found[0]: files[found[0]].replace(self.before, self.after)}

    def diff(self, files: Files) -> str:
        """The edit, as `diff -u` shows it."""
        edited = self.edited(files)
        lines = (
            unified_diff(
                text.splitlines(keepends=True),
                edited[path].splitlines(keepends=True),
                f"reference/{path}",
                f"{self.name}/{path}",
            )
            for path, text in files.items()
        )
        return "".join(line for file in lines for line in file)


def in_memory(name: str, killer: str, before: str, after: str) -> Mutant:
    """A mutant of the backend in memory."""
    return Mutant(name, killer, before, after, base="memory")


@dataclass(frozen=True, slots=True)
class Canary:
    """A check that no mutant is made for, and why it stays."""

    check: str
    reason: str
