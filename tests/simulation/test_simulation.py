"""Seeded runs of the core under every fault: each history keeps every rule."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from choices import Choices
from history import Rule
from history_checker import check, violations
from interlock._engine.command_handling import CommandHandler
from interlock._engine.known_heads import KnownHeads
from interlock._engine.stream import EventStream, _Standing
from runs import CALM_SEEDS, SEEDS, calm, faulty
from shrinking import as_test, shrink
from simulated_world import simulate

_PRINT = """
import logging
from choices import Choices
from simulated_world import simulate
logging.disable()
print(simulate(Choices(3), is_faulty=True).history)
"""


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_rule_holds_whatever_fails(seed: int) -> None:
    run = faulty(seed)
    broken = {violation.rule for violation in violations(run.history)}

    def fails(choices: Sequence[int]) -> bool:
        again = simulate(Choices(replay=choices), is_faulty=True)
        return bool(broken & {violation.rule for violation in violations(again.history)})

    if broken:
        choices = shrink(run.choices, fails)
        try:
            check(simulate(Choices(replay=choices), is_faulty=True).history)
        except AssertionError as error:
            raise AssertionError(f"{error}\nseed {seed}; as a test:\n{as_test(choices)}") from None


@pytest.mark.parametrize("seed", CALM_SEEDS)
def test_every_rule_holds_where_nothing_fails(seed: int) -> None:
    check(calm(seed).history)


async def _yes(*_: object, **__: object) -> bool:
    return True


async def _others(*_: object, **__: object) -> _Standing:
    return _Standing.OTHERS


def _nothing_known(*_: object) -> int:
    return 0


BROKEN = {
    "every state counts as the head": (CommandHandler, "_is_head", _yes, Rule.FRESH),
    "a lost reply counts as a conflict": (EventStream, "_find_out", _others, Rule.ONCE),
    "nothing is known of heads": (KnownHeads, "version", _nothing_known, Rule.OWN_WRITES),
}


@pytest.mark.parametrize(
    ("owner", "name", "instead", "rule"),
    [pytest.param(*broken, id=name) for name, broken in BROKEN.items()],
)
def test_a_broken_core_breaks_a_rule(
    owner: type, name: str, instead: object, rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, instead)
    runs = (simulate(Choices(seed), is_faulty=True) for seed in range(SEEDS))
    broken = (each.rule for run in runs for each in violations(run.history))
    assert any(each is rule for each in broken)


def test_the_choices_of_a_run_make_it_again() -> None:
    run = faulty(3)
    again = simulate(Choices(replay=run.choices), is_faulty=True)
    assert str(again.history) == str(run.history)
    assert again.choices == run.choices


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_gives_one_history_in_every_process(hash_seed: str) -> None:
    environment = os.environ | {
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": str(Path(__file__).parent),
    }
    printed = subprocess.run(  # noqa: S603 # our own
        [sys.executable, "-c", _PRINT], env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.rstrip("\n") == str(faulty(3).history)
