"""Runs that are about one thing each: every rule holds of them, too."""

from functools import cache

import pytest

from choices import Choices
from history_checker import check
from simulated_theme_worlds import THEMES, ThemeWorld
from simulated_world import Run, simulate

_RUNS = range(5)


@cache
def _run(theme: type[ThemeWorld], seed: int) -> Run:
    return simulate(Choices(seed), is_faulty=True, of=theme)


@pytest.mark.parametrize("seed", _RUNS)
@pytest.mark.parametrize("theme", THEMES)
def test_every_rule_holds(theme: type[ThemeWorld], seed: int) -> None:
    check(_run(theme, seed).history)


@pytest.mark.parametrize("theme", THEMES)
def test_seeds_give_distinct_histories(theme: type[ThemeWorld]) -> None:
    assert str(_run(theme, 0).history) != str(_run(theme, 1).history)
