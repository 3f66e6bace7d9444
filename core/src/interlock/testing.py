"""The face for tests of one's own aggregates."""

from interlock._testing.histories import events_of, histories
from interlock._testing.memory_application import in_memory_application, store_events
from interlock._testing.revisions import assert_revisions
from interlock._testing.samples import assert_reads, write_samples
from interlock._testing.scenario import Given, Outcome, given
from interlock._testing.snapshot_equivalence import assert_snapshots_equivalent

__all__ = [
    "Given",
    "Outcome",
    "assert_reads",
    "assert_revisions",
    "assert_snapshots_equivalent",
    "events_of",
    "given",
    "histories",
    "in_memory_application",
    "store_events",
    "write_samples",
]
