"""The commands for Alembic of docs/how-to/manage-the-schema.md do what the page says."""

import asyncio
import re
import shlex
from collections.abc import Iterator
from configparser import RawConfigParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from interlock.application import ApplicationBuilder, backend
from pages import FORKS
from sql_rig import Place, dropped, everywhere, made
from teller import Account

PAGE = (Path(__file__).parents[2] / "docs/how-to/manage-the-schema.md").read_text()
COMMANDS = re.findall(r"^\$ (alembic .*)$", PAGE, re.MULTILINE)
STAMP = next(command for command in COMMANDS if command.startswith("alembic stamp"))

pytestmark = pytest.mark.skipif(
    find_spec("alembic") is None, reason="needs alembic: it isn't installed"
)


# Whoever runs Alembic does so with a synchronous driver or an asynchronous one; psycopg is both.
@pytest.fixture(params=everywhere("sqlite", "psycopg"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


def run(command: str, folder: Path) -> str:
    words = ["python", "-m", *shlex.split(command)]
    done = FORKS.run(words, folder, {"COLUMNS": "200"})
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def project(place: Place, tmp_path: Path) -> Path:
    """A project that uses Alembic, set up as the page says, in the place's schema."""
    run("alembic init migrations", tmp_path)
    ini = RawConfigParser()
    ini.read(tmp_path / "alembic.ini")
    for block in re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL):
        ini.read_string(block)
    url = place.url
    if place.prefix:  # where Alembic keeps its own table
        url += f"?options=-csearch_path%%3D{place.prefix.rstrip('.')}"
    ini["alembic"]["sqlalchemy.url"] = url
    for table in ("events", "snapshots"):
        option = f"interlock_{table}_table"
        ini["alembic"][option] = place.table(ini["alembic"][option])
    with (tmp_path / "alembic.ini").open("w") as file:
        ini.write(file)
    return tmp_path


async def opened(place: Place) -> None:
    """Start an application on the tables; fails if they aren't as they should be."""
    builder = ApplicationBuilder().register_event_store(
        backend("sqlalchemy-events", url=place.url, table=place.table("events"))
    )
    snapshots = backend("sqlalchemy-snapshots", url=place.url, table=place.table("snapshots"))
    async with builder.register_aggregate(Account, snapshot_backend=snapshots).build():
        pass


def test_the_commands_for_alembic_make_the_tables(project: Path, place: Place) -> None:
    for command in COMMANDS:
        if command != STAMP:
            run(command, project)
    asyncio.run(opened(place))
    run("alembic downgrade interlock_events@base", project)
    with pytest.raises(Exception, match="there is no table"):
        asyncio.run(opened(place))


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_tables_that_stand_are_noted_and_not_made_again(project: Path, place: Place) -> None:
    names = [f"sqlalchemy-{name}={place.table(name)}" for name in ("events", "snapshots")]
    tables = " ".join(f"--table {name}" for name in names)
    for statement in run(f"interlock sql ddl --dialect sqlite {tables}", project).split(";\n"):
        asyncio.run(place.run(statement))
    run(STAMP, project)
    run("alembic upgrade heads", project)
    asyncio.run(opened(place))
