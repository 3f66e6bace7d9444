"""A streaming replica is promoted: what synchronous replication keeps, what asynchronous loses."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from interlock._engine.reports import Reason, Source
from interlock.application import Application, ApplicationBuilder, LoadReport, OnLoad, backend
from interlock.application.aggregates import AlwaysCache, FastForward, SnapshotAfterN, Trust
from rig_domain import Account, Do
from sql_bank import application, assert_as_replayed, deposit, grown, stored, until
from sql_proxy import Proxy
from sql_rig import Place, ask, linked
from sql_servers import OwnPostgreSQL
from tellers import Tellers, bank_on

pytestmark = pytest.mark.faults

PROCESSES, COMMANDS, ACCOUNTS = 2, 200, 10
IDS = [UUID(int=number) for number in (1, 2, 3)]


@pytest.fixture
async def address(primary: OwnPostgreSQL) -> AsyncIterator[Proxy]:
    """An address that an operator, or a tool of theirs, moves from one server to another."""
    async with Proxy(primary.url).running() as proxy:
        yield proxy


async def make_synchronous(primary: OwnPostgreSQL) -> None:
    async with linked(primary.url) as link:
        await ask(link, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        await ask(link, "SELECT pg_reload_conf()")
    await until(primary.url, "SELECT sync_state FROM pg_stat_replication", ("sync",))


@pytest.fixture(params=["a moved address", "two hosts"])
def url(
    request: pytest.FixtureRequest, primary: OwnPostgreSQL, standby: OwnPostgreSQL, address: Proxy
) -> str:
    """Where the tellers find the primary, with either driver."""
    if request.param == "a moved address":
        return address.url.replace("asyncpg", "psycopg")
    hosts = "&".join(f"host=127.0.0.1:{server.port}" for server in (primary, standby))
    return f"postgresql+asyncpg://postgres@/postgres?{hosts}&target_session_attrs=primary"


async def test_with_synchronous_replication_nothing_acknowledged_is_lost(
    url: str, primary: OwnPostgreSQL, standby: OwnPostgreSQL, address: Proxy, tmp_path: Path
) -> None:
    await make_synchronous(primary)
    tellers = Tellers(bank_on(Place("postgresql", url), tmp_path), accounts=ACCOUNTS)
    await tellers.create()
    work = asyncio.create_task(tellers.work(PROCESSES, COMMANDS))
    await grown(Place("postgresql", primary.url), 80, work)
    await asyncio.to_thread(primary.crash)
    address.switch(standby.url)  # which takes no events yet
    assert not work.done()  # the rest of it is the standby's
    await asyncio.to_thread(standby.promote)
    await tellers.check(await work)


async def waits_for_standby(primary: OwnPostgreSQL) -> int:
    """The server's number for the connection whose commit waits for the standby."""
    sql = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    async with linked(primary.url) as link:
        while not (found := await ask(link, sql)):
            pass
    return int(found[0][0])


async def test_an_append_is_acknowledged_once_the_synchronous_standby_has_it(
    primary: OwnPostgreSQL, standby: OwnPostgreSQL
) -> None:
    await make_synchronous(primary)
    async with application(Place("postgresql", primary.url)) as app:
        await deposit(app, 1, 2)
        await asyncio.to_thread(standby.crash)
        waiting = asyncio.create_task(deposit(app, 4))
        await waits_for_standby(primary)
        assert await stored(app) == [1, 2]
        assert not waiting.done()
        await asyncio.to_thread(standby.start)
        await waiting
        assert await stored(app) == [1, 2, 4]


async def test_who_kills_what_waits_for_the_standby_has_it_acknowledged_without(
    primary: OwnPostgreSQL, standby: OwnPostgreSQL
) -> None:
    """PostgreSQL's own rule: what can't wait any longer is committed where it is, and seen."""
    await make_synchronous(primary)
    async with application(Place("postgresql", primary.url)) as app:
        await deposit(app, 1, 2)
        await asyncio.to_thread(standby.crash)
        waiting = asyncio.create_task(deposit(app, 4))
        number = await waits_for_standby(primary)
        async with linked(primary.url) as link:
            await ask(link, f"SELECT pg_terminate_backend({number})")
        await waiting
        assert app.counters()["append.reply_lost"] == 1


