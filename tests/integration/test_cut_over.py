"""`interlock copy --cut-over` while processes write: each event is copied, or was refused."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from interlock.backends import BackendUnavailableError, StoredEvent
from interlock.cli.copying import Copied, _Run
from interlock_sqlalchemy import server
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_rig import Place, ask, dropped, everywhere, linked, made

WRITERS = 3
FEW = 20
"""Events that a writer stores at least before it is cut over."""
AT = datetime(2024, 2, 29, tzinfo=UTC)


def _place(kind: str, tmp_path: Path) -> Iterator[Place]:
    place = made(kind, tmp_path)
    yield place
    dropped(place)


@pytest.fixture(params=everywhere("sqlite", "postgresql", "mariadb"))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    yield from _place(request.param, tmp_path)


@pytest.fixture(params=everywhere("postgresql", "mariadb"))
def server_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    yield from _place(request.param, tmp_path)


async def _opened(place: Place, stack: AsyncExitStack) -> SQLAlchemyEventStore:
    table = place.table("interlock_events")
    config = SQLAlchemyEventsConfig(url=place.url, table=table, create_schema=True)
    store = SQLAlchemyEventStore(config)
    await store.open()
    stack.push_async_callback(store.close)
    return store


def _event(aggregate_id: UUID, version: int) -> StoredEvent:
    return StoredEvent("Account", aggregate_id, version, uuid4(), "Paid", 1, AT, b"{}", b"{}")


async def _write(place: Place, begun: Path) -> dict[str, list[str]]:
    """Append to streams, each of up to five events, until that is refused; what stands."""
    stands: dict[str, list[str]] = {}
    async with AsyncExitStack() as stack:
        store = await _opened(place, stack)
        try:
            while True:
                aggregate_id, after = uuid4(), None
                ids = stands[str(aggregate_id)] = []
                for version, count in ((1, 1), (2, 2), (4, 1), (5, 1)):
                    events = [_event(aggregate_id, version + more) for more in range(count)]
                    await store.append(events, after=after)
                    after = events[-1].version, events[-1].event_id
                    ids += [str(event.event_id) for event in events]
                await asyncio.sleep(0.05)  # so that copying isn't outpaced
                if len(stands) * 5 > FEW:
                    begun.touch()  # noqa: ASYNC240 # an empty file
        except BackendUnavailableError as error:
            stands["refused"] = [str(error)] if error.nothing_done else []
    return stands


async def _cut_over(source: Place, target: Place, begun: list[Path]) -> Copied:
    async with AsyncExitStack() as stack:
        run = _Run(await _opened(source, stack), await _opened(target, stack), ["Account"], 4, None)
        while not all(path.exists() for path in begun):  # noqa: ASYNC110 # of other processes
            await asyncio.sleep(0.01)  # until other processes have written
        await run.cut_over()
        return run.copyings[0].outcome


async def _streams(place: Place) -> dict[str, list[str]]:
    async with AsyncExitStack() as stack:
        store = await _opened(place, stack)
        return {
            str(found): [
                str(UUID(bytes=row[1]))
                async for rows in store.read("Account", found)
                for row in rows
            ]
            async for found in store.ids("Account")
        }


def test_what_races_with_a_cut_over_is_copied_or_refused(source: Place, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    target = made("sqlite", tmp_path / "other")
    asyncio.run(_streams(source))  # so that the table is there
    told = [tmp_path / f"writer-{number}.json" for number in range(WRITERS)]
    children = []
    for path in told:
        child = os.fork()
        if child == 0:
            stands = asyncio.run(_write(source, path.with_suffix(".begun")))
            path.write_text(json.dumps(stands))
            os._exit(0)
        children.append(child)
    outcome = asyncio.run(_cut_over(source, target, [path.with_suffix(".begun") for path in told]))
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * WRITERS
    assert (outcome.different, outcome.only_in_target) == (0, 0)
    acknowledged: dict[str, list[str]] = {}
    for path in told:
        stands = json.loads(path.read_text())
        assert "is read-only since" in stands.pop("refused")[0]
        acknowledged |= {name: ids for name, ids in stands.items() if ids}
    copied = asyncio.run(_streams(target))
    assert copied == acknowledged == asyncio.run(_streams(source))
    dropped(target)


async def _writing(place: Place, stack: AsyncExitStack) -> Any:  # Any: see `linked`
    """A connection whose transaction has written, and goes on."""
    other = await stack.enter_async_context(linked(place.url))
    if not place.is_postgresql:
        await ask(other, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    await ask(other, "BEGIN")
    table = place.table("interlock_events")
    await ask(other, f"UPDATE {table} SET schema_version = 2")  # noqa: S608 # ours
    return other


async def test_a_write_under_way_is_waited_for(server_place: Place) -> None:
    async with AsyncExitStack() as stack:
        store = await _opened(server_place, stack)
        event = _event(uuid4(), 1)
        await store.append([event], after=None)
        other = await _writing(server_place, stack)
        freezing = asyncio.create_task(store.freeze())
        while await store.frozen_since() is None:  # noqa: ASYNC110 # the database has it
            await asyncio.sleep(0.01)  # until the mark is set
        late = asyncio.create_task(
            store.append([_event(event.aggregate_id, 2)], after=(1, event.event_id))
        )
        assert not freezing.done()
        await ask(other, "COMMIT")
        await freezing
        with pytest.raises(BackendUnavailableError, match="is read-only since"):
            await late


async def test_a_write_that_does_not_end_leaves_it_as_it_was(
    server_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_WRITES_END_SECONDS", 1)
    async with AsyncExitStack() as stack:
        store = await _opened(server_place, stack)
        event = _event(uuid4(), 1)
        await store.append([event], after=None)
        other = await _writing(server_place, stack)
        with pytest.raises(BackendUnavailableError, match="wait for the writes"):
            await store.freeze()
        await ask(other, "ROLLBACK")
        assert await store.frozen_since() is None
        await store.append([_event(event.aggregate_id, 2)], after=(1, event.event_id))
        assert await store.delete("Account", event.aggregate_id) == 2
