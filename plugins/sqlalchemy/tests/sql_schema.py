"""What is asked of the table of either plugin: made, checked, migrated."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib.util import find_spec
from typing import Any

import pytest

from interlock.backends import ConfigurationError
from sql_rig import Place, guest

Open = Callable[..., Awaitable[Any]]  # of a backend of either kind
Row = Mapping[str, object]

NAMES = {"sqlite": "sqlite", "postgresql": "postgresql", "mariadb": "mysql"}
ON_SERVERS = pytest.mark.parametrize("place", ["postgresql", "mariadb"], indirect=True)
WITH_ALEMBIC = pytest.mark.skipif(
    find_spec("alembic") is None, reason="needs alembic: it isn't installed"
)


class SchemaChecks:
    """A subclass has the fixture `opener`, which opens a backend, and these."""

    table: str
    ddl: Callable[..., str]
    migrations: str

    def row(self, place: Place, number: int) -> Row:
        """A row of what is stored last under the number, in the newest shape."""
        raise NotImplementedError

    async def is_found(self, backend: Any, number: int) -> bool:  # Any: see `Open`
        """Whether the backend reads what the row says."""
        raise NotImplementedError

    async def test_the_ddl_makes_the_table_that_is_wanted(self, opener: Open, place: Place) -> None:
        await place.run(self.ddl(NAMES[place.kind], table=place.table(self.table)))
        await opener(create_schema=False)

    def test_the_ddl_of_mariadb_is_that_of_mysql(self) -> None:
        assert self.ddl("mariadb") == self.ddl("mysql")
        with pytest.raises(ConfigurationError, match="supported: sqlite, postgresql, mysql, maria"):
            self.ddl("oracle")

    async def test_a_missing_table_is_told_with_the_ddl(self, opener: Open, place: Place) -> None:
        with pytest.raises(ConfigurationError, match="there is no table") as caught:
            await opener(create_schema=False)
        await place.run(str(caught.value).partition("run:\n")[2])
        await opener(create_schema=False)

    @pytest.mark.parametrize(
        ("change", "difference"),
        [
            ("ADD COLUMN more BIGINT", "column more is unknown"),
            ("DROP COLUMN payload", "column payload is missing"),
        ],
    )
    async def test_a_table_of_another_shape_is_refused(
        self, opener: Open, place: Place, change: str, difference: str
    ) -> None:
        await opener()
        await place.run(f"ALTER TABLE {place.table(self.table)} {change}")
        for create_schema in (True, False):
            with pytest.raises(ConfigurationError, match=f"another shape: {difference}"):
                await opener(create_schema=create_schema)

    @ON_SERVERS
    async def test_a_foreign_table_is_refused(self, opener: Open, place: Place) -> None:
        name = place.table(self.table)
        await place.run(f"CREATE TABLE {name} (aggregate_id INT NOT NULL PRIMARY KEY)")
        with pytest.raises(ConfigurationError, match=r"another shape.*aggregate_id is INT.*key is"):
            await opener()

    @ON_SERVERS
    async def test_many_that_create_the_table_at_once_all_succeed(self, opener: Open) -> None:
        await asyncio.gather(*(opener() for _ in range(4)))

    @ON_SERVERS
    async def test_who_may_not_create_the_table_is_told_what_to_run(
        self, opener: Open, place: Place
    ) -> None:
        async with guest(place, "SELECT") as url:
            with pytest.raises(
                ConfigurationError, match=r"(?s)denied.*may create it run:.CREATE TABLE"
            ):
                await opener(url=url)

    @WITH_ALEMBIC
    async def test_the_migrations_make_the_table_that_is_wanted_and_drop_it(
        self, opener: Open, place: Place
    ) -> None:
        chain = Chain(self, place)
        assert self.table in chain.labels
        await chain.run("upgrade", "heads")
        await opener(create_schema=False)
        await opener(table=place.table("made"))
        assert await shape(place, self.table) == await shape(place, "made")
        await chain.run("downgrade", "base")
        with pytest.raises(ConfigurationError, match="there is no table"):
            await opener(create_schema=False)

    @WITH_ALEMBIC
    async def test_what_was_stored_under_each_revision_is_read_under_the_last(
        self, opener: Open, place: Place
    ) -> None:
        chain = Chain(self, place)
        for number, revision in enumerate(chain.revisions):
            await chain.run("upgrade", revision)
            await insert(place, self.table, self.row(place, number))
        backend = await opener(create_schema=False)
        for number, _ in enumerate(chain.revisions):
            assert await self.is_found(backend, number)


class Chain:
    """The plugin's Alembic revisions, run as a project runs them."""

    def __init__(self, checks: SchemaChecks, place: Place) -> None:
        from alembic.config import Config  # noqa: PLC0415 # may be missing
        from alembic.script import ScriptDirectory  # noqa: PLC0415 # as above

        self._config, self._place = Config(), place
        for name, value in {
            "script_location": checks.migrations,
            "version_locations": checks.migrations,
            "path_separator": "space",
            f"{checks.table}_table": place.table(checks.table),
        }.items():
            self._config.set_main_option(name, value)
        self._scripts = ScriptDirectory.from_config(self._config)
        found = [*self._scripts.walk_revisions()][::-1]
        self.revisions = [revision.revision for revision in found]
        self.labels = found[0].branch_labels

    async def run(self, direction: str, target: str) -> None:
        """Go up or down to a revision."""
        from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415 # as above

        def steps(standing: Any, _: object) -> Any:  # Any: Alembic's
            return getattr(self._scripts, f"_{direction}_revs")(target, standing)

        def migrate(connection: Any) -> None:  # Any: SQLAlchemy's
            with EnvironmentContext(self._config, self._scripts, fn=steps) as environment:
                schema = self._place.prefix.rstrip(".") or None
                environment.configure(connection=connection, version_table_schema=schema)
                environment.run_migrations()

        await with_engine(self._place.url, migrate)


async def shape(place: Place, table: str) -> object:
    """All that the database tells of a table, but its name."""
    if place.kind == "sqlite":
        ((sql,),) = await place.run("SELECT sql FROM sqlite_master WHERE name = ?", table)
        return "".join(sql.split()).replace(table, "")
    if place.kind == "mariadb":
        ((_, sql),) = await place.run(f"SHOW CREATE TABLE {place.table(table)}")
        return sql.replace(table, "")
    columns = await place.run(
        "SELECT column_name, data_type, is_nullable, column_default, collation_name,"
        " ordinal_position FROM information_schema.columns"
        " WHERE table_schema || '.' = $1 AND table_name = $2 ORDER BY ordinal_position",
        place.prefix,
        table,
    )
    indexes = await place.run(
        "SELECT indexdef FROM pg_indexes WHERE schemaname || '.' = $1 AND tablename = $2",
        place.prefix,
        table,
    )
    return columns, [sql.replace(table, "") for (sql,) in indexes]


async def insert(place: Place, table: str, row: Row) -> None:
    """Insert what of the row the table, as it is by now, has columns for."""
    from sqlalchemy import MetaData, Table  # noqa: PLC0415 # a test of imports runs beside

    def run(connection: Any) -> None:  # Any: SQLAlchemy's
        schema = place.prefix.rstrip(".") or None
        found = Table(table, MetaData(), schema=schema, autoload_with=connection)
        connection.execute(found.insert(), {column.name: row[column.name] for column in found.c})

    await with_engine(place.url, run)


async def with_engine(url: str, work: Callable[[Any], None]) -> None:  # Any: SQLAlchemy's
    """Do this in a transaction of SQLAlchemy's."""
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
