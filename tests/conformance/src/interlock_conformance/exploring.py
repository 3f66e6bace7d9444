"""How far the models go: the same few examples in each run, or many new ones."""

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from interlock_conformance.waiting import is_hasty

_soaks: list[bool] = []


def soak() -> None:
    """Explore at random from now on, for long."""
    _soaks.append(True)


def is_soaking() -> bool:
    """Whether the long form was asked for."""
    return bool(_soaks)


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
        phases=[Phase.generate] if is_hasty() else [Phase.generate, Phase.shrink],
        **common,
    )


def explore(machine: type[RuleBasedStateMachine], *, examples: int = 25) -> None:
    """Run a model; its assertion leaves as it is."""
    run_state_machine_as_test(machine, settings=current_settings(examples))
