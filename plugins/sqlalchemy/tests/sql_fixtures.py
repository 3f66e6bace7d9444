"""What the tests of both plugins are given; a conftest imports it by name."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from sqlite3 import Connection

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from interlock_sqlalchemy import server
from sql_rig import Place, dropped, everywhere, made


@pytest.fixture(autouse=True)
def portable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test has compiled for a server stays in the subset that clusters document."""
    if find_spec("sqlglot") is not None:
        from sql_subset import Portable  # noqa: PLC0415 # it may be missing

        monkeypatch.setattr(server, "Statement", Portable)


@pytest.fixture(params=everywhere("sqlite", "postgresql", "mariadb"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


@pytest.fixture
def file(place: Place) -> Path:
    assert place.kind == "sqlite"
    return place.path


@pytest.fixture
def opened() -> Iterator[list[Connection]]:
    """The driver's connections: one to prepare, the writer's, the reader's, the loop's."""
    connections: list[Connection] = []

    def note(connection: Connection, _: object) -> None:
        connections.append(connection)

    event.listen(Pool, "connect", note)
    yield connections
    event.remove(Pool, "connect", note)
