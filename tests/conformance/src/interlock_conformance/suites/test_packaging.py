"""The named backend as its distribution."""

from interlock_conformance.cases import PackagingConformance
from interlock_conformance.suites.selected import Selected


class TestBackend(Selected, PackagingConformance):
    """Runs the checks of `PackagingConformance` that were selected on the command line."""