class Process:
    """Events at the address; snapshots in a file and a cache in a folder, which lose nothing."""

    def __init__(self, url: str, folder: Path, **settings: Any) -> None:  # Any: as configure takes
        self.reports: list[LoadReport] = []
        snapshots = f"sqlite:///{folder / 'snapshots.db'}"
        self.app: Application = (
            ApplicationBuilder()
            .configure(**settings)
            .register_observer(OnLoad(self.reports.append))
            .register_event_store(backend("sqlalchemy-events", url=url, create_schema=True))
            .register_aggregate(
                Account,
                snapshot_strategy=SnapshotAfterN(5),
                snapshot_backend=backend("sqlalchemy-snapshots", url=snapshots, create_schema=True),
                cache_strategy=AlwaysCache,
                cache_backend=backend("diskcache-cache", directory=str(folder / "cache")),
            )
            .build()
        )

    def passed_over(self, source: Source) -> bool:
        """Whether what was kept there was ahead of the stream."""
        misses = [miss for report in self.reports for miss in report.misses]
        return any((miss.source, miss.reason) == (source, Reason.NOT_IN_STREAM) for miss in misses)

    async def trusting(self, aggregate_id: UUID) -> int:
        """The version that a load gives which trusts the cache."""
        return (await self.app.load(Account, aggregate_id, freshness=Trust())).version


async def lose_the_tails(
    app: Application, primary: OwnPostgreSQL, standby: OwnPostgreSQL, address: Proxy
) -> None:
    """Acknowledge seven deposits to each that reach the standby, and three that don't; promote."""
    for aggregate_id in IDS:
        await deposit(app, *[1] * 7, aggregate_id=aggregate_id)
    await until(standby.url, "SELECT count(*) FROM interlock_events", (7 * len(IDS),))
    async with linked(standby.url) as link:
        await ask(link, "ALTER SYSTEM SET primary_conninfo = ''")
        await ask(link, "SELECT pg_reload_conf()")
    await until(primary.url, "SELECT pid FROM pg_stat_replication")
    for aggregate_id in IDS:
        await deposit(app, *[1] * 3, aggregate_id=aggregate_id)
    await asyncio.to_thread(primary.crash)
    address.switch(standby.url)
    await asyncio.to_thread(standby.promote)


async def test_what_asynchronous_replication_lost_is_noticed_and_decides_nothing(
    primary: OwnPostgreSQL, standby: OwnPostgreSQL, address: Proxy, tmp_path: Path
) -> None:
    read, appended, answered = IDS
    saw_it, started_later = Process(address.url, tmp_path), Process(address.url, tmp_path)
    other_epoch = Process(address.url, tmp_path, epoch=1)
    async with saw_it.app as app:
        await lose_the_tails(app, primary, standby, address)
        async with started_later.app as later, other_epoch.app:
            for aggregate_id in IDS:  # the one thing that is asked for, see the page on replication
                assert await saw_it.trusting(aggregate_id) == 10
                assert await other_epoch.trusting(aggregate_id) == 7
            assert (await app.load(Account, read, freshness=FastForward())).version == 7
            assert app.counters()["stream.rolled_back"] == 1
            await deposit(later, 2, aggregate_id=appended)
            assert later.counters()["append.conflict"] == 1
            balance = Do(aggregate_id=answered, action=lambda account: account.balance)
            assert await later.dispatch(balance) == 7
            assert later.counters()["decision.stale"] == 1
            assert started_later.passed_over(Source.CACHE)
            assert started_later.passed_over(Source.SNAPSHOT)
            for aggregate_id in IDS:  # as long as what was lost, and something else
                await deposit(later, 3, 4, 5, aggregate_id=aggregate_id)
                for process in (saw_it, started_later, other_epoch):
                    await assert_as_replayed(process.app, aggregate_id)
