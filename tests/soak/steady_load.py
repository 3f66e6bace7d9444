"""`python steady_load.py SECONDS PLACES`: calls as fast as they are answered, and what they hold.

PLACES is JSON: `url` and `prefix` of the database, perhaps the `redis` that caches; null for calls
that go nowhere, which shows what this script itself takes. Prints JSON: how many calls there were,
how many failed, and a sample of the process for each second or so.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from interlock.application import Application, ApplicationBuilder, backend
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    InMemoryAggregateCacheBackend,
    SnapshotAfterN,
)
from interlock.domain import Aggregate, Command
from interlock.errors import InterlockError
from interlock.routing import applies_event, handles_command

_CALLERS = 8
_IDS = [UUID(int=number) for number in range(1, 201)]
_SAMPLES = 240
_PAGE = 4096

Call = Callable[[UUID], Awaitable[object]]


class Deposited(BaseModel):
    amount: int


class Deposit(Command[int]):
    amount: int


class SteadyAccount(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> int:
        self.emit(Deposited(amount=command.amount))
        return self.balance

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount


def application(places: dict[str, str]) -> Application:
    """Make one that keeps events, snapshots and cache entries in these places."""
    where: dict[str, Any] = {"url": places["url"], "create_schema": True}  # Any: options
    prefix, redis = places["prefix"], places.get("redis")
    cache = backend("redis-cache", url=redis, timeout="0.5s") if redis else None
    return (
        ApplicationBuilder()
        .register_event_store(backend("sqlalchemy-events", **where, table=f"{prefix}events"))
        .register_aggregate(
            SteadyAccount,
            snapshot_strategy=SnapshotAfterN(50),
            snapshot_backend=backend(
                "sqlalchemy-snapshots", **where, table=f"{prefix}snapshots", keep=2
            ),
            cache_strategy=AlwaysCache(),
            cache_backend=cache or InMemoryAggregateCacheBackend,
        )
        .build()
    )


def sample() -> list[int]:
    """Take resident bytes, descriptors, sockets, threads and tasks of this process."""
    descriptors = [_target(path) for path in Path("/proc/self/fd").iterdir()]
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    sockets = [each for each in descriptors if each.startswith("socket:")]
    threads = len([*Path("/proc/self/task").iterdir()])
    return [resident, len(descriptors), len(sockets), threads, len(asyncio.all_tasks())]


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:  # the listing's own
        return ""


async def run(seconds: float, places: dict[str, str] | None) -> dict[str, object]:
    """Call, and take samples, so long."""
    ends = Counter[str]()
    async with AsyncExitStack() as opened:
        calls: list[Call] = [_nowhere]
        if places is not None:
            app = await opened.enter_async_context(application(places))
            calls = [
                lambda each: app.dispatch(Deposit(aggregate_id=each, amount=1)),
                lambda each: app.load(SteadyAccount, each),
                lambda each: app.load(SteadyAccount, each, freshness=FastForward()),
            ]
        callers = [asyncio.create_task(_call(calls, ends)) for _ in range(_CALLERS)]
        samples = []
        for _ in range(_SAMPLES):
            await asyncio.sleep(seconds / _SAMPLES)
            samples.append(sample())
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)
    return {"ends": ends, "samples": samples}


async def _call(calls: Sequence[Call], ends: Counter[str]) -> None:
    while True:
        call = random.choice(calls)  # noqa: S311 no secret
        try:
            await call(random.choice(_IDS))  # noqa: S311 likewise
        except InterlockError as error:
            ends[type(error).__name__] += 1
        else:
            ends["answered"] += 1


async def _nowhere(_: UUID) -> None:
    await asyncio.sleep(0.001)  # a store's answer; at once, it would take a core to itself


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(run(float(sys.argv[1]), json.loads(sys.argv[2])))))
