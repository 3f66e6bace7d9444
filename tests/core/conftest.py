"""What all tests of the core begin with."""

import math

import pytest

from interlock._engine import state_records
from revision_rig import imported, revision
from toml_rig import here

__all__ = ["here", "imported", "revision"]  # fixtures of more than one file


@pytest.fixture(autouse=True)
def _no_state_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes long for any state; `test_kept_behind` says which are slow itself."""
    monkeypatch.setattr(state_records, "_SLOW_SECONDS", math.inf)
