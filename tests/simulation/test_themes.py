"""Runs that are about one thing each: every rule holds of them, too."""

from functools import cache

import pytest

from choices import Choices
from history_checker import check
from simulated_theme_worlds import THEMES, ThemeWorld
from simulated_world import Run, simulate

_RUNS = range(5)


@cache  # mypy reads the __hash__ of a world's objects for that of its class
def _run(theme: type[ThemeWorld], seed: int) -> Run:
    return simulate(Choices(seed), is_faulty=True, of=theme)


@pytest.mark.parametrize("seed", _RUNS)
@pytest.mark.parametrize("theme", THEMES)
def test_every_rule_holds(theme: type[ThemeWorld], seed: int) -> None:
    check(_run(theme, seed).history)  # type: ignore[arg-type]


@pytest.mark.parametrize("theme", THEMES)
def test_seeds_give_distinct_histories(theme: type[ThemeWorld]) -> None:
    one, another = _run(theme, 0), _run(theme, 1)  # type: ignore[arg-type]
    assert str(one.history) != str(another.history)
