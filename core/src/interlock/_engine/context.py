"""The context that all services of one registered aggregate share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from interlock._engine.guard import GuardedCache, GuardedSnapshots
from interlock._engine.known_heads import KnownHeads
from interlock._engine.registration import Registration
from interlock._engine.reports import Reporting
from interlock._engine.stream import EventStream

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class TypeContext:
    """The stores, the knowledge and the settings of one registered aggregate.

    `cache` is None without a cache strategy, too. `snapshot_queue_size`, `queue_size` and
    `max_attempts` are the application's settings.
    """

    registration: Registration
    stream: EventStream
    cache: GuardedCache | None
    snapshots: GuardedSnapshots | None
    heads: KnownHeads
    reporting: Reporting
    clock: Clock
    max_attempts: int
    queue_size: int
    snapshot_queue_size: int
