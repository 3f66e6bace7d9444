"""What one imports from, and what that loads."""

import json
import subprocess
import sys
from importlib import import_module

import pytest


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has after a statement."""
    code = f"{statement}; import sys, json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(  # noqa: S603 our own statements
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "face",
    [
        "interlock.application",
        "interlock.application.aggregates",
        "interlock.backends",
        "interlock.domain",
        "interlock.routing",
    ],
)
def test_a_face_has_what_it_lists(face: str) -> None:
    module = import_module(face)
    assert module.__all__ == sorted(module.__all__)
    assert all(getattr(module, name) is not None for name in module.__all__)


def test_a_protocol_loads_no_builder() -> None:
    loaded = loaded_by("from interlock.application.aggregates import AggregateCacheBackend")
    assert not loaded & {"interlock.builder", "interlock.plugins", "interlock.config", "pluggy"}


def test_the_lazy_face_says_what_it_lacks() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Bilder'"):
        _ = import_module("interlock.application").Bilder
