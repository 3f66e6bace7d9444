"""The named backend as a cache."""

from interlock_conformance.cases import CacheConformance
from interlock_conformance.suites.selected import Selected


class TestBackend(Selected, CacheConformance):
    """See `CacheConformance`."""
