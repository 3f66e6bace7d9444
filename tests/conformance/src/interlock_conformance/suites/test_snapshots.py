"""The named backend as a snapshot store."""

from interlock_conformance.cases import SnapshotConformance
from interlock_conformance.suites.selected import Selected


class TestBackend(Selected, SnapshotConformance):
    """See `SnapshotConformance`."""
