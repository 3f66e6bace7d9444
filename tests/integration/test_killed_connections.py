"""Connections and servers that go away while commands run: each outcome is found out."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from interlock.errors import AppendOutcomeUnknownError
from sql_bank import Depositing, application, assert_as_replayed, deposit, grown, stored
from sql_kill import kill, kill_all, waiting
from sql_proxy import Proxy
from sql_rig import Place, ask, dropped, everywhere, linked, made
from tellers import Tellers, bank_on

pytestmark = pytest.mark.faults

PROCESSES, COMMANDS, ACCOUNTS = 2, 200, 10


@pytest.fixture(params=everywhere("postgresql", "psycopg", "mariadb"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


@pytest.fixture
async def proxy(place: Place) -> AsyncIterator[Proxy]:
    async with Proxy(place.url).running() as proxy:
        yield proxy


async def test_an_append_whose_reply_is_lost_is_found_and_not_made_again(
    place: Place, proxy: Proxy
) -> None:
    async with application(place, url=proxy.url) as app:
        await deposit(app, 1, 2)
        lost = Depositing(4, lambda: setattr(proxy, "loses_replies", True))
        assert await app.dispatch(lost.command()) == 7
        assert lost.runs == 1
        assert app.counters()["append.reply_lost"] == 1
        assert await stored(app) == [1, 2, 4]
        await deposit(app, 8)
        await assert_as_replayed(app)


async def test_an_append_that_never_arrived_is_made_again_without_its_handler(
    place: Place, proxy: Proxy
) -> None:
    async with application(place, url=proxy.url) as app:
        await deposit(app, 1, 2)
        lost = Depositing(4, lambda: setattr(proxy, "loses_requests", True))
        assert await app.dispatch(lost.command()) == 7
        assert lost.runs == 1
        assert app.counters()["append.retried"] == 1
        assert await stored(app) == [1, 2, 4]
        await assert_as_replayed(app)


async def test_an_append_killed_before_its_commit_is_made_again_without_its_handler(
    place: Place,
) -> None:
    events = place.table("interlock_events")
    async with application(place) as app, linked(place.url) as other, linked(place.url) as third:
        await deposit(app, 1, 2)
        killed = Depositing(4, lambda: None)
        if place.is_postgresql:
            await ask(other, "BEGIN")
            await ask(other, f"LOCK TABLE {events} IN EXCLUSIVE MODE")
        else:
            await ask(other, f"LOCK TABLES {events} READ")
        dispatched = asyncio.ensure_future(app.dispatch(killed.command()))
        await kill(place, third, await waiting(place, third))
        await ask(other, "ROLLBACK" if place.is_postgresql else "UNLOCK TABLES")
        assert await dispatched == 7
        assert killed.runs == 1
        assert app.counters()["append.retried"] >= 1
        assert await stored(app) == [1, 2, 4]
        await assert_as_replayed(app)


@pytest.mark.parametrize("what_is_lost", ["loses_replies", "loses_requests"])
async def test_where_the_store_is_gone_for_good_the_ids_are_told(
    place: Place, proxy: Proxy, what_is_lost: str
) -> None:
    async with application(place, url=proxy.url) as app:
        await deposit(app, 1, 2)

        def lose_and_leave() -> None:
            setattr(proxy, what_is_lost, True)
            proxy.is_gone = True

        lost = Depositing(4, lose_and_leave)
        with pytest.raises(AppendOutcomeUnknownError) as caught:
            await app.dispatch(lost.command())
        assert lost.runs == 1
        assert len(caught.value.event_ids) == 1
        proxy.is_gone = False
        is_stored = what_is_lost == "loses_replies"
        assert await stored(app) == ([1, 2, 4] if is_stored else [1, 2])
        ids = await place.run("SELECT event_id FROM AT.interlock_events")
        assert ((caught.value.event_ids[0].bytes,) in ids) is is_stored
        await deposit(app, 8)
        await assert_as_replayed(app)


async def test_commands_go_on_while_the_server_kills_their_connections(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tellers = Tellers(bank_on(place, tmp_path, url=place.own_url), accounts=ACCOUNTS)
    await tellers.create()
    work = asyncio.create_task(tellers.work(PROCESSES, COMMANDS))
    for events in range(30, 180, 30):
        await grown(place, events, work)
        assert await kill_all(place) > 0
    counts = await tellers.check(await work)
    with capsys.disabled():
        sys.stdout.write(f"\n{dict(counts)}\n")
