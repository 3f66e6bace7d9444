"""Primaries that are killed under load, of PostgreSQL under Patroni with etcd."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic

import pytest

from fault_ledger import Ledger
from interlock.backends import BackendUnavailableError, EventStore
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from patroni_rig import Patroni, own_patroni
from rig_domain import Account
from sql_bank import ID, application, deposit
from sql_rig import Place

KILLS = int(os.environ.get("INTERLOCK_KILLS") or 2)
WRITERS = 64
REPORT = os.environ.get("INTERLOCK_KILLS_REPORT")


@pytest.fixture
def patroni() -> Iterator[Patroni]:
    with own_patroni() as found:
        yield found


@pytest.fixture
async def stores(patroni: Patroni) -> AsyncIterator[list[EventStore]]:
    async with AsyncExitStack() as stack:
        found: list[EventStore] = []
        for _ in range(3):
            store = SQLAlchemyEventStore(
                SQLAlchemyEventsConfig(url=patroni.url, create_schema=True)
            )
            await store.open()
            stack.push_async_callback(store.close)
            found.append(store)
        yield found


async def test_nothing_acknowledged_is_lost_when_primaries_are_killed(
    patroni: Patroni, stores: list[EventStore]
) -> None:
    ledger, random, pauses, commands = Ledger(), Random(1), [], Counter[str]()  # noqa: S311 # a test's
    async with ledger.load(stores, WRITERS, random), commanding(patroni.url, commands):
        for number in range(KILLS):
            await ledger.progress()
            primary = await asyncio.to_thread(patroni.leader, [*patroni.members])
            started = monotonic()
            # By turns the server alone, and its machine.
            patroni.members[primary].crash(with_patroni=bool(number % 2))
            others = [name for name in patroni.members if name != primary]
            await asyncio.to_thread(patroni.leader, others)
            await ledger.progress()
            returned = commands["returned"]
            while commands["returned"] == returned:  # noqa: ASYNC110 # it tells nobody
                await asyncio.sleep(0.01)  # until the application goes on, too
            pauses.append(ledger.longest_pause(started))
            if number % 2:
                patroni.members[primary].start()
            await asyncio.to_thread(patroni.all_well)
            note(pauses, ledger, commands)
    wrong = await ledger.judge(stores[0], ledger.acknowledged)
    note(pauses, ledger, commands, wrong)
    assert not any(wrong.values()), (wrong, ledger.stale[:5])
    async with application(Place("postgresql", patroni.url)) as app:
        balance = (await app.load(Account, ID)).balance
    most = commands["returned"] + commands["outcome unknown"]
    assert commands["returned"] <= balance <= most, commands


@asynccontextmanager
async def commanding(url: str, commands: Counter[str]) -> AsyncIterator[None]:
    """An application that deposits one after the other, and is never started anew."""

    async def work() -> None:
        while not over.is_set():
            try:
                await deposit(app, 1)
            except BackendUnavailableError as error:
                commands["refused" if error.nothing_done else "outcome unknown"] += 1
                await asyncio.sleep(0.1)  # as one that is asked again by its caller
            else:
                commands["returned"] += 1

    over = asyncio.Event()
    async with application(Place("postgresql", url)) as app:
        working = asyncio.ensure_future(work())
        try:
            yield
        finally:
            over.set()
            await working


def note(
    pauses: list[float],
    ledger: Ledger,
    commands: Counter[str],
    wrong: dict[str, int] | None = None,
) -> None:
    """Keep what was done so far, and what was found wrong once all was read."""
    report = {
        "kills after which another server led": len(pauses),
        "seconds without an acknowledged append": {
            "shortest": round(min(pauses), 1),
            "median": round(median(pauses), 1),
            "longest": round(max(pauses), 1),
        },
        "writers": WRITERS,
        "outcomes": dict(ledger.outcomes),
        "events acknowledged": sum(map(len, ledger.acknowledged.values())),
        "commands of an application": dict(commands),
        "stale so far": len(ledger.stale),
        "wrong in what was written": wrong,
    }
    print(json.dumps(report))  # noqa: T201 # shown by -rP
    if REPORT:
        Path(REPORT).write_text(json.dumps(report, indent=1) + "\n")
