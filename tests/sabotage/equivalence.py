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
]
