"""Simulates seed after seed up to the first violation."""

import signal
from collections.abc import Iterable

from choices import Choices
from history_checker import violations
from simulated_outage import OutageWorld
from simulated_world import simulate

_OUTAGES = 4
"""One in so many runs is of an outage."""
_SECONDS = 30  # of work, for a run that takes a small part of one


def first_violation(seeds: Iterable[int]) -> dict[str, object]:
    """Give the seed and the rule of the first violation; nothing if every rule holds in all runs.

    An exception that leaves a run is a violation too. A run that never ends raises `SIGPROF`.
    """
    for seed in seeds:
        signal.setitimer(signal.ITIMER_PROF, _SECONDS)
        try:
            if seed % _OUTAGES == _OUTAGES - 1:
                run = simulate(Choices(seed), is_faulty=False, of=OutageWorld)
            else:
                run = simulate(Choices(seed), is_faulty=True)
            found = violations(run.history)
        except Exception as error:  # noqa: BLE001 it is the finding
            return {"seed": seed, "rule": f"the run ends in {type(error).__name__}"}
        if found:
            return {"seed": seed, "rule": found[0].rule}
    return {}
