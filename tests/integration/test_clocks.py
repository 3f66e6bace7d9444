"""The database's clock may say what it likes: only the application's counts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interlock.application import LoadReport
from interlock.application.aggregates import MaxAge, SnapshotAfterTime
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from interlock_sqlalchemy_snapshots.config import SQLAlchemySnapshotsConfig
from rig import Clock
from rig_domain import Account
from sql_bank import ID, application, assert_as_replayed, deposit
from sql_rig import Place, dropped, everywhere, made

HOUR, DAY = 3_600, 86_400


@pytest.fixture(params=everywhere("sqlite", "postgresql", "mariadb"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


@pytest.mark.parametrize("years", [-5, 0, 5])
async def test_ages_are_told_by_the_applications_clock(place: Place, years: int) -> None:
    clock, reports = Clock(), list[LoadReport]()
    clock.now = datetime.now(UTC) + timedelta(days=365 * years)
    began = clock.now
    snapshots = SQLAlchemySnapshotBackend(
        SQLAlchemySnapshotsConfig(
            url=place.url,
            table=place.table("interlock_snapshots"),
            create_schema=True,
            keep=10,
            keep_for=timedelta(days=2),
        ),
        clock=clock,
    )
    async with application(
        place,
        clock=clock,
        reports=reports,
        snapshot_backend=snapshots,
        snapshot_strategy=SnapshotAfterTime(timedelta(hours=1)),
        freshness=MaxAge(timedelta(seconds=5)),
    ) as app:

        async def kept() -> list[int]:
            await app._services[Account].loader.drain()
            rows = await place.run("SELECT version FROM AT.interlock_snapshots ORDER BY version")
            return [version for (version,) in rows]

        await deposit(app, 1, 2)
        clock.pass_by(2 * HOUR)
        await deposit(app, 3)
        assert await kept() == [3]
        await app.load(Account, ID)
        clock.pass_by(6)
        await app.load(Account, ID)
        assert [report.is_current for report in reports[-2:]] == [False, True]
        clock.pass_by(DAY)
        await deposit(app, 4)
        assert await kept() == [3, 4]
        clock.pass_by(DAY)
        await deposit(app, 5)
        assert await kept() == [4, 5]
        recorded = [event.recorded_at async for event in app.events(Account, ID)]
        assert [(at - began).days for at in recorded] == [0, 0, 0, 1, 2]
        await assert_as_replayed(app)
