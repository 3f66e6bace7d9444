"""Two tiers, the clocks that they go by, and what another process does to the shared one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from interlock.application.aggregates import (
    InMemoryAggregateCacheBackend,
    TieredAggregateCacheBackend,
)
from interlock.backends import AggregateRecord, RecordKey
from rig import Clock
from rig_domain import ID
from rig_stores import Cache

KEY = RecordKey("default", 0, "Account", ID, "1")


START = datetime(2030, 1, 1, tzinfo=UTC)


class Shared(Cache):
    """Tells a watching tier what somebody else did, when the test says so."""

    timeout = timedelta(seconds=1)
    changed: Callable[[str], None]
    reset: Callable[[], None]

    async def watch(self, changed: Callable[[str], None], reset: Callable[[], None]) -> None:
        self.changed, self.reset = changed, reset

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        found = await super().read(key)
        await self.at("found")
        return found

    async def put_by_another(self, record: AggregateRecord) -> None:
        await InMemoryAggregateCacheBackend.put(self, KEY, record)
        self.changed(KEY.text())


class Seconds:
    """A clock for a local tier."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Tiers:
    """Two tiers, and the clocks that they go by."""

    def __init__(self, *, size: int = 10, ttl: timedelta | None = None) -> None:
        self.seconds = Seconds()
        self.clock = Clock()
        self.local = InMemoryAggregateCacheBackend(size=size, ttl=ttl, clock=self.seconds)
        self.shared = Shared()
        self.both = TieredAggregateCacheBackend(self.local, self.shared, clock=self.clock)

    async def opened(self) -> "Tiers":
        await self.both.open()
        self.clock.pass_by(1)
        return self

    async def read(self) -> int | None:
        found = await self.both.read(KEY)
        return None if found is None else found.version

    def reads_of_shared(self) -> int:
        return self.shared.calls.count("read")


def record(version: int, *, verified: float = 1) -> AggregateRecord:
    at = START + timedelta(seconds=verified)
    stamp = "Account", ID, "1", version, UUID(int=version)
    return AggregateRecord("default", 0, *stamp, at, at, at, at, "json", b"{}")
