"""One protection of the core, disabled."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Patch:
    """A small change that removes one protection, and the test that has to notice.

    `protects` tells what holds without the change. `file` is relative to `core/src/interlock`,
    `before` occurs exactly once in it, `killed_by` is the node id of a test, relative to the root
    of the repository. `rows` are the traps of `traps.py` that one falls into with the change.
    """

    name: str
    protects: str
    file: str
    before: str
    after: str
    killed_by: str
    rows: tuple[int, ...] = ()

    def apply(self, package: Path) -> None:
        """Break the copy of the package at this path.

        Raises `ValueError` if the patch doesn't fit, `SyntaxError` if what it makes is no code.
        """
        path = package / self.file
        source = path.read_text()
        found = source.count(self.before)
        if found != 1:
            raise ValueError(f"{self.name}: `before` occurs {found} times in {self.file}, not once")
        changed = source.replace(self.before, self.after)
        compile(changed, str(path), "exec")
        path.write_text(changed)
