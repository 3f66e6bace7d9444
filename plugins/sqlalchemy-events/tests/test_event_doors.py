"""The shared suite's checks of several doors, at the nodes of a Galera cluster."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from interlock_conformance.cases import EventStoreConformance
from interlock_conformance.checks import Check
from interlock_conformance.outcomes import Outcome, make_check
from interlock_sqlalchemy.dialects import mysql
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_galera import GaleraNode, own_galera

pytestmark = pytest.mark.faults

CHECKS = {check.id: check for check in EventStoreConformance.interlock_checks}
AT_DOORS = ("EVENTS-070", "EVENTS-071", "EVENTS-072", "EVENTS-077", "EVENTS-078")
COMING_BACK = ("EVENTS-079", "EVENTS-145")


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[GaleraNode]]:
    with own_galera(2) as nodes:
        yield nodes


class Galera(EventStoreConformance):
    """An event store at each node; the second is stopped gracefully, which leaves a majority."""

    capabilities = frozenset({"shared", "durable"})
    claims_next_version = True

    def __init__(self, nodes: Sequence[GaleraNode]) -> None:
        self.nodes = nodes

    def backend(self) -> SQLAlchemyEventStore:
        return self.backends()[0]

    def backends(self) -> list[SQLAlchemyEventStore]:
        return [self._at(node) for node in self.nodes]

    async def stop(self, place: int) -> None:
        await asyncio.to_thread(self.nodes[place].stop)

    async def wake(self, place: int) -> None:
        await asyncio.to_thread(self.nodes[place].start)

    async def replace(self, place: int) -> None:
        await asyncio.to_thread(self.nodes[place].empty)
        await self.wake(place)

    def _at(self, node: GaleraNode) -> SQLAlchemyEventStore:
        config = SQLAlchemyEventsConfig(url=node.url, create_schema=True, allow_galera=True)
        store = SQLAlchemyEventStore(config)
        store._claims_next_version = self.claims_next_version
        return store


class Unclaiming(Galera):
    """Deletions are what they are anywhere else."""

    claims_next_version = False


def outcome_of(check: Check, suite: Any) -> Outcome:  # Any: its methods stand for attributes
    result = make_check(check, suite)
    assert result.outcome is not Outcome.ERROR, result.reason
    return result.outcome


@pytest.mark.parametrize("check_id", [*AT_DOORS, *COMING_BACK])
def test_a_store_at_two_nodes_is_one(nodes: list[GaleraNode], check_id: str) -> None:
    assert outcome_of(CHECKS[check_id], Galera(nodes)) is Outcome.PASSED


def test_the_defaults_of_galera_fail(
    nodes: list[GaleraNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql, "_GALERA_SETTINGS", {"wsrep_sync_wait": "0"})
    found = [outcome_of(CHECKS[check_id], Unclaiming(nodes)) for check_id in AT_DOORS[:3]]
    assert Outcome.FAILED in found


def test_waiting_for_other_nodes_is_not_enough_for_deletions(nodes: list[GaleraNode]) -> None:
    suite = Unclaiming(nodes)
    others = [outcome_of(CHECKS[check_id], suite) for check_id in AT_DOORS[:4]]
    assert others == [Outcome.PASSED] * 4
    assert outcome_of(CHECKS["EVENTS-078"], suite) is Outcome.ADVISED_AGAINST
