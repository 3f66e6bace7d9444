"""The named backend as an event store."""

from interlock_conformance.cases import EventStoreConformance
from interlock_conformance.suites.selected import Selected


class TestBackend(Selected, EventStoreConformance):
    """Runs the checks of `EventStoreConformance` that were selected on the command line."""
