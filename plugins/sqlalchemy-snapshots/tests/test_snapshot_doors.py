"""The shared suite's checks of several doors, at the nodes of a Galera cluster."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from interlock_conformance.cases import SnapshotConformance
from interlock_conformance.outcomes import Outcome, make_check
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from interlock_sqlalchemy_snapshots.config import SQLAlchemySnapshotsConfig
from sql_galera import GaleraNode, own_galera

pytestmark = pytest.mark.faults

AT_DOORS = [f"SNAP-{number}" for number in (140, 141, 142, 143, 145, 146, 147)]


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[GaleraNode]]:
    with own_galera(2) as nodes:
        yield nodes


class Galera(SnapshotConformance):
    """A snapshot store at each node; the second is stopped gracefully, which leaves a majority."""

    capabilities = frozenset({"shared", "durable"})

    def __init__(self, nodes: Sequence[GaleraNode]) -> None:
        self.nodes = nodes

    def backend(self) -> SQLAlchemySnapshotBackend:
        return self.backends()[0]

    def backends(self) -> list[SQLAlchemySnapshotBackend]:
        options = {"create_schema": True, "allow_galera": True}
        configs = [SQLAlchemySnapshotsConfig(url=node.url, **options) for node in self.nodes]
        return [SQLAlchemySnapshotBackend(config) for config in configs]

    async def stop(self, place: int) -> None:
        await asyncio.to_thread(self.nodes[place].stop)

    async def wake(self, place: int) -> None:
        await asyncio.to_thread(self.nodes[place].start)

    async def replace(self, place: int) -> None:
        await asyncio.to_thread(self.nodes[place].empty)
        await self.wake(place)


@pytest.mark.parametrize("check_id", AT_DOORS)
def test_a_store_at_two_nodes_is_one(nodes: list[GaleraNode], check_id: str) -> None:
    (check,) = [each for each in SnapshotConformance.interlock_checks if each.id == check_id]
    suite: Any = Galera(nodes)  # Any: its methods stand for attributes
    result = make_check(check, suite)
    assert result.outcome is Outcome.PASSED, result.reason
