"""An optimisation never changes an answer."""

import asyncio
import logging
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from interlock._plugins.catalogue import Catalogue
from law.calls import Plan, Step
from law.provoking import THEMES, histories
from law.steps import plans
from law.world import World
from thorough import drawn

EXAMPLES = 12  # in a round; a theme has rounds until each of its faults has bitten often enough
ROUNDS = 50
AT_LEAST = drawn(quick=2, thorough=50)  # examples in which a fault of the theme bit
BESIDES = drawn(quick=1, thorough=10)
DETERMINISTIC = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def _found(source: str, *more: str) -> tuple[str, ...]:
    reasons = ("absent", "unusable", "not-kept", "not-in-stream", "other-branch", *more)
    return tuple(f"{source} found {reason}" for reason in reasons)


SEEN_BESIDES = {  # by a theme; the other themes see them too
    "cache-reads": (
        *(f"baseline {name}" for name in ("empty", "snapshot", "cache")),
        *(f"freshness {name}" for name in ("Trust", "MaxAge", "FastForward", "Replay", "version=")),
        *(f"answered by {name} alone" for name in ("Trust", "MaxAge")),
        *_found("cache", "unavailable"),
    ),
    "cache-puts": ("cache found below-floor", "loaded with others"),
    "snapshot-reads": _found("snapshot"),
    "streams": (
        "events restored",
        "events read ahead",
        "all events read ahead",
        "events confirmed True",
    ),
}


@pytest.mark.parametrize("theme", THEMES)
def test_an_optimisation_never_changes_an_answer(
    theme: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
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

    where, faults = THEMES[theme]
    wanted = {f"{where} {fault}": AT_LEAST for fault in faults}
    wanted |= dict.fromkeys(SEEN_BESIDES.get(theme, ()), BESIDES)
    for number in range(ROUNDS):
        if all(taken[name] >= often for name, often in wanted.items()):
            break
        rare = tuple(fault for fault in faults if taken[f"{where} {fault}"] < AT_LEAST)
        given_that = given(plan=plans(where), steps=histories(where, rare or faults))
        seed(100 * list(THEMES).index(theme) + number)(DETERMINISTIC(given_that(law)))()
    with capsys.disabled():
        print(f"\n{taken['examples']} examples; those that really took:")  # noqa: T201 shown on purpose
        for name in wanted:
            print(f"  {taken[name]:4}  {name}")  # noqa: T201 as above
    assert not {name: taken[name] for name, often in wanted.items() if taken[name] < often}
