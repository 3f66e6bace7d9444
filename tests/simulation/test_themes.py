"""Runs that are about one thing each: every rule holds of them, too."""

import pytest

from choices import Choices
from history_checker import check
from simulated_theme_worlds import THEMES, ThemeWorld
from simulated_world import simulate

_RUNS = range(6)


@pytest.mark.parametrize("seed", _RUNS)
@pytest.mark.parametrize("theme", THEMES)
def test_every_rule_holds(theme: type[ThemeWorld], seed: int) -> None:
    check(simulate(Choices(seed), is_faulty=True, of=theme).history)


@pytest.mark.parametrize("theme", THEMES)
def test_seeds_give_distinct_histories(theme: type[ThemeWorld]) -> None:
    runs = (simulate(Choices(seed), is_faulty=True, of=theme) for seed in range(2))
    assert len({str(run.history) for run in runs}) == 2
