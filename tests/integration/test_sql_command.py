"""The statements that `interlock sql ddl` prints make the tables that the backends want."""

from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from typer.testing import CliRunner

from interlock.application import ApplicationBuilder
from interlock.errors import ConfigurationError
from interlock_sqlalchemy.commands import app
from pages import FORKS
from sql_rig import Place, dropped, everywhere, made
from teller import Account

DIALECTS = {"sqlite": "sqlite", "postgresql": "postgresql", "mariadb": "mysql"}
BACKENDS = ("sqlalchemy-events", "sqlalchemy-snapshots")


@pytest.fixture(params=everywhere("sqlite", "postgresql", "mariadb"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


def interlock(*arguments: str, cwd: Path) -> CompletedProcess[str]:
    return FORKS.run(["interlock", *arguments], cwd, {"COLUMNS": "200"})


def configured(folder: Path, place: Place) -> Path:
    """A configuration of both backends on tables that nobody makes."""
    path = folder / "interlock.toml"
    path.write_text(
        f"""
schema = 1
[event_store]
backend = "sqlalchemy-events"
url = "{place.url}"
table = "{place.table("facts")}"
[snapshot_backends.main]
backend = "sqlalchemy-snapshots"
url = "{place.url}"
table = "{place.table("states")}"
[snapshot_backends.same]
backend = "sqlalchemy-snapshots"
url = "{place.url}"
table = "{place.table("states")}"
keep = 3
[aggregates.Account]
snapshot_backend = "main"
snapshot_strategy = {{ use = "after-n", n = 2 }}
"""
    )
    return path


async def opens(config: Path) -> bool:
    """Whether an application finds its tables, in the shape that it wants."""
    app = ApplicationBuilder.from_config(config).register_aggregate(Account).build()
    try:
        async with app:
            return True
    except ConfigurationError as error:
        if "there is no table" in str(error):
            return False
        raise


async def execute(place: Place, printed: str) -> int:
    statements = [statement for statement in printed.split(";\n") if statement.strip()]
    for statement in statements:
        await place.run(statement)
    return len(statements)


async def test_the_statements_of_a_configuration_make_its_tables(
    place: Place, tmp_path: Path
) -> None:
    config = configured(tmp_path, place)
    if place.kind == "sqlite":  # a file that isn't there is made with its tables
        await place.run("CREATE TABLE another (id INTEGER)")
    assert not await opens(config)
    done = interlock("sql", "ddl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    dialect = "mysql" if place.kind == "mariadb" else place.kind
    assert f"-- event_store: {dialect}\n" in done.stdout
    assert f"-- snapshot_backends.main, snapshot_backends.same: {dialect}\n" in done.stdout
    assert place.url not in done.stdout
    assert await execute(place, done.stdout) == 2
    assert await opens(config)


async def test_the_statements_of_a_dialect_make_the_same_tables(
    place: Place, tmp_path: Path
) -> None:
    names = zip(BACKENDS, (place.table("facts"), place.table("states")), strict=True)
    tables = [f"--table={backend}={table}" for backend, table in names]
    done = interlock("sql", "ddl", "--dialect", DIALECTS[place.kind], *tables, cwd=tmp_path)
    assert await execute(place, done.stdout) == 2
    assert await opens(configured(tmp_path, place))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dialect", "oracle"], "supported: sqlite, postgresql, mysql, mariadb"),
        (["--dialect", "sqlite", "--config", "interlock.toml"], "exclude each other"),
        (["--table", "sqlalchemy-events=a"], "--table goes with --dialect"),
        (["--dialect", "mysql", "--table", "facts"], "wanted BACKEND=TABLE"),
        (["--dialect", "mysql", "--table", "sqlalchemy-events=a b"], "letters, digits and _"),
        (["--dialect", "mysql", "--table", "events=a"], "installed: sqlalchemy-events, sqlal"),
        (["--dialect", "sqlite", "--table", "sqlalchemy-events=a.b"], "a SQLite file has no sche"),
        (["--config", "none.toml"], "the configuration names no SQL backend"),
        ([], "no configuration found"),
    ],
)
def test_what_cannot_be_printed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "none.toml").write_text('schema = 1\n[event_store]\nbackend = "memory-events"\n')
    result = CliRunner().invoke(app, ["ddl", *arguments])
    assert isinstance(result.exception, ConfigurationError)
    assert said in str(result.exception)
    assert result.stdout == ""


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql", "mariadb"])
def test_the_statements_fit_a_screen_of_80_columns(tmp_path: Path, dialect: str) -> None:
    done = interlock("sql", "ddl", "--dialect", dialect, cwd=tmp_path)
    assert done.stdout.count("CREATE TABLE") == 2
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


def test_help_lists_the_commands_of_the_extension(tmp_path: Path) -> None:
    assert "  sql        The tables of SQL databases.\n" in interlock("--help", cwd=tmp_path).stdout
