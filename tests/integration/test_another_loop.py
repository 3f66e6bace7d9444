"""Whatever its stores are, an application tells another loop that it isn't its own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from hot_caches import BY_NAME, hot_cache
from interlock.application import Application, ApplicationBuilder, backend
from interlock.application.aggregates import FastForward, SnapshotAfterN
from interlock.errors import ConfigurationError
from sql_rig import Place, dropped, everywhere, made
from teller import Account, Deposit


@pytest.fixture(params=everywhere("sqlite", "postgresql", "psycopg", "mariadb"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


@pytest.fixture(params=BY_NAME)
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    with hot_cache(request.param, tmp_path) as tables:
        config = tmp_path / "interlock.toml"
        config.write_text(
            "schema = 1\n[aggregates.Account]\ncache_strategy = 'always'\ncache_backend = 'hot'\n"
            + tables
        )
        yield config


async def _told(app: Application, account_id: UUID) -> None:
    """While this loop uses the application, another one is refused; this one isn't disturbed."""

    async def there() -> None:
        for call in (
            app.dispatch(Deposit(aggregate_id=account_id, amount=1)),
            app.load(Account, account_id, freshness=FastForward()),
            app.exists(Account, account_id),
            app.close(),
        ):
            with pytest.raises(ConfigurationError, match="belongs to the event loop"):
                await call

    await app.dispatch(Deposit(aggregate_id=account_id, amount=1))
    told = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(there())))
    count = 1
    while not told.done():
        await app.dispatch(Deposit(aggregate_id=account_id, amount=1))
        count += 1
        await asyncio.sleep(0)  # on stores in memory a command lets nobody else run
    await told
    assert (await app.load(Account, account_id, freshness=FastForward())).balance == count


async def test_an_application_on_sql_tells_it(place: Place) -> None:
    events = backend(
        "sqlalchemy-events",
        url=place.url,
        table=place.table("interlock_events"),
        create_schema=True,
    )
    snapshots = backend(
        "sqlalchemy-snapshots",
        url=place.url,
        table=place.table("interlock_snapshots"),
        create_schema=True,
    )
    builder = ApplicationBuilder().register_event_store(events)
    builder.register_aggregate(
        Account, snapshot_strategy=SnapshotAfterN(2), snapshot_backend=snapshots
    )
    async with builder.build() as app:
        await _told(app, uuid4())


async def test_an_application_with_a_cache_tells_it(config: Path) -> None:
    async with ApplicationBuilder.from_config(config).register_aggregate(Account).build() as app:
        await _told(app, uuid4())
