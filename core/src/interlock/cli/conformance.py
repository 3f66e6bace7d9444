"""Running the conformance suites, which are a distribution of their own."""

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from interlock.errors import ConfigurationError


def run_suites(name: str, options: Sequence[str]) -> int:
    """Run pytest on the suites for a backend, in a process of its own.

    0 if it is conformant, 1 if it isn't, 2 if that couldn't be found out. Nothing of the folder
    that this is called in has a say: no settings, no conftest file, no module.
    """
    if find_spec("interlock_conformance") is None:
        raise ConfigurationError(
            "the checks are a distribution of their own: pip install interlock-conformance"
        )
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"),
        *("-c", _settings(), "--noconftest"),
        *("--pyargs", "interlock_conformance.suites", "--interlock-backend", name),
    ]
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}  # or the folder's pytest.py would run
    done = subprocess.run([*command, *options], check=False, env=environment)  # noqa: S603 our own
    return done.returncode if done.returncode in (0, 1) else 2


def _settings() -> str:
    spec = find_spec("interlock_conformance.suites")
    assert spec is not None  # noqa: S101 it is part of what was found
    assert spec.submodule_search_locations is not None  # noqa: S101 as above
    return f"{spec.submodule_search_locations[0]}/pytest.ini"
