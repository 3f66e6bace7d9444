"""A cache that is away for a while leaves nobody with an earlier state once it is back."""

from typing import Any

import pytest

from choices import Choices
from history import Rule
from history_checker import check, violations
from interlock._engine.breaking import CacheWithBreaker
from interlock._engine.late_writes import LateWrites, Write
from interlock._engine.settling import Settler
from interlock._storage.unsettled_keys import UnsettledKeys
from simulated_outage import OutageWorld, SlowWorld
from simulated_world import Run, simulate

_RUNS = range(60)


def _run(seed: int) -> Run:
    return simulate(Choices(seed), is_faulty=False, of=OutageWorld)


@pytest.mark.parametrize("seed", _RUNS)
def test_nothing_outdated_is_left(seed: int) -> None:
    check(_run(seed).history)


async def _nothing(*_: Any, **__: Any) -> None:
    return


def _no_note(*_: Any) -> None:
    return


BROKEN = {
    "a put that was left out is forgotten": (CacheWithBreaker, "_missed", _no_note),
    "what is noted is removed by nobody": (Settler, "_work", _nothing),
    "a cache serves what it has after its rest": (UnsettledKeys, "noted", _no_note),
    "closing removes nothing": (Settler, "settle", _nothing),
}


@pytest.mark.parametrize(
    ("owner", "name", "instead"), [pytest.param(*each, id=name) for name, each in BROKEN.items()]
)
def test_a_broken_breaker_is_found(
    owner: type, name: str, instead: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, instead)
    found = (each.rule for seed in range(300) for each in violations(_run(seed).history))
    assert any(rule in {Rule.FRESH, Rule.OWN_WRITES} for rule in found)


@pytest.mark.parametrize("seed", range(30))
def test_a_put_that_comes_late_replaces_nothing_newer(seed: int) -> None:
    check(simulate(Choices(seed), is_faulty=False, of=SlowWorld).history)


def test_a_late_put_that_replaces_a_newer_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def write(_: LateWrites, __: object, write: Write) -> None:
        await write()

    monkeypatch.setattr(LateWrites, "_write_after", write)
    runs = (simulate(Choices(seed), is_faulty=False, of=SlowWorld) for seed in range(300))
    assert any(each.rule is Rule.FRESH for run in runs for each in violations(run.history))
