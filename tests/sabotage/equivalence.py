"""Protections of the helpers for tests of one's own aggregates."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TOLD = (
    "tests/core/test_snapshot_equivalence.py::"
    "test_a_difference_is_told_with_its_versions_and_its_path"
)

PATCHES = [
    Patch(
        "a snapshot is the state itself",
        "what is compared has been encoded and decoded",
        CodeEdit("_Check._snapshot", "self._mapper.state(record, record.key)", "state"),
        "tests/core/test_snapshot_equivalence.py::test_what_is_read_is_compared_too",
    ),
    Patch(
        "only the snapshot is compared",
        "the states after the events behind a snapshot are compared",
        CodeEdit(
            "_Check.compare",
            """
            for row in rows[version:]:
                plain.extend([row])
                try:
                    begun.extend([row])
                except EventApplyError as error:
                    raise AssertionError(
                        f"{self._after(version)} can't take the event of version {row.version}, "
                        f"which a plain replay takes: {error}"
                    ) from error
                self._check_same(plain, begun, version)
            """,
            "",
        ),
        _TOLD,
    ),
    Patch(
        "a difference is passed over",
        "a state that differs is told",
        CodeEdit("_Check._check_same", "if found is not None:", "if False:"),
        _TOLD,
    ),
    Patch(
        "a handler may assign",
        "a handler that leaves another state than its events is told",
        CodeEdit("_Run.end", "if found is not None:", "if False:"),
        "tests/core/test_scenarios.py::test_a_handler_that_assigns_is_told",
    ),
    Patch(
        "stored events are not noted",
        "no load returns less than what a test has stored",
        CodeEdit(
            "store_events",
            "context.heads.raise_to(aggregate_id, (last.version, last.event_id))",
            "",
        ),
        "tests/core/test_in_memory_application.py::TestStoredEvents::"
        "test_a_cache_returns_nothing_that_is_older",
    ),
    Patch(
        "a lost value of a payload is passed over",
        "a sample's every value is in the event",
        CodeEdit("_unlike", "wanted, names = sample.payload, sorted(sample.payload)", "return"),
        "tests/core/test_samples.py::TestSamples::test_what_is_read_otherwise_is_told",
    ),
    Patch(
        "an event without a sample is passed over",
        "every event has a sample of its present schema",
        CodeEdit("assert_reads", "not entry.is_read_only", "False"),
        "tests/core/test_samples.py::TestSamples::test_an_event_without_a_sample_is_told",
    ),
    Patch(
        "a refused event leaves its half in the state",
        "a drawn history is one that a new aggregate takes",
        CodeEdit("accepted", "state = _replayed(aggregate_type, taken)", "pass"),
        "tests/core/test_histories.py::test_a_refused_event_leaves_nothing",
    ),
]
