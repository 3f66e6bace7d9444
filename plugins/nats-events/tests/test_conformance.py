"""The shared suite: at three nodes of a cluster, and at one server whose network is disturbed."""

import asyncio
from collections.abc import Iterator

import pytest

from interlock.application import backend
from interlock_conformance.cases import EventStoreConformance, PackagingConformance
from nats_rig import Node, cluster, wait_until_healthy


@pytest.fixture(scope="module")
def three() -> Iterator[list[Node]]:
    with cluster() as nodes:
        yield nodes


@pytest.fixture(scope="module")
def single() -> Iterator[list[Node]]:
    with cluster(1) as nodes:
        yield nodes


class _AtNodes:
    nodes: list[Node]

    def backend(self) -> object:
        return self._at(self.nodes)

    def backends(self) -> list[object]:
        """One for each node, which speaks to the others once its own is gone."""
        return [self._at([node]) for node in self.nodes]

    def _at(self, nodes: list[Node]) -> object:
        servers = [node.address for node in nodes]
        return backend("nats-events", servers=servers, create_stream=True, sync_always=True)


class TestCluster(_AtNodes, EventStoreConformance):
    @pytest.fixture(autouse=True)
    def _nodes(self, request: pytest.FixtureRequest, three: list[Node]) -> None:
        request.cls.nodes = three

    async def stop(self, place: int) -> None:
        await asyncio.to_thread(self.nodes[place].kill)

    async def wake(self, place: int) -> None:
        self.nodes[place].start()
        await asyncio.to_thread(wait_until_healthy, self.nodes)

    async def replace(self, place: int) -> None:
        self.nodes[place].empty()
        await self.wake(place)


class TestOneServer(EventStoreConformance):
    nodes: list[Node]

    @pytest.fixture(autouse=True)
    def _nodes(self, request: pytest.FixtureRequest, single: list[Node]) -> None:
        request.cls.nodes = single

    def backend(self) -> object:
        return backend(
            "nats-events",
            servers=[self.nodes[0].address],
            create_stream=True,
            replicas=1,
            allow_unsafe=True,
        )


class TestDistribution(_AtNodes, PackagingConformance):
    @pytest.fixture(autouse=True)
    def _nodes(self, request: pytest.FixtureRequest, single: list[Node]) -> None:
        request.cls.nodes = single

    backend = TestOneServer.backend
