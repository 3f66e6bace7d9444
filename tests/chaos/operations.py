"""What a process does while it is ended or stopped."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from chaos_log import CallLog
from chaos_site import ACCOUNT, Client, Site
from points import Points

Operation = Callable[[Client, UUID], Awaitable[object]]


async def _append(client: Client, aggregate_id: UUID) -> None:
    await client.move(aggregate_id, 5, 7, 11)  # which makes a snapshot due


async def _prune(client: Client, aggregate_id: UUID) -> None:
    await _maintained(client, aggregate_id, client.application.prune(ACCOUNT))


async def _forget(client: Client, aggregate_id: UUID) -> None:
    await _maintained(client, aggregate_id, client.application.forget(ACCOUNT, aggregate_id))


async def _rebuild(client: Client, aggregate_id: UUID) -> None:
    building = client.application.rebuild_snapshots(ACCOUNT, [aggregate_id], every=2)
    await _maintained(client, aggregate_id, building)


async def _start(client: Client, aggregate_id: UUID) -> None:
    """Nothing: the tables are made before."""


async def _maintained(client: Client, aggregate_id: UUID, work: Awaitable[object]) -> None:
    async def done() -> None:
        await work

    await client.log.call(aggregate_id, done, sees=False)


OPERATIONS: dict[str, Operation] = {
    "append and put": _append,
    "prune": _prune,
    "forget": _forget,
    "rebuild": _rebuild,
    "create": _start,
}


@dataclass(frozen=True)
class Doing:
    """One process's operation; `at` is the point at which there is a signal, None for nowhere."""

    operation: str
    process: int
    aggregate_id: UUID
    noted: Path
    at: str | None
    then: signal.Signals


def run(site: Site, doing: Doing) -> None:
    """Start, do it and close; in a process of its own, which ends or stops at a point."""
    logging.disable()
    points = Points(doing.noted, doing.at, doing.then)
    points.watch()
    client = Client(site.application(), _log(site, doing.process))
    asyncio.run(_run(client, points, doing.operation, doing.aggregate_id))


def _log(site: Site, process: int) -> CallLog:
    return CallLog(site.folder / f"{process}.log", process)


async def _run(client: Client, points: Points, name: str, aggregate_id: UUID) -> None:
    points.is_armed = name == "create"
    async with client.application:
        points.is_armed = name != "create"
        await OPERATIONS[name](client, aggregate_id)
    points.is_armed = False
