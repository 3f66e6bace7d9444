"""The shared suite, in a file and on servers."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from interlock.application import backend
from interlock.backends import RecordKey
from interlock_conformance.cases import PackagingConformance, SnapshotConformance
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


_READ = "select payload from AT.interlock_snapshots where aggregate_id = ID"
_CHANGE = "update AT.interlock_snapshots set payload = PAYLOAD where aggregate_id = ID"


class _Somewhere:
    kind_of_place = "sqlite"
    table = "interlock_snapshots"
    place: Place

    def backend(self) -> object:
        table = self.place.table(self.table)
        return backend("sqlalchemy-snapshots", url=self.place.url, table=table, create_schema=True)

    async def tamper(self, _: object, key: RecordKey, change: Callable[[bytes], bytes]) -> None:
        aggregate_id = key.aggregate_id.bytes
        mark = {"sqlite": "?", "mariadb": "%s"}.get(self.place.kind)
        for (payload,) in await self.place.run(_READ.replace("ID", mark or "$1"), aggregate_id):
            statement = _CHANGE.replace("PAYLOAD", mark or "$1").replace("ID", mark or "$2")
            await self.place.run(statement, change(payload), aggregate_id)

    async def advance(self, store: Any, seconds: float) -> datetime:
        now: datetime = store._clock() + timedelta(seconds=seconds)
        store._clock = lambda: now
        return now


class TestSQLite(_Somewhere, BadDays, SnapshotConformance):
    pass


class TestPostgreSQL(_Somewhere, BadDays, SnapshotConformance):
    kind_of_place = "postgresql"


class TestPsycopg(TestPostgreSQL):
    kind_of_place = "psycopg"


class TestMariaDB(TestPostgreSQL):
    kind_of_place = "mariadb"


class TestDistribution(_Somewhere, PackagingConformance):
    pass
