"""One protection of the core, disabled."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Patch:
    """A small change that removes one protection, and the test that has to notice.

    `file` is relative to `core/src/interlock`, `before` occurs exactly once in it, `killed_by` is the
    node id of a test, relative to the root of the repository.
    """

    name: str
    protects: str
    file: str
    before: str
    after: str
    killed_by: str

    def apply(self, package: Path) -> None:
        """Break the copy of the package at this path. Raises `ValueError` if the patch doesn't fit."""
        path = package / self.file
        source = path.read_text()
        found = source.count(self.before)
        if found != 1:
            raise ValueError(f"{self.name}: `before` occurs {found} times in {self.file}, wanted once")
        path.write_text(source.replace(self.before, self.after))
