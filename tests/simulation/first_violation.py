"""Simulates seed after seed up to the first violation."""

import signal
from collections.abc import Iterable

from choices import Choices
from history_checker import violations
from simulated_outage import DecliningWorld, OutageWorld, SlowWorld
from simulated_rare_worlds import LATER, RARE
from simulated_theme_worlds import THEMES
from simulated_world import World, simulate

_OUTAGES = (OutageWorld, DecliningWorld, SlowWorld)
_COMMON: tuple[type[World], ...] = (
    *(World, World, World),
    *_OUTAGES,
    *(World, World, World),
    *THEMES,
)
_LATER = tuple(LATER.get(world, world) for world in _COMMON)
_WORLDS = (*_COMMON * 5, *_LATER * 5, *RARE * 10)
"""The worlds of one seed after the other: what is rare is made frequent by the last of them."""
_SECONDS = 30  # of work, for a run that takes a small part of one


def first_violation(seeds: Iterable[int]) -> dict[str, object]:
    """Give the seed and the rule of the first violation; nothing if every rule holds in all runs.

    An exception that leaves a run is a violation too. A run that never ends raises `SIGPROF`.
    """
    for seed in seeds:
        signal.setitimer(signal.ITIMER_PROF, _SECONDS)
        try:
            world = _WORLDS[seed % len(_WORLDS)]
            run = simulate(Choices(seed), is_faulty=world.has_faults, of=world)
            found = violations(run.history)
        except Exception as error:  # noqa: BLE001 it is the finding
            return {"seed": seed, "rule": f"the run ends in {type(error).__name__}"}
        if found:
            return {"seed": seed, "rule": found[0].rule}
    return {}
