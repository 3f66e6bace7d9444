"""`interlock copy` from a file to a server, killed before and after each of its appends."""

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from interlock.backends import StoredEvent
from interlock.cli.copying import Copied, Copying
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_rig import Place, dropped, everywhere, made

IDS = [UUID(int=number) for number in range(1, 4)]
LENGTHS = (1_200, 1, 7)
APPENDS = 5
"""A long stream comes in three chunks."""
AT = datetime(2024, 2, 29, tzinfo=UTC)


@pytest.fixture(params=everywhere("postgresql", "mariadb"))
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


def _store(place: Place) -> SQLAlchemyEventStore:
    table = place.table("interlock_events")
    return SQLAlchemyEventStore(
        SQLAlchemyEventsConfig(url=place.url, table=table, create_schema=True)
    )


async def _fill(place: Place) -> None:
    store = _store(place)
    await store.open()
    for aggregate_id, length in zip(IDS, LENGTHS, strict=True):
        await store.append(
            [
                StoredEvent("Account", aggregate_id, version, uuid4(), "Paid", 1, AT, b"{}", b"{}")
                for version in range(1, length + 1)
            ],
            after=None,
        )
    await store.close()


async def _copy(source: Place, target: Place, *, dies: str | None = None) -> Copied:
    """Copy all; the process is killed before or after its first append, if that is wanted."""
    stores = _store(source), _store(target)
    for store in stores:
        await store.open()
    append = stores[1].append

    async def appending(events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None) -> None:
        if dies == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await append(events, after=after)
        if dies == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    stores[1].append = appending  # type: ignore[method-assign] # so that it dies there
    copying = Copying(*stores, "Account")
    for work in (copying.copy, copying.compare):
        async for aggregate_id in stores[0].ids("Account"):
            await work(aggregate_id)
    for store in stores:
        await store.close()
    return copying.outcome


def test_a_copy_that_is_killed_anywhere_loses_and_doubles_nothing(
    target: Place, tmp_path: Path
) -> None:
    source = made("sqlite", tmp_path)
    asyncio.run(_fill(source))
    for dies in ("before", "after") * APPENDS:
        child = os.fork()
        if child == 0:
            asyncio.run(_copy(source, target, dies=dies))
            os._exit(0)  # there was nothing to append
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
    assert asyncio.run(_copy(source, target)) == Copied("Account", streams=3)
    dropped(source)
