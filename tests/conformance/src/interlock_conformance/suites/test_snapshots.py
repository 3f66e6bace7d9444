"""The named backend as a snapshot store."""

from interlock_conformance.cases import SnapshotConformance
from interlock_conformance.suites.selected import Selected


class TestBackend(Selected, SnapshotConformance):
    """Runs the checks of `SnapshotConformance` that were selected on the command line."""
