"""`archive` on databases, killed at each thing that it does to the disk or asks of the store."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from interlock._storage.archive import ArchiveFile, ArchiveWriter
from interlock.application import Application, ApplicationBuilder, RecordedEvent, backend
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from sql_rig import Place, dropped, everywhere, made

pytestmark = pytest.mark.faults

LENGTH, FIRST, BELOW = 12, 4, 9
LEAST_POINTS = 20


class Paid(BaseModel):
    amount: int


class Pay(Command[None]):
    parts: int


class Order(Aggregate):
    revision = "1"
    total: int = 0

    @handles_command
    def pay(self, command: Pay) -> None:
        for part in range(command.parts):
            self.emit(Paid(amount=part))

    @applies_event
    def paid(self, event: Paid) -> None:
        self.total += event.amount


@pytest.fixture(params=everywhere("sqlite", "postgresql", "mariadb"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


class Shop:
    """Orders whose first three events are archived."""

    def __init__(self, place: Place, folder: Path) -> None:
        self._place = place
        self._folder = folder

    def application(self) -> Application:
        where = {"url": self._place.url, "create_schema": True}
        events = backend("sqlalchemy-events", **where, table=self._place.table("interlock_events"))
        snapshots = backend(
            "sqlalchemy-snapshots", **where, table=self._place.table("interlock_snapshots")
        )
        return (
            ApplicationBuilder()
            .configure(archive=str(self._folder))
            .register_event_store(events)
            .register_aggregate(Order, snapshot_backend=snapshots)
            .build()
        )

    async def fill(self, order_id: UUID) -> list[RecordedEvent[Any]]:
        """Its events."""
        async with self.application() as app:
            await app.dispatch(Pay(aggregate_id=order_id, parts=LENGTH))
            await app.rebuild_snapshots(Order, [order_id])
            events = [event async for event in app.events(Order, order_id)]
            await app.archive(Order, order_id, below=FIRST)
            return events

    async def archive(self, order_id: UUID) -> None:
        async with self.application() as app:
            await app.archive(Order, order_id, below=BELOW)

    async def look(self, order_id: UUID) -> tuple[list[RecordedEvent[Any]], int]:
        """All events, and the total that a load gives."""
        async with self.application() as app:
            events = [event async for event in app.events(Order, order_id)]
            return events, (await app.load(Order, order_id)).total


class Deadly:
    """Counts what is done, and kills the process before or after the one of this number."""

    def __init__(self, number: int) -> None:
        self._left = number

    def at(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, between two points."""

        def between(*args: Any, **options: Any) -> Any:
            self._step()
            result = function(*args, **options)
            self._step()
            return result

        return between

    def at_async(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """As `at`."""

        async def between(*args: Any, **options: Any) -> Any:
            self._step()
            result = await function(*args, **options)
            self._step()
            return result

        return between

    def writing(self, write: Callable[..., None]) -> Callable[..., None]:
        """A line, of which the first half may be on the disk."""

        def half(writer: ArchiveWriter, value: dict[str, object]) -> None:
            if self._left == 0:
                writer._file.write(b'{"version":')
                writer._file.flush()
            self._step()
            write(writer, value)

        return half

    def _step(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def _killed_at(number: int, shop: Shop, order_id: UUID) -> bool:
    """Whether there is such a point; a process archives the order, and is killed there."""
    child = os.fork()
    if child == 0:
        deadly = Deadly(number)
        ArchiveWriter._write = deadly.writing(ArchiveWriter._write)  # type: ignore[method-assign] # so that it dies there
        ArchiveFile.replace = deadly.at(ArchiveFile.replace)  # type: ignore[method-assign] # too
        os.fsync = deadly.at(os.fsync)
        Path.replace = deadly.at(Path.replace)  # type: ignore[method-assign] # too
        SQLAlchemyEventStore.read = deadly.at(SQLAlchemyEventStore.read)  # type: ignore[method-assign] # too
        SQLAlchemyEventStore.delete = deadly.at_async(SQLAlchemyEventStore.delete)  # type: ignore[method-assign] # too
        asyncio.run(shop.archive(order_id))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_an_archive_that_is_killed_anywhere_loses_nothing(place: Place, tmp_path: Path) -> None:
    shop = Shop(place, tmp_path / "archive")
    total = sum(range(LENGTH))
    number, is_killed = 0, True
    while is_killed:
        order_id = UUID(int=number + 1)
        events = asyncio.run(shop.fill(order_id))
        is_killed = _killed_at(number, shop, order_id)
        assert asyncio.run(shop.look(order_id)) == (events, total), f"killed at point {number}"
        asyncio.run(shop.archive(order_id))
        assert asyncio.run(shop.look(order_id)) == (events, total), f"killed at point {number}"
        number += 1
    assert number > LEAST_POINTS
