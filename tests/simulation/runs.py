"""The runs that the tests look at, each made once."""

import os
from functools import cache

from awaits import Reached
from choices import Choices
from simulated_world import Run, simulate

SEEDS = int(os.environ.get("INTERLOCK_SEEDS", "100"))
CALM_SEEDS = range(20)
_HUNTS = 600


@cache
def faulty(seed: int) -> Run:
    """Make a run in which everything fails now and then."""
    return simulate(Choices(seed), is_faulty=True)


@cache
def calm(seed: int) -> Run:
    """Make a run in which nothing fails."""
    return simulate(Choices(seed), is_faulty=False)


def hunt(reached: Reached, unreachable: set[str]) -> list[Run]:
    """Make more runs, until every await is reached but those that can't be, or for long enough."""
    runs: list[Run] = []
    for seed in range(SEEDS, SEEDS + _HUNTS):
        missing = reached.missing()
        if {str(each) for each in missing.cancelled | missing.crashed} <= unreachable:
            break
        runs.append(simulate(Choices(seed), is_faulty=True, hunted=missing))
        reached.add(runs[-1].reached)
    return runs
