"""Stores with several doors: what their reports say."""

from collections.abc import Callable
from typing import Any

import pytest

from interlock_conformance.checks import ADVISED
from interlock_conformance.verdict import standing

NODES = """
from interlock_conformance import EventStoreConformance
from interlock_conformance.gallery.in_nodes import Events, Node

class Careless(Node):
    def _clashes(self, entry, other):
        return entry.key == other.key and bool(entry.parts & other.parts)

class TestNodes(EventStoreConformance):
    log = []
    nodes = [Careless(log), Careless(log)]

    def backend(self):
        return Events(self.nodes[0])

    async def backends(self):
        return [Events(node) for node in self.nodes]
"""


def test_who_is_advised_against_is_partial(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest("-q", "-k", "EVENTS-077 or EVENTS-078 or EVENTS-079", test_nodes=NODES)
    assert run.code == 0, run.text
    outcomes = run.outcomes("TestNodes")
    found = [outcomes[f"EVENTS-{number:03}"] for number in (77, 78, 79)]
    assert found == ["passed", "advised against", "not applicable"]
    assert "EVENTS-078 advised against" in run.suite("TestNodes")["reasons"]
    assert "doors" in run.suite("TestNodes")["capabilities"]


@pytest.mark.parametrize(
    ("outcome", "capabilities", "verdict"),
    [
        ("advised against", {"doors"}, "partial"),
        ("passed", {"doors"}, "conformant"),
        ("error", {"doors"}, "failed"),
    ],
)
def test_the_standing_of_an_advice(outcome: str, capabilities: set[str], verdict: str) -> None:
    assert standing(outcome, ADVISED("doors"), capabilities) == verdict
