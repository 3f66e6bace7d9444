"""The named backend as a cache."""

from interlock_conformance.cases import CacheConformance
from interlock_conformance.suites.selected import Selected


class TestBackend(Selected, CacheConformance):
    """Runs the checks of `CacheConformance` that were selected on the command line."""
