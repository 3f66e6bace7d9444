"""An application whose backends do what a test says at each of their calls, and a small domain.

Races are forced: a backend waits at a `Gate` until the test opens it. Nothing sleeps, the clock is
a value.
"""

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Iterator,
    Sequence,
)
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import UUID

import pytest

from interlock._engine.reports import LoadReport, Reason, Source
from interlock.application import Application, ApplicationBuilder, Observer, OnLoad
from interlock.application.aggregates import (
    AlwaysCache,
    NeverCache,
    SnapshotAfterN,
)
from rig_domain import ID, Account, Deposit, Do
from rig_stores import Cache, Events, Snapshots

T = TypeVar("T")


class Clock:
    """Says what the test says."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Go on, or back."""
        self.now += timedelta(seconds=seconds)


class Rig:
    """A running application of accounts and everything that it talks to.

    Without other words all states are cached and none is snapshotted. `other()` is another process
    on the same event store and snapshot store.
    """

    def __init__(
        self,
        cls: type[Account] = Account,
        *,
        events: Events | None = None,
        snapshots: Any = None,
        cache: Any = None,
        is_observed: bool = True,
        observers: Sequence[Observer] = (),
        settings: dict[str, Any] | None = None,
        **registration: Any,
    ) -> None:
        self.cls = cls
        self.events = Events() if events is None else events
        # Any: what a test gives, with attributes of its own
        self.snapshots: Any = Snapshots() if snapshots is None else snapshots
        self.cache: Any = Cache() if cache is None else cache
        self.clock = Clock()
        self.reports: list[LoadReport] = []
        self.registration = {"cache_strategy": AlwaysCache} | registration
        closing = {"close_timeout": timedelta(seconds=1)}
        builder = ApplicationBuilder(clock=self.clock).configure(**(closing | (settings or {})))
        if is_observed:
            builder.register_observer(OnLoad(self.reports.append))
        for observer in observers:
            builder.register_observer(observer)
        builder.register_event_store(self.events)
        builder.register_aggregate(
            cls, snapshot_backend=self.snapshots, cache_backend=self.cache, **self.registration
        )
        self.app: Application = builder.build()

    def other(self, **registration: Any) -> "Rig":
        """Another process; its cache is its own unless one is given."""
        given = {
            "events": self.events,
            "snapshots": self.snapshots,
            **self.registration,
            **registration,
        }
        return Rig(self.cls, **given)

    async def __aenter__(self) -> Self:
        await self.app.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.app.close()

    async def deposit(self, *amounts: int, aggregate_id: UUID = ID) -> None:
        """A command for each amount."""
        for amount in amounts:
            await self.app.dispatch(Deposit(aggregate_id=aggregate_id, amount=amount))

    async def load_many(self, *ids: UUID, **asked: Any) -> list[Account]:
        """The accounts."""
        return [account async for account in self.app.load_many(self.cls, ids, **asked)]

    async def forget(self, aggregate_id: UUID = ID, **asked: Any) -> None:
        """Forget the account."""
        await self.app.forget(self.cls, aggregate_id, **asked)

    async def do(self, action: Callable[[Any], Any], aggregate_id: UUID = ID) -> Any:
        """Let a handler do this."""
        return await self.app.dispatch(Do(aggregate_id=aggregate_id, action=action))

    async def load(self, aggregate_id: UUID = ID, **asked: Any) -> Account:
        """The account."""
        return await self.app.load(self.cls, aggregate_id, **asked)

    @property
    def report(self) -> LoadReport:
        """That of the last load."""
        return self.reports[-1]

    @property
    def misses(self) -> list[tuple[Source, Reason]]:
        """Those of the last load."""
        return [(miss.source, miss.reason) for miss in self.report.misses]


def snapshotting(every: int = 1, **more: Any) -> dict[str, Any]:
    """A registration with snapshots and without a cache."""
    return {"snapshot_strategy": SnapshotAfterN(every), "cache_strategy": NeverCache(), **more}


async def settled(*tasks: asyncio.Task[Any]) -> bool:
    """Whether the tasks end without anything happening outside of the loop."""
    for _ in range(200):
        await asyncio.sleep(0)
    return all(task.done() for task in tasks)


async def ended(call: Awaitable[T]) -> T:
    """The result of a call that is bounded by itself; fails the test instead of hanging it."""
    task = asyncio.ensure_future(call)
    await asyncio.wait({task}, timeout=2)
    if not task.done():
        task.cancel()
        pytest.fail("it waits for ever")
    return task.result()


@contextmanager
def unharmed(what: str) -> Iterator[None]:
    """Fail the test if the block raises."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 whatever it is, it must not come
        pytest.fail(f"{what}: {error!r}")
