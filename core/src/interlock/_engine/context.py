"""The context that all services of one registered aggregate share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from interlock._engine.known_heads import KnownHeads
from interlock._engine.registration import Registration
from interlock._engine.replay_slots import ReplaySlots
from interlock._engine.reports import Reporting
from interlock._engine.stream import EventStream
from interlock._storage.protocols import CacheStore, SnapshotStore

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class TypeContext:
    """The stores, the knowledge and the settings of one registered aggregate.

    `cache` is None without a cache strategy, too. `snapshot_queue_size`, `queue_size` and
    `max_attempts` are the application's settings, `late_writes` those of all its types that go on
    behind the answers, `replay_slots` likewise all its.
    """

    registration: Registration
    stream: EventStream
    cache: CacheStore | None
    snapshots: SnapshotStore | None
    heads: KnownHeads
    reporting: Reporting
    clock: Clock
    max_attempts: int
    queue_size: int
    snapshot_queue_size: int
    late_writes: set[asyncio.Task[None]]
    replay_slots: ReplaySlots

    @property
    def is_local(self) -> bool:
        """Whether a commit waits for no timer and no other process: all of its stores are local."""
        return all(
            store is None or (store.timeout is None and getattr(store, "is_local", False))
            for store in (self.stream.store, self.cache, self.snapshots)
        )
