"""The face for tests of one's own aggregates."""

from interlock._engine.snapshot_equivalence import assert_snapshots_equivalent

__all__ = ["assert_snapshots_equivalent"]
