"""`interlock import` of what the library `eventsourcing` wrote, by the program of the page."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pages import FORKS
from sql_rig import Place, dropped, everywhere, made

pytest.importorskip("eventsourcing", reason="needs the library whose events are imported")

CONFIG = """
schema = 1

[event_store]
backend = "sqlalchemy-events"
url = "sqlite:///new.db"
"""
SCHOOL = """
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event


class Dog(Aggregate):
    @event("Registered")
    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)


class School(Application):
    {name}


def fill() -> None:
    school = School()
    for name in ("Fido", "Rex"):
        dog = Dog(name)
        for trick in range(600):
            dog.add_trick(f"trick {{trick}}")
        school.save(dog)
    school.close()
"""


def _page_program() -> str:
    """The program that the page shows."""
    page = Path(__file__).parents[2] / "docs/how-to/import-events.md"
    text = page.read_text("utf-8").partition('```python title="old_events.py"\n')[2]
    return text.partition("```")[0]


def _variables(place: Place) -> Mapping[str, str]:
    """By which the library finds its database."""
    if not place.is_postgresql:
        return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": "old.db"}
    pytest.importorskip("psycopg_pool", reason="the library's recorders need psycopg[pool]")
    url = make_url(place.url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(url.database),
        "POSTGRES_HOST": str(url.host),
        "POSTGRES_PORT": str(url.port or 5432),
        "POSTGRES_USER": str(url.username),
        "POSTGRES_PASSWORD": url.password or "trusted",
        "POSTGRES_SCHEMA": place.prefix.rstrip("."),
    }


@pytest.fixture(params=everywhere("sqlite", "postgresql"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    found = made(request.param, tmp_path)
    yield found
    dropped(found)


@pytest.mark.parametrize(
    ("name", "table"),
    [("pass", "school_events"), ('name = ""', "stored_events")],
    ids=["own-table", "stored-events"],
)
async def test_its_events_are_imported_by_the_page(
    place: Place, tmp_path: Path, name: str, table: str
) -> None:
    (tmp_path / "school.py").write_text(SCHOOL.format(name=name))
    (tmp_path / "old_events.py").write_text(_page_program())
    (tmp_path / "interlock.toml").write_text(CONFIG)
    variables = _variables(place)

    def said() -> str:
        words = ("interlock", "import", "old_events:events")
        done = FORKS.run(words, tmp_path, variables)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    filled = FORKS.run(("python", "-c", "import school; school.fill()"), tmp_path, variables)
    assert filled.returncode == 0, filled.stderr
    if place.is_postgresql:
        assert await place.run(f"SELECT count(*) FROM AT.{table}") == [(1_202,)]  # noqa: S608 # our own
    assert said() == "1,202 events imported, 0 were there\n"
    assert said() == "0 events imported, 1,202 were there\n"
    with closing(sqlite3.connect(tmp_path / "new.db")) as file:
        rows = file.execute("SELECT version, type, payload FROM interlock_events").fetchall()
    assert sorted(row for row in rows if row[0] in (1, 2, 601)) == [
        (1, "Registered", b'{"name":"Fido"}'),
        (1, "Registered", b'{"name":"Rex"}'),
        *[(2, "TrickAdded", b'{"trick":"trick 0"}')] * 2,
        *[(601, "TrickAdded", b'{"trick":"trick 599"}')] * 2,
    ]
