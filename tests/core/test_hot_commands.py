"""Commands in one straight line, and step by step: whatever happens, both do the same."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from interlock._app.application import services_of
from interlock._engine.command_handling import CommandHandler
from interlock._engine.command_queue import handlers_running
from interlock.application import ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
    MaxAge,
    SnapshotAfterN,
)
from interlock.backends import EventRow
from interlock.domain import Aggregate, Command
from interlock.errors import ReentrantCommandError
from interlock.routing import applies_event, handles_command

ID = UUID(int=7)


class Added(BaseModel):
    amount: int


class Add(Command[int]):
    amounts: tuple[int, ...] = (1,)


class AddLater(Command[int]):
    """Another process appends meanwhile, or this one hears of it."""

    meanwhile: Callable[[], Any]


class AddOnce(Command[int]):
    pass


class Refuse(Command[None]):
    pass


class Total(Aggregate):
    """Adding 13 fails when it is applied."""

    revision = "1"
    value: int = 0

    @handles_command
    def add(self, command: Add) -> int:
        for amount in command.amounts:
            try:
                self.emit(Added(amount=amount))
            except Exception:  # noqa: BLE001 as a handler may
                self.value = 999
        return self.value

    @handles_command
    async def add_later(self, command: AddLater) -> int:
        self.emit(Added(amount=1))
        await command.meanwhile()
        return self.value

    @handles_command(once=True)
    def add_once(self, _: AddOnce) -> int:
        self.emit(Added(amount=1))
        return self.value

    @handles_command
    def refuse(self, _: Refuse) -> None:
        self.emit(Added(amount=1))
        raise ValueError(f"refused at {self.value}")

    @applies_event
    def apply_added(self, event: Added) -> None:
        if event.amount == 13:
            raise ValueError("thirteen")
        self.value += event.amount


class Listed(Total):
    """A state whose parts can change; with 17 it isn't kept, since JSON has no tuples."""

    type_name = "Total"
    revision = "1"
    values: list[Any] = []

    @applies_event
    def apply_added(self, event: Added) -> None:
        super().apply_added(event)
        more = (1, 2) if event.amount == 17 else event.amount
        self.values = [*self.values, more][-3:]


class World:
    """One application in a process, with what can happen around it."""

    def __init__(self, cls: type[Total]) -> None:
        self.cls = cls
        self.events = InMemoryEventStore()
        self.cache = InMemoryAggregateCacheBackend()
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        builder = ApplicationBuilder(clock=self.clock).register_event_store(self.events)
        builder.register_aggregate(cls, cache_strategy=AlwaysCache, cache_backend=self.cache)
        self.app = builder.build()

    def clock(self) -> datetime:
        return self.now

    def rows(self) -> list[EventRow]:
        return self.events._streams.setdefault(("Total", ID), [])

    async def add(self, *amounts: int) -> int:
        return await self.app.dispatch(Add(aggregate_id=ID, command_id=ID, amounts=amounts))

    async def refuse(self) -> None:
        await self.app.dispatch(Refuse(aggregate_id=ID, command_id=ID))

    async def once(self) -> int:
        return await self.app.dispatch(AddOnce(aggregate_id=ID, command_id=ID))

    async def elsewhere(self) -> None:
        """Another process appends."""
        version = len(self.rows()) + 1
        self.rows().append(
            EventRow(version, version.to_bytes(16), "Added", 1, 0, b"{}", b'{"amount":5}')
        )

    async def seen(self) -> int:
        """This one sees what stands."""
        return (await self.app.load(self.cls, ID, freshness=FastForward())).value

    async def later(self, meanwhile: Callable[[], Any]) -> int:
        return await self.app.dispatch(
            AddLater(aggregate_id=ID, command_id=ID, meanwhile=meanwhile)
        )

    async def overtaken(self) -> int:
        return await self.later(self.elsewhere)

    async def informed(self) -> int:
        async def meanwhile() -> None:
            await self.elsewhere()
            await self.seen()

        return await self.app.dispatch(
            AddLater(aggregate_id=ID, command_id=ID, meanwhile=meanwhile)
        )

    async def rolled_back(self) -> None:
        del self.rows()[-1:]

    async def evicted(self) -> None:
        self.cache.clear()

    async def planted(self, **changes: Any) -> None:
        for key, record in list(self.cache._records.items()):
            self.cache._records[key] = record._replace(**changes)

    async def behind(self) -> None:
        """The entry is that of an earlier version."""
        await self.planted(version=1, payload=_payload(1))

    def found(self) -> tuple[object, ...]:
        """What all this led to."""
        services = services_of(self.app, self.cls)
        return (
            tuple(self.rows()),
            tuple(self.cache._records.values()),
            dict(services.context.heads.known),
            self.app.counters(),
            dict(services.commands._queue.turns),
        )


def _payload(version: int) -> bytes:
    return b'{"id":"%b","version":%d}' % (str(ID).encode(), version)


