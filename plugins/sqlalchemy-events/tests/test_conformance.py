"""The shared suite, in a file and on servers."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

from interlock.application import backend
from interlock_conformance.cases import EventStoreConformance, PackagingConformance
from sql_bad_days import BadDays
from sql_rig import Place, dropped, made


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Place]]:
    folder, places = tmp_path_factory.mktemp("conformance"), dict[str, Place]()

    def place(kind: str) -> Place:
        if kind not in places:
            places[kind] = made(kind, folder)
        return places[kind]

    yield place
    for found in places.values():
        dropped(found)


@pytest.fixture(autouse=True)
def _in_its_place(request: pytest.FixtureRequest, places: Callable[[str], Place]) -> None:
    request.cls.place = places(request.cls.kind_of_place)


class _Somewhere:
    kind_of_place = "sqlite"
    table = "interlock_events"
    place: Place

    def backend(self) -> object:
        table = self.place.table(self.table)
        return backend("sqlalchemy-events", url=self.place.url, table=table, create_schema=True)

    if find_spec("interlock_sqlalchemy_snapshots") is not None:  # not where this is tested alone

        def snapshots(self) -> object:
            table = self.place.table("interlock_snapshots")
            options = {"url": self.place.url, "table": table, "create_schema": True}
            return backend("sqlalchemy-snapshots", **options)


class TestSQLite(_Somewhere, BadDays, EventStoreConformance):
    pass


class TestPostgreSQL(_Somewhere, BadDays, EventStoreConformance):
    kind_of_place = "postgresql"
    capabilities = frozenset({"round_trips"})


class TestPsycopg(TestPostgreSQL):
    kind_of_place = "psycopg"


class TestMariaDB(TestPostgreSQL):
    kind_of_place = "mariadb"


class TestDistribution(_Somewhere, PackagingConformance):
    pass
