"""Seeded runs of the core under every fault: each history keeps every rule."""

import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from choices import Choices
from history_checker import Call, End, Rule, check, violations
from interlock._engine.command_handling import CommandHandler
from interlock._engine.known_heads import KnownHeads
from interlock._engine.stream import EventStream, _Standing
from simulated_stores import Fault
from simulated_world import Run, simulate

SEEDS = int(os.environ.get("INTERLOCK_SEEDS", "100"))
CALM_SEEDS = range(20)
_PRINT = """
import logging
from choices import Choices
from simulated_world import simulate
logging.disable()
print(simulate(Choices(3), is_faulty=True).history)
"""


@cache
def faulty(seed: int) -> Run:
    return simulate(Choices(seed), is_faulty=True)


@cache
def calm(seed: int) -> Run:
    return simulate(Choices(seed), is_faulty=False)


def commands(run: Run) -> list[Call]:
    return [call for call in run.history.calls if call.amounts is not None]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_rule_holds_whatever_fails(seed: int) -> None:
    run = faulty(seed)
    try:
        check(run.history)
    except AssertionError as error:
        replay = f"simulate(Choices(replay={run.choices}), is_faulty=True)"
        raise AssertionError(f"{error}\nseed {seed}; again: {replay}") from None


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


def test_without_faults_commands_are_acknowledged() -> None:
    ends = Counter(call.end for seed in CALM_SEEDS for call in commands(calm(seed)))
    assert ends[End.ACKNOWLEDGED] >= 0.95 * ends.total(), ends


def test_seeds_give_distinct_histories() -> None:
    histories = {str(faulty(seed).history) for seed in range(SEEDS)}
    assert len(histories) >= 0.9 * SEEDS


def test_every_fault_is_met() -> None:
    hits = sum((faulty(seed).hits for seed in range(SEEDS)), Counter[Fault]())
    assert set(hits) == set(Fault) - {Fault.NONE}


def test_every_end_of_a_command_is_met() -> None:
    ends = {call.end for seed in range(SEEDS) for call in faulty(seed).history.calls}
    assert ends == set(End) - {End.OPEN, End.UNDOCUMENTED}


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
