"""The statement that reads a snapshot and its tail: in the portable subset, by the keys alone."""

from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec

import pytest

from interlock.backends import RecordUnusableError, Scope
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from interlock_sqlalchemy_events.ddl import ddl as events_ddl
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from interlock_sqlalchemy_snapshots.config import SQLAlchemySnapshotsConfig
from interlock_sqlalchemy_snapshots.ddl import ddl as snapshots_ddl
from sql_plans import Sent, faults, filled, identity, sent
from sql_rig import Place, dropped, everywhere

__all__ = ["sent"]

SCOPE = Scope("default", 0, "Account", "r1")


@pytest.fixture(scope="module", params=everywhere("postgresql", "mariadb"))
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder, tables = tmp_path_factory.mktemp("plans"), {"interlock_events": events_ddl}
    place = filled(request.param, folder, **tables, interlock_snapshots=snapshots_ddl)
    yield place
    dropped(place)


@pytest.mark.skipif(find_spec("sqlglot") is None, reason="needs sqlglot: it isn't installed")
@pytest.mark.parametrize("number", [0, 7], ids=["a long stream", "snapshot and tail"])
async def test_a_snapshot_and_its_tail_are_sought_by_the_keys(
    place: Place, sent: list[Sent], number: int
) -> None:
    from sql_subset import beyond  # noqa: PLC0415 # it may be missing

    events = SQLAlchemyEventStore(
        SQLAlchemyEventsConfig(url=place.url, table=place.table("interlock_events"))
    )
    snapshots = SQLAlchemySnapshotBackend(
        SQLAlchemySnapshotsConfig(url=place.url, table=place.table("interlock_snapshots"))
    )
    await events.open()
    with suppress(RecordUnusableError):  # the rows are no real ones
        await events.read_from_snapshot(snapshots, SCOPE.key(identity(number)))
    (said,) = sent
    assert await faults(events._database, said) == set()
    assert beyond(said[0], "postgres" if place.is_postgresql else "mysql") == ()
    await events.close()
