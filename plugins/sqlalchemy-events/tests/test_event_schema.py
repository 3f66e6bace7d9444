import asyncio
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any

import pytest
from sqlalchemy import make_url

from interlock.backends import ConfigurationError
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.ddl import ddl
from sql_rig import Place

Open = Callable[..., Awaitable[SQLAlchemyEventStore]]

NAMES = {"sqlite": "sqlite", "postgresql": "postgresql", "mariadb": "mysql"}
TABLE = "interlock_events"


async def test_the_ddl_makes_the_table_that_is_wanted(open_store: Open, place: Place) -> None:
    await place.run(ddl(NAMES[place.kind], table=place.table(TABLE)))
    await open_store(create_schema=False)


def test_the_ddl_of_mariadb_is_that_of_mysql() -> None:
    assert ddl("mariadb") == ddl("mysql")
    with pytest.raises(ConfigurationError, match="supported: sqlite, postgresql, mysql, mariadb"):
        ddl("oracle")


async def test_a_missing_table_is_told_with_the_ddl(open_store: Open, place: Place) -> None:
    with pytest.raises(ConfigurationError, match="there is no table") as caught:
        await open_store(create_schema=False)
    await place.run(str(caught.value).partition("run:\n")[2])
    await open_store(create_schema=False)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("ALTER TABLE AT.interlock_events ADD COLUMN more BIGINT", "column more is unknown"),
        ("ALTER TABLE AT.interlock_events DROP COLUMN payload", "column payload is missing"),
    ],
)
async def test_a_table_of_another_shape_is_refused(
    open_store: Open, place: Place, change: str, difference: str
) -> None:
    await open_store()
    await place.run(change)
    for create_schema in (True, False):
        with pytest.raises(ConfigurationError, match=f"another shape: {difference}"):
            await open_store(create_schema=create_schema)


@pytest.mark.parametrize("place", ["postgresql", "mariadb"], indirect=True)
async def test_a_foreign_table_is_refused(open_store: Open, place: Place) -> None:
    await place.run("CREATE TABLE AT.interlock_events (aggregate_id INT NOT NULL PRIMARY KEY)")
    with pytest.raises(ConfigurationError, match=r"another shape.*aggregate_id is INT.*key is"):
        await open_store()


@pytest.mark.parametrize("place", ["postgresql", "mariadb"], indirect=True)
async def test_many_that_create_the_table_at_once_all_succeed(open_store: Open) -> None:
    await asyncio.gather(*(open_store() for _ in range(4)))


@pytest.mark.parametrize("place", ["postgresql", "mariadb"], indirect=True)
async def test_who_may_not_create_the_table_is_told_what_to_run(
    open_store: Open, place: Place
) -> None:
    user = place.prefix.rstrip(".")
    if place.is_postgresql:
        await place.run(f"CREATE ROLE {user} LOGIN")
        await place.run(f"GRANT USAGE ON SCHEMA {user} TO {user}")
    else:
        await place.run(f"CREATE USER {user}@'127.0.0.1'")
        await place.run(f"GRANT SELECT ON {user}.* TO {user}@'127.0.0.1'")
    url = make_url(place.url).set(username=user)
    if not place.is_postgresql:
        url = url.set(database=user)
    told = r"(?s)denied.*may create it run:.CREATE TABLE"
    try:
        with pytest.raises(ConfigurationError, match=told):
            await open_store(url=url.render_as_string(hide_password=False))
    finally:
        if place.is_postgresql:
            await place.run(f"DROP OWNED BY {user}")
            await place.run(f"DROP ROLE {user}")
        else:
            await place.run(f"DROP USER {user}@'127.0.0.1'")


@pytest.mark.skipif(find_spec("alembic") is None, reason="needs alembic: it isn't installed")
async def test_the_migration_makes_the_table_and_drops_it(open_store: Open, place: Place) -> None:
    from alembic.config import Config  # noqa: PLC0415 # as above
    from alembic.migration import MigrationContext  # noqa: PLC0415 # may be missing
    from alembic.operations import Operations  # noqa: PLC0415 # as above
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415 # as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 # as above

    config = Config()
    config.set_main_option("script_location", "interlock_sqlalchemy_events:migrations")
    config.set_main_option("version_locations", "interlock_sqlalchemy_events:migrations")
    config.set_main_option(f"{TABLE}_table", place.table(TABLE))
    config.set_main_option("path_separator", "space")
    scripts = ScriptDirectory.from_config(config)
    (head,) = scripts.get_heads()
    found = scripts.get_revision(head)
    assert "interlock_events" in found.branch_labels

    def run(connection: Any, direction: str) -> None:  # Any: SQLAlchemy's
        with (
            EnvironmentContext(config, scripts),
            Operations.context(MigrationContext.configure(connection)),
        ):
            getattr(found.module, direction)()

    await _with_engine(place.url, lambda connection: run(connection, "upgrade"))
    await open_store(create_schema=False)
    await _with_engine(place.url, lambda connection: run(connection, "downgrade"))
    with pytest.raises(ConfigurationError, match="there is no table"):
        await open_store(create_schema=False)


async def _with_engine(url: str, work: Callable[[Any], None]) -> None:  # Any: SQLAlchemy's
    from sqlalchemy import create_engine  # noqa: PLC0415 # as above
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 # needs greenlet

    if url.startswith("sqlite"):
        engine = create_engine(url)
        with engine.begin() as connection:
            work(connection)
        engine.dispose()
        return
    asynchronous = create_async_engine(url)
    async with asynchronous.begin() as connection:
        await connection.run_sync(work)
    await asynchronous.dispose()
