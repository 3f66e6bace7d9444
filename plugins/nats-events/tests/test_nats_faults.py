"""Leaders that are killed, stopped, or cut off under load: nothing is lost, doubled or stale."""

import asyncio
import json
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from random import Random
from time import monotonic
from uuid import UUID, uuid4

import pytest

from fault_ledger import Ledger, events_of
from interlock_nats_events.backend import NatsEventStore
from nats_network import Network
from nats_rig import Node, answers, cluster, leader, wait_until_healthy

CLUSTERS = int(os.environ.get("INTERLOCK_CLUSTERS") or 1)
FAULTS = int(os.environ.get("INTERLOCK_FAULTS") or 4)
"""For each cluster."""

WRITERS = int(os.environ.get("INTERLOCK_WRITERS") or 12)
REPORTS = os.environ.get("INTERLOCK_FAULTS_REPORTS")
_CHECK_AFTER = 25
"""So many faults are followed by a look at all that was written since."""

KINDS = ("cut off", "killed", "stopped", "unheard", *("killed", "stopped", "cut off") * 2, "deaf")
"""What happens to the leader of the moment. The last takes longest: it leads on for 10 seconds."""

Opened = Callable[..., Awaitable[NatsEventStore]]


@dataclass
class Faults:
    """Hits leaders until others lead, and notes for how long nothing was acknowledged."""

    nodes: list[Node]
    network: Network
    ledger: Ledger
    pauses: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By kind, for each fault the most seconds in which no append was acknowledged."""
    looks: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    """After how many faults all was read that was written, and what was wrong."""

    async def hit(self, kind: str) -> None:
        """Disturb the leader, as the kind says, until another one is elected and writers go on."""
        await self.ledger.progress()
        victim = await asyncio.to_thread(leader, self.nodes)
        others = [node for node in self.nodes if node is not victim]
        started = monotonic()
        async with self._disturbed(kind, victim):
            await asyncio.to_thread(leader, others)
            await self.ledger.progress()
        await asyncio.to_thread(wait_until_healthy, self.nodes)
        self.pauses[kind].append(self.ledger.longest_pause(started))

    @asynccontextmanager
    async def _disturbed(self, kind: str, victim: Node) -> AsyncIterator[None]:
        network, name = self.network, victim.name
        begin, end = {
            "killed": (victim.kill, victim.start),
            "stopped": (victim.hang, victim.go_on),
            "cut off": (lambda: network.isolate(name), network.heal),
            "unheard": (lambda: network.isolate(name, hears=True), network.heal),
            "deaf": (lambda: network.isolate(name, is_heard=True), network.heal),
        }[kind]
        begin()
        try:
            yield
        finally:
            end()


@pytest.fixture
def network() -> Iterator[Network]:
    with Network() as found:
        yield found


@pytest.fixture
def nodes(network: Network) -> Iterator[list[Node]]:
    with cluster(network=network) as found:
        yield found


@pytest.mark.parametrize("number", range(CLUSTERS))
async def test_nothing_is_lost_doubled_or_stale(
    nodes: list[Node], network: Network, opened: Opened, number: int
) -> None:
    random, ledger = Random(number), Ledger()  # noqa: S311 # a test's
    faults = Faults(nodes, network, ledger)
    # Each chooses a node by itself, also the one that is cut off, and knows the others.
    stores = [await opened(nodes, timeout="30s") for _ in nodes]
    left = islice(cycle(KINDS), FAULTS)
    while kinds := [*islice(left, _CHECK_AFTER)]:
        async with ledger.load(stores, WRITERS, random):
            for kind in kinds:
                await faults.hit(kind)
                note(number, faults)
            await ledger.progress()
        await look(number, faults, random.choice(stores), [*ledger.changed])
    await look(number, faults, random.choice(stores), [*ledger.acknowledged])
    asked = sum(ledger.outcomes[name] for name in ("acknowledged", "unavailable appends"))
    assert ledger.outcomes["acknowledged"] >= 0.95 * asked, ledger.outcomes


async def look(number: int, faults: Faults, store: NatsEventStore, accounts: list[UUID]) -> None:
    """Compare the accounts with what was acknowledged."""
    wrong = await faults.ledger.judge(store, accounts)
    faults.looks.append((sum(map(len, faults.pauses.values())), wrong))
    note(number, faults)
    assert not any(wrong.values()), (wrong, faults.ledger.stale[:5])


def note(number: int, faults: Faults) -> None:
    """Keep what was done and found so far in the folder for reports."""
    ledger = faults.ledger
    found = {
        "server": [*answers],
        "writers": WRITERS,
        "accounts": len(ledger.acknowledged),
        "seconds without an acknowledged append, by fault": faults.pauses,
        "outcomes": dict(ledger.outcomes),
        "events acknowledged": sum(map(len, ledger.acknowledged.values())),
        "stale so far": len(ledger.stale),
        "wrong in what was written, after so many faults": faults.looks,
    }
    print(json.dumps(found))  # noqa: T201 # shown by -rP
    if REPORTS:
        Path(REPORTS).mkdir(exist_ok=True)
        (Path(REPORTS) / f"cluster-{number}.json").write_text(json.dumps(found, indent=1) + "\n")


async def test_a_store_leaves_a_node_that_is_cut_off(
    nodes: list[Node], network: Network, opened: Opened
) -> None:
    """The node answers pings, so the driver stays; the others are known from it."""
    store, events = await opened(nodes[:1], timeout="60s"), events_of(uuid4(), 1)
    network.isolate(nodes[0].name)
    await store.append(events, after=None)
    other = await opened(nodes[1:])
    assert await other.head("Account", events[0].aggregate_id) == (1, events[0].event_id)
