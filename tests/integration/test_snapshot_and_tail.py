"""Events and snapshots in one database: a cold load is one round trip."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from interlock._engine.reports import LoadReport, Reason
from interlock.application import Application, ApplicationBuilder, OnLoad
from interlock.application.aggregates import Replay, SnapshotWhen
from interlock.backends import Scope
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command
from interlock_sqlalchemy.database import PAGE_BYTES
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from interlock_sqlalchemy_snapshots.backend import SQLAlchemySnapshotBackend
from interlock_sqlalchemy_snapshots.config import SQLAlchemySnapshotsConfig
from sql_rig import Place, dropped, everywhere, made

ON_SERVERS = pytest.mark.parametrize("place", ["postgresql", "psycopg", "mariadb"], indirect=True)


class Counted(BaseModel):
    number: int
    note: str = ""


class Count(Command[None]):
    times: int = 1
    note: str = ""


class Counter(Aggregate):
    revision = "1"

    total: int = 0

    @handles_command
    def count(self, command: Count) -> None:
        for number in range(command.times):
            self.emit(Counted(number=number, note=command.note))

    @applies_event
    def counted(self, event: Counted) -> None:
        self.total += event.number


@pytest.fixture(params=everywhere())
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


class Running:
    """An application on the place; takes snapshots at these versions."""

    def __init__(self, place: Place, *taken: int, **options: Any) -> None:
        of = {"url": place.url, "create_schema": True, **options}
        self.events = SQLAlchemyEventStore(
            SQLAlchemyEventsConfig(table=place.table("interlock_events"), **of)
        )
        self.snapshots = SQLAlchemySnapshotBackend(
            SQLAlchemySnapshotsConfig(table=place.table("interlock_snapshots"), keep=3, **of)
        )
        self.reports: list[LoadReport] = []
        self.app: Application = (
            ApplicationBuilder()
            .register_event_store(self.events)
            .register_observer(OnLoad(self.reports.append))
            .register_aggregate(
                Counter,
                snapshot_strategy=SnapshotWhen(lambda moment: moment.version in taken),
                snapshot_backend=self.snapshots,
            )
            .build()
        )

    async def counted(self, *times: int) -> UUID:
        """A new counter, with a commit for each number of events."""
        aggregate_id = uuid4()
        async with self.app:
            for number in times:
                await self.app.dispatch(Count(aggregate_id=aggregate_id, times=number))
        return aggregate_id


async def test_a_load_of_each_version_starts_at_the_nearest_older_snapshot(place: Place) -> None:
    aggregate_id = await Running(place, 11, 21).counted(7, 4, 1, 9, 2)
    running = Running(place)
    async with running.app as app:
        replayed = await app.load(Counter, aggregate_id, freshness=Replay())
        assert await app.load(Counter, aggregate_id) == replayed
        assert running.reports[-1].baseline_version == 21
        totals = [number for times in (7, 4, 1, 9, 2) for number in range(times)]
        for version in range(1, 24):
            found = await app.load(Counter, aggregate_id, version=version)
            assert (found.version, found.total) == (version, sum(totals[:version]))
            nearest = max(taken for taken in (0, 11, 21) if taken <= version)
            assert running.reports[-1].baseline_version == nearest


@pytest.mark.parametrize("events", [0, 1, 499, 500, 501, 511, 512, 513, 1_700])
async def test_a_stream_of_any_length_is_read_to_its_end(place: Place, events: int) -> None:
    aggregate_id = await Running(place).counted(*[events] if events else [])
    running = Running(place)
    async with running.app as app:
        assert (await app.load(Counter, aggregate_id)).version == events
        assert [miss.reason for miss in running.reports[-1].misses] == [Reason.ABSENT]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("events", [0, 99, 100, 101, 1_300])
async def test_a_thread_reads_a_stream_of_any_length_to_its_end(place: Place, events: int) -> None:
    aggregate_id = await Running(place, 50).counted(*[50, events] if events else [])
    running = Running(place, inline_rows=0)
    async with running.app as app:
        assert (await app.load(Counter, aggregate_id)).version == (events and events + 50)


@pytest.mark.parametrize("inline_rows", [0, 500])
async def test_a_tail_of_large_events_is_read_to_its_end(place: Place, inline_rows: int) -> None:
    running = Running(place, 12)
    aggregate_id = await running.counted(12)
    async with running.app as app:
        for size in [10, *[1 << 20] * 20, 10, 10]:
            await app.dispatch(Count(aggregate_id=aggregate_id, note="x" * size))
    running = Running(place, inline_rows=inline_rows)
    async with running.app as app:
        key = Scope("default", 0, "Counter", "1").key(aggregate_id)
        record, chunks = await running.events.read_from_snapshot(running.snapshots, key)
        assert record is not None
        assert not isinstance(chunks, list)
        assert record.version == 12
        sizes = [sum(len(row[6]) for row in rows) async for rows in chunks]
        assert sum(sizes) > 20 << 20
        assert max(sizes) <= PAGE_BYTES
        assert (await app.load(Counter, aggregate_id)).version == 35


@ON_SERVERS
@pytest.mark.parametrize("tail", [5, 500])
async def test_a_cold_load_is_one_round_trip(place: Place, tail: int) -> None:
    aggregate_id = await Running(place, 12).counted(12, tail)
    running = Running(place)
    async with running.app as app:
        before = running.events.round_trips
        assert (await app.load(Counter, aggregate_id)).version == 12 + tail
        assert running.reports[-1].baseline_version == 12
        assert running.events.round_trips - before == 1
        assert (await app.load(Counter, uuid4())).version == 0
        assert running.events.round_trips - before == 2


@ON_SERVERS
async def test_a_command_costs_a_read_and_an_append(place: Place) -> None:
    aggregate_id = await Running(place, 12, 21).counted(12, 5)
    running = Running(place)
    async with running.app as app:
        before = running.events.round_trips
        await app.dispatch(Count(aggregate_id=aggregate_id))
        assert running.events.round_trips - before == 2


async def test_a_snapshot_table_that_is_gone_leaves_the_events(place: Place) -> None:
    aggregate_id = await Running(place, 12, 21).counted(12)
    running = Running(place)
    async with running.app as app:
        await place.run("DROP TABLE AT.interlock_snapshots")
        assert (await app.load(Counter, aggregate_id)).version == 12
        assert [miss.reason for miss in running.reports[-1].misses] == [Reason.UNAVAILABLE]


async def test_a_changed_snapshot_is_passed_over(place: Place) -> None:
    aggregate_id = await Running(place, 12, 21).counted(12, 9)
    await place.run("UPDATE AT.interlock_snapshots SET anchor_at = 0 WHERE version = 21")
    running = Running(place)
    async with running.app as app:
        assert (await app.load(Counter, aggregate_id)).version == 21
        report = running.reports[-1]
        assert [miss.reason for miss in report.misses] == [Reason.UNUSABLE]
        assert report.baseline_version == 12


async def test_snapshots_of_another_place_are_read_by_themselves(
    place: Place, tmp_path: Path
) -> None:
    events = SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=place.url))
    beside = SQLAlchemySnapshotBackend(SQLAlchemySnapshotsConfig(url=place.url))
    elsewhere = SQLAlchemySnapshotBackend(
        SQLAlchemySnapshotsConfig(url=f"sqlite:///{tmp_path / 'other.db'}")
    )
    assert events.keeps_beside(beside)
    assert not events.keeps_beside(elsewhere)
