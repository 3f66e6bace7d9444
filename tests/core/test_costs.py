"""The cost of loads and commands in exact counts, which no busy machine moves.

A change that costs more fails here, and says of what; one that costs less is entered.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any, NamedTuple, Self
from uuid import UUID

import pytest
from pydantic import BaseModel

import interlock
from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    SnapshotAfterN,
    Trust,
)
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command

ID = UUID(int=7)
_CORE = interlock.__file__.removesuffix("__init__.py")


class Added(BaseModel):
    amount: int


class Add(Command[None]):
    amount: int = 1


class Total(Aggregate):
    revision = "1"
    value: int = 0

    @handles_command
    def add(self, command: Add) -> None:
        self.emit(Added(amount=command.amount))

    @applies_event
    def apply_added(self, event: Added) -> None:
        self.value += event.amount


class Cost(NamedTuple):
    """What one operation calls: functions of the core in Python, each step of a coroutine one.

    `handles` are callbacks given to the event loop, also by tasks and futures.
    """

    functions: int
    decodes: int
    encodes: int = 0
    tasks: int = 0
    handles: int = 0
    timers: int = 0


class Calls:
    """Within it the calls of the thread are counted by name."""

    def __init__(self) -> None:
        self._core: Counter[str] = Counter()
        self._others: Counter[str] = Counter()

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, function: Any) -> None:
        code = frame.f_code
        if event == "c_call":
            self._others[getattr(function, "__qualname__", "")] += 1
        elif event != "call":
            return
        elif not code.co_filename.startswith(_CORE):
            self._others[code.co_qualname] += 1
        elif code.co_name[0] != "<" or code.co_name == "<lambda>":
            # From Python 3.12 on a comprehension is no call.
            self._core[code.co_qualname] += 1

    def cost(self) -> Cost:
        """What was called."""
        others = self._others
        return Cost(
            functions=self._core.total(),
            decodes=others["SchemaValidator.validate_json"],
            encodes=others["SchemaSerializer.to_json"],
            tasks=others["BaseEventLoop.create_task"],
            handles=others["BaseEventLoop.call_soon"],
            timers=others["BaseEventLoop.call_at"],
        )

    def told(self) -> str:
        """The functions of the core, the most called first."""
        return "\n".join(f"{count:4} {name}" for name, count in self._core.most_common())


def _application(**options: Any) -> Application:
    return ApplicationBuilder().register_aggregate(Total, **options).build()


def _cached() -> Application:
    return _application(cache_strategy=AlwaysCache, cache_backend=InMemoryAggregateCacheBackend)


def _snapshotting() -> Application:
    return _application(
        snapshot_strategy=SnapshotAfterN(3),
        snapshot_backend=InMemoryAggregateSnapshotStorageBackend,
    )


def _load(**asked: Any) -> Callable[[Application], Awaitable[object]]:
    return lambda app: app.load(Total, ID, **asked)


def _add(app: Application) -> Awaitable[object]:
    return app.dispatch(Add(aggregate_id=ID))


async def _add_64(app: Application) -> None:
    await asyncio.gather(*(app.dispatch(Add(aggregate_id=UUID(int=n))) for n in range(64)))


@pytest.mark.parametrize(
    ("application", "operation", "most"),
    [
        pytest.param(_cached, _load(freshness=Trust()), Cost(14, 1), id="Trust"),
        pytest.param(_cached, _load(freshness=FastForward()), Cost(15, 1), id="FastForward"),
        pytest.param(_snapshotting, _load(), Cost(80, 3), id="snapshot and tail"),
        pytest.param(_application, _load(), Cost(59, 8), id="replay"),
        pytest.param(_cached, _add, Cost(57, 4, 2), id="command"),
        pytest.param(_cached, _add_64, Cost(3648, 256, 128, 64, 129), id="64 commands at once"),
    ],
)
async def test_an_operation_costs_no_more_than_it_did(
    application: Callable[[], Application],
    operation: Callable[[Application], Awaitable[object]],
    most: Cost,
) -> None:
    async with application() as app:
        for number in range(8):
            await app.dispatch(Add(aggregate_id=ID, amount=number))
        for _ in range(2):  # the first ones look up what is kept then
            await operation(app)
        with Calls() as calls:
            await operation(app)
    found = calls.cost()
    assert found == most, f"{found} and not {most}; these are the functions:\n{calls.told()}"
