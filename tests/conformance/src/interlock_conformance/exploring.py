"""How far the models go: the same few examples in each run, or many new ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

_soaks: list[bool] = []
_hastes: list[bool] = []


def soak() -> None:
    """Explore at random from now on, for long."""
    _soaks.append(True)


def is_soaking() -> bool:
    """Whether the long form was asked for."""
    return bool(_soaks)


@contextmanager
def hastily() -> Iterator[None]:
    """In the block the first failure found is the one that is told, not the smallest.

    What is broken on purpose isn't waited for as long as what may be correct, see `is_hasty`.
    """
    _hastes.append(True)
    try:
        yield
    finally:
        _hastes.pop()


def is_hasty() -> bool:
    """Whether `hastily` is at work."""
    return bool(_hastes)


def current_settings(examples: int = 25) -> settings:
    """Hypothesis's settings for a model."""
    common: dict[str, Any] = {  # Any: each setting's own type
        "database": None,
        "deadline": None,
        "report_multiple_bugs": False,
        "suppress_health_check": list(HealthCheck),
    }
    if _soaks:
        return settings(max_examples=examples * 20, stateful_step_count=50, **common)
    return settings(
        max_examples=examples,
        stateful_step_count=20,
        derandomize=True,
        phases=[Phase.generate] if _hastes else [Phase.generate, Phase.shrink],
        **common,
    )


def explore(machine: type[RuleBasedStateMachine], *, examples: int = 25) -> None:
    """Run a model; its assertion leaves as it is."""
    run_state_machine_as_test(machine, settings=current_settings(examples))
