"""One protection of the core or of a plugin, disabled."""

from dataclasses import dataclass

from interlock_conformance.mutation import Edit
from sources import CORE


@dataclass(frozen=True)
class Patch:
    """A small change that removes one protection, and the test that has to notice.

    `protects` tells what holds without the change. `edit` is made in the package,
    `killed_by` is the node id of a test, relative to the root of the repository. `rows` are the
    traps of `traps.py` that one falls into with the change.
    """

    name: str
    protects: str
    edit: Edit
    killed_by: str
    rows: tuple[int, ...] = ()
    package: str = CORE
