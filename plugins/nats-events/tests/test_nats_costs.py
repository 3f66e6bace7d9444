"""How often the servers are asked: what a confirmed head saves, in round trips."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import AlwaysCache, FastForward, InMemoryAggregateCacheBackend
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command
from interlock_nats_events.backend import NatsEventStore
from interlock_nats_events.client import Client
from interlock_nats_events.config import NatsEventsConfig
from nats_rig import Node

Config = Callable[..., NatsEventsConfig]
Cost = Callable[[Awaitable[Any]], Awaitable[int]]


class Counted(BaseModel):
    number: int


class Count(Command[None]):
    number: int


class Refuse(Command[None]):
    why: str = "refused"


class Counter(Aggregate):
    total: int = 0

    @handles_command
    def count(self, command: Count) -> None:
        self.emit(Counted(number=command.number))

    @handles_command
    def refuse(self, command: Refuse) -> None:
        raise LookupError(command.why)

    @applies_event
    def apply(self, event: Counted) -> None:
        self.total += event.number


class Reading(NatsEventStore):
    """Confirms no heads, so that they are read."""

    is_head = None  # type: ignore[assignment] # as if it weren't there


@pytest.fixture
async def cost(monkeypatch: pytest.MonkeyPatch) -> Cost:
    """Counts the requests of a call that are answered."""
    asked: list[str] = []
    for name in ("ask", "messages"):
        method = getattr(Client, name)

        async def counted(self: Client, *arguments: Any, method: Any = method) -> Any:
            asked.append(arguments[0])
            return await method(self, *arguments)

        monkeypatch.setattr(Client, name, counted)

    async def cost(call: Awaitable[Any]) -> int:
        asked.clear()
        await call
        return len(asked)

    return cost


@pytest.fixture
async def running(
    single: list[Node], config: Config
) -> AsyncIterator[Callable[..., Awaitable[Application]]]:
    apps: list[Application] = []

    async def running(store: type[NatsEventStore], cache: Any = None) -> Application:
        builder = ApplicationBuilder()
        builder.register_event_store(store(config(single, replicas=1, allow_unsafe=True)))
        builder.register_aggregate(
            Counter,
            cache_strategy=AlwaysCache,
            cache_backend=cache or InMemoryAggregateCacheBackend(),
        )
        apps.append(builder.build())
        await apps[-1].start()
        return apps[-1]

    yield running
    for app in apps:
        await app.close()


async def refused(app: Application, aggregate_id: UUID) -> None:
    with pytest.raises(LookupError):
        await app.dispatch(Refuse(aggregate_id=aggregate_id))


@pytest.mark.parametrize(("store", "trips"), [(NatsEventStore, 1), (Reading, 2)])
async def test_a_cached_head_costs_a_fence(
    running: Any, cost: Cost, store: type[NatsEventStore], trips: int
) -> None:
    app, aggregate_id = await running(store), uuid4()
    await app.dispatch(Count(aggregate_id=aggregate_id, number=1))
    assert await cost(app.load(Counter, aggregate_id, freshness=FastForward())) == trips
    assert await cost(refused(app, aggregate_id)) == trips


@pytest.mark.parametrize(("store", "trips"), [(NatsEventStore, 2), (Reading, 3)])
async def test_a_head_that_another_process_cached_costs_a_look_too(
    running: Any, cost: Cost, store: type[NatsEventStore], trips: int
) -> None:
    cache, aggregate_id = InMemoryAggregateCacheBackend(), uuid4()
    one, other = await running(store, cache), await running(store, cache)
    await one.dispatch(Count(aggregate_id=aggregate_id, number=1))
    assert await cost(other.load(Counter, aggregate_id, freshness=FastForward())) == trips


@pytest.mark.parametrize("store", [NatsEventStore, Reading])
async def test_a_cached_state_that_is_behind_costs_as_much_either_way(
    running: Any, cost: Cost, store: type[NatsEventStore]
) -> None:
    one, other, aggregate_id = await running(store), await running(store), uuid4()
    await one.dispatch(Count(aggregate_id=aggregate_id, number=1))
    await other.dispatch(Count(aggregate_id=aggregate_id, number=2))
    # A fence that is refused, the last message, a fence, and the messages.
    assert await cost(one.load(Counter, aggregate_id, freshness=FastForward())) == 4
