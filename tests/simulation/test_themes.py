"""Runs that are about one thing each: every rule holds of them, too."""

from functools import cache

import pytest

from choices import Choices
from history_checker import check
from simulated_rare_worlds import LATER, RARE
from simulated_theme_worlds import THEMES
from simulated_world import Run, World, simulate

_RARE = (*LATER.values(), *RARE)
_RUNS = [*((theme, seed) for theme in THEMES for seed in range(5))]
_RARE_RUNS = [*((theme, seed) for theme in _RARE for seed in range(2))]


@cache  # mypy reads the __hash__ of a world's objects for that of its class
def _run(theme: type[World], seed: int) -> Run:
    return simulate(Choices(seed), is_faulty=theme.has_faults, of=theme)


@pytest.mark.parametrize(("theme", "seed"), [*_RUNS, *_RARE_RUNS])
def test_every_rule_holds(theme: type[World], seed: int) -> None:
    check(_run(theme, seed).history)  # type: ignore[arg-type]


@pytest.mark.parametrize("theme", [*THEMES, *_RARE])
def test_seeds_give_distinct_histories(theme: type[World]) -> None:
    one, another = _run(theme, 0), _run(theme, 1)  # type: ignore[arg-type]
    assert str(one.history) != str(another.history)
