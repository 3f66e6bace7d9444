"""Snapshots read from a standby that lags: older baselines, the same answers."""

from interlock._engine.reports import Source
from interlock.application import Application, LoadReport, backend
from sql_bank import application, assert_as_replayed, deposit, until
from sql_rig import Place, ask, linked
from sql_servers import OwnPostgreSQL

_NEWEST = "SELECT max(version) FROM interlock_snapshots"


async def test_a_lagging_snapshot_store_changes_no_answer(
    primary: OwnPostgreSQL, standby: OwnPostgreSQL
) -> None:
    place, reports = Place("postgresql", primary.url), list[LoadReport]()
    behind = backend("sqlalchemy-snapshots", url=standby.url)

    def reader() -> Application:
        return application(place, snapshot_backend=behind, reports=reports)

    async with application(place) as writer, linked(standby.url) as link:
        await deposit(writer, 1, 2, 3, 4, 5)
        await until(standby.url, _NEWEST, (5,))
        await ask(link, "SELECT pg_wal_replay_pause()")
        await deposit(writer, *range(6, 18))
        await until(primary.url, _NEWEST, (15,))
        async with reader() as app:
            await assert_as_replayed(app)
            assert (reports[0].baseline, reports[0].baseline_version) == (Source.SNAPSHOT, 5)
            await deposit(app, 18, 19, 20)  # a standby doesn't take the snapshot that is due
            await assert_as_replayed(app)
        assert app.counters()["snapshot.failed"] == 1
        await assert_as_replayed(writer)
        await ask(link, "SELECT pg_wal_replay_resume()")
        await until(standby.url, _NEWEST, (15,))
        reports.clear()
        async with reader() as app:
            await assert_as_replayed(app)
            assert (reports[0].baseline, reports[0].baseline_version) == (Source.SNAPSHOT, 15)
