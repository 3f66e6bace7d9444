"""One protection of the core, disabled."""

from dataclasses import dataclass

from interlock_conformance.mutation import Edit


@dataclass(frozen=True)
class Patch:
    """A small change that removes one protection, and the test that has to notice.

    `protects` tells what holds without the change. `edit` is made in `core/src/interlock`,
    `killed_by` is the node id of a test, relative to the root of the repository. `rows` are the
    traps of `traps.py` that one falls into with the change.
    """

    name: str
    protects: str
    edit: Edit
    killed_by: str
    rows: tuple[int, ...] = ()
