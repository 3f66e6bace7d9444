"""A database is restored to an older state while the application runs."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from interlock.application import Application
from interlock.application.aggregates import FastForward
from rig_domain import Account, Do
from sql_bank import ID, application, assert_as_replayed, deposit, stored
from sql_rig import Place, ask, dropped, everywhere, linked, made
from sql_servers import OwnPostgreSQL

_END_CONNECTIONS = """\
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'bank'"""


@pytest.fixture(params=everywhere("sqlite", "postgresql", "mariadb"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


@pytest.fixture
async def app(place: Place) -> AsyncIterator[Application]:
    """It has seen 13 events, has them in its cache and in a snapshot; the stream has 7 again."""
    async with application(place) as app:
        await deposit(app, *[1] * 7)
        await place.run("CREATE TABLE AT.copy AS SELECT * FROM AT.interlock_events")
        await deposit(app, *[1] * 6)
        await app._services[Account].loader.drain()
        await place.run("DELETE FROM AT.interlock_events")
        await place.run("INSERT INTO AT.interlock_events SELECT * FROM AT.copy")
        yield app


async def test_a_load_that_looks_at_the_stream_notices(app: Application) -> None:
    assert (await app.load(Account, ID, freshness=FastForward())).version == 7
    counters = app.counters()
    assert counters["stream.rolled_back"] == 1
    assert counters["cache.not-in-stream"] == counters["snapshot.not-in-stream"] == 1
    await deposit(app, 2)
    await assert_as_replayed(app)


async def test_a_command_is_not_decided_on_what_is_gone(app: Application) -> None:
    await deposit(app, 2)
    assert await stored(app) == [*[1] * 7, 2]
    assert app.counters()["append.conflict"] == 1
    await assert_as_replayed(app)


async def test_a_command_that_appends_nothing_is_not_answered_from_what_is_gone(
    app: Application,
) -> None:
    assert await app.dispatch(Do(aggregate_id=ID, action=lambda account: account.balance)) == 7
    assert app.counters()["decision.stale"] == 1
    await assert_as_replayed(app)


async def test_another_branch_as_long_as_the_lost_one_is_told_from_it(
    app: Application, place: Place
) -> None:
    async with application(place) as other:
        await deposit(other, *[2] * 6)
        await deposit(app, 3)
        for each in (app, other):
            assert sum(await stored(each)) == 22
            await assert_as_replayed(each)


async def test_a_whole_database_is_exchanged_under_open_connections(primary: OwnPostgreSQL) -> None:
    url = primary.url.removesuffix("postgres") + "bank"
    async with linked(primary.url) as link:
        await ask(link, "CREATE DATABASE bank")
        async with application(Place("postgresql", url)) as app:
            await deposit(app, *[1] * 7)
            await app._services[Account].loader.drain()
            await ask(link, _END_CONNECTIONS)
            await ask(link, "CREATE DATABASE backup TEMPLATE bank")
            await deposit(app, *[1] * 6)
            await app._services[Account].loader.drain()
            await ask(link, "DROP DATABASE bank WITH (FORCE)")
            await ask(link, "ALTER DATABASE backup RENAME TO bank")
            await deposit(app, 2)
            assert await stored(app) == [*[1] * 7, 2]
            assert (await app.load(Account, ID)).balance == 9
            await assert_as_replayed(app)