_STEPS: st.SearchStrategy[Any] = st.one_of(
    st.lists(st.sampled_from((1, 2, 13, 17)), max_size=3).map(lambda n: ("add", tuple(n), {})),
    st.sampled_from(
        [
            *((name, (), {}) for name in ("refuse", "once", "elsewhere", "seen", "overtaken")),
            *((name, (), {}) for name in ("informed", "rolled_back", "evicted", "behind")),
            *(
                ("planted", (), changes)
                for changes in (
                    {"payload": b"{"},
                    {"payload": _payload(9)},
                    {"payload": _payload(0), "version": 0},
                    {"payload": b"{}"},
                    {"codec": "other"},
                    {"revision": "2"},
                    {"namespace": "other"},
                    {"epoch": 3},
                    {"aggregate_type": "Other"},
                    {"aggregate_id": UUID(int=8)},
                    {"version": 0},
                    {"version": 2**63},
                    {"last_event_id": UUID(int=9)},
                    {"details": b'{"unset":[[["id"],[[]]]]}'},
                )
            ),
        ]
    ),
)


async def _lived(cls: type[Total], steps: Sequence[Any], *, is_hot: bool) -> list[object]:
    """What each step gave, and what stood after it."""
    numbers, trace, world = itertools.count(1), list[object](), World(cls)
    with patch("interlock._model.aggregate.new_id", lambda: UUID(int=next(numbers) << 64)):
        async with world.app as app:
            commands = services_of(app, cls).commands
            assert commands.dispatch != commands.handle, "it isn't hot"
            if not is_hot:
                commands.dispatch = commands.handle
            for name, args, options in steps:
                world.now += timedelta(seconds=1)
                try:
                    outcome: object = await getattr(world, name)(*args, **options)
                except Exception as error:  # noqa: BLE001 compared
                    outcome = type(error), str(error)
                trace.append((name, outcome, world.found()))
    return trace


_WARM: list[Any] = [("add", (1,), {}), ("add", (1,), {})]


@pytest.mark.parametrize("cls", [Total, Listed])
@settings(deadline=None, max_examples=40)
@given(steps=st.lists(_STEPS, max_size=8))
@example(steps=[("add", (17,), {}), ("add", (1,), {}), ("add", (1,), {}), ("add", (1,), {})])
@example(steps=[("planted", (), {"payload": _payload(9)})])
@example(steps=[("planted", (), {"payload": _payload(0), "version": 0})])
@example(steps=[("planted", (), {"details": b'{"unset":[[["id"],[[]]]]}'})])
@example(steps=[("elsewhere", (), {}), ("once", (), {})])
@example(steps=[("refuse", (), {})])
@example(steps=[("informed", (), {}), ("add", (1,), {})])
@example(steps=[("overtaken", (), {}), ("add", (1,), {})])
@example(steps=[("elsewhere", (), {}), ("seen", (), {}), ("behind", (), {}), ("add", (1,), {})])
@example(steps=[("planted", (), {"last_event_id": UUID(int=9)}), ("refuse", (), {})])
@example(steps=[("add", (13, 1), {}), ("add", (), {})])
async def test_a_straight_line_ends_where_the_steps_do(
    cls: type[Total], steps: Sequence[Any]
) -> None:
    story = [*_WARM, *steps, ("add", (1,), {})]
    assert await _lived(cls, story, is_hot=True) == await _lived(cls, story, is_hot=False)


async def test_a_hit_takes_no_step() -> None:
    world = World(Total)
    async with world.app:
        await world.add(1)
        with patch.object(CommandHandler, "handle_in_turn", None):
            assert await world.add(1, 2) == 4
            assert (
                await world.app.dispatch(
                    AddLater(aggregate_id=ID, command_id=ID, meanwhile=world.evicted)
                )
                == 5
            )
    assert [row.version for row in world.rows()] == [1, 2, 3, 4]


async def test_a_handler_that_dispatches_is_refused() -> None:
    world = World(Total)
    async with world.app:
        await world.add(1)
        with pytest.raises(ReentrantCommandError):
            await world.later(lambda: world.add(1))
        assert await world.add(1) == 2


async def test_a_task_that_outlives_its_handler_may_dispatch() -> None:
    world, tasks, ended = World(Total), list[asyncio.Task[int]](), asyncio.Event()

    async def dispatch() -> int:
        await ended.wait()
        return await world.add(1)

    async def start() -> None:
        tasks.append(asyncio.create_task(dispatch()))

    async with world.app:
        await world.add(1)
        await world.later(start)
        assert not handlers_running(), "the mark stayed"
        ended.set()
        assert await tasks[0] == 3


@pytest.mark.parametrize(
    "options",
    [
        {"freshness": FastForward()},
        {"freshness": MaxAge(timedelta(seconds=5))},
        {
            "snapshot_strategy": SnapshotAfterN(3),
            "snapshot_backend": InMemoryAggregateSnapshotStorageBackend,
        },
        {"shadow": 1.0},
        {"codec": "json+zlib"},
    ],
    ids=lambda options: next(iter(options)),
)
async def test_what_has_to_be_waited_for_or_asked_goes_step_by_step(options: Any) -> None:
    builder = ApplicationBuilder().register_aggregate(
        Total, cache_strategy=AlwaysCache, cache_backend=InMemoryAggregateCacheBackend, **options
    )
    async with builder.build() as app:
        commands = services_of(app, Total).commands
        assert commands.dispatch == commands.handle
