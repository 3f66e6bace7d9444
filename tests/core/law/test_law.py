"""An optimisation never changes an answer."""

import asyncio
import logging
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from interlock._plugins.catalogue import Catalogue
from law import fault_lists
from law.calls import Plan, Step
from law.steps import THEMES, histories, plans
from law.world import World
from thorough import drawn

EXAMPLES = 12  # in a round; faults have rounds until each has bitten often enough
ROUNDS = 50
AT_LEAST = drawn(quick=2, thorough=50)
DETERMINISTIC = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
WANTED = (
    *(f"baseline {name}" for name in ("empty", "snapshot", "cache")),
    *(f"freshness {name}" for name in ("Trust", "MaxAge", "FastForward", "Replay", "version=")),
    *(f"answered by {name} alone" for name in ("Trust", "MaxAge")),
    *(
        f"cache {name}"
        for name in fault_lists.READ_FAULTS + fault_lists.PUT_FAULTS + fault_lists.REMOVE_FAULTS
    ),
    *(f"snapshots {name}" for name in fault_lists.READ_FAULTS + fault_lists.PUT_FAULTS),
    *(f"events {name}" for name in fault_lists.APPEND_FAULTS + fault_lists.STREAM_FAULTS),
    *(f"events {name}" for name in (*fault_lists.INTRUSIONS, "restored", "read ahead")),
    *(
        f"{source} found {reason}"
        for source in ("cache", "snapshot")
        for reason in ("absent", "unusable", "not-kept", "not-in-stream", "other-branch")
    ),
    *(f"cache found {reason}" for reason in ("unavailable", "below-floor")),
    *("loaded with others", "forgotten", "forgotten with events"),
)


def test_an_optimisation_never_changes_an_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("interlock._engine.stream._PAUSE_SECONDS", 0)
    entry_points = Catalogue.installed()  # looked up once: a thousand applications are built
    monkeypatch.setattr(Catalogue, "installed", lambda: entry_points)
    monkeypatch.setattr(logging.getLogger("interlock"), "disabled", True)
    taken: Counter[str] = Counter()

    def law(plan: Plan, steps: list[Step]) -> None:
        seen: Counter[str] = Counter()
        asyncio.run(World(plan, seen).run(steps))
        taken.update({*seen, "examples"})

    number = 0
    for where, among in THEMES:
        for _ in range(ROUNDS):
            rare = [fault for fault in among if taken[f"{where} {fault}"] < AT_LEAST]
            if rare:
                number += 1
                given_that = given(plan=plans(where), steps=histories(where, tuple(rare)))
                seed(number)(DETERMINISTIC(given_that(law)))()
    with capsys.disabled():
        print(f"\n{taken['examples']} examples; those that really took:")  # noqa: T201 shown on purpose
        for name in WANTED:
            print(f"  {taken[name]:4}  {name}")  # noqa: T201 as above
    too_rare = {name: taken[name] for name in WANTED if taken[name] < AT_LEAST}
    assert not too_rare
