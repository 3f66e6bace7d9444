"""How much is tried: enough to notice a blunder while one works, or what `.ci/run` asks for."""

import os

from hypothesis import HealthCheck, settings

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For a property: a machine may be busy, and draw slowly."""


def drawn(quick: int, thorough: int) -> int:
    """How much of something is tried: `thorough` with INTERLOCK_THOROUGH=1, as `py313-core`."""
    return thorough if os.environ.get("INTERLOCK_THOROUGH") else quick
