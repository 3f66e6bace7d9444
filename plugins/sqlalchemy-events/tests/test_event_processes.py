from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID, uuid4

import pytest

from interlock.backends import StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from sql_rig import Place

pytestmark = pytest.mark.faults

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]

Start = Callable[..., Awaitable[Process]]


async def streams(store: SQLAlchemyEventStore, ids: Sequence[UUID]) -> list[list[tuple[int, UUID]]]:
    return [
        [(row[0], UUID(bytes=row[1])) async for rows in store.read("Account", i) for row in rows]
        for i in ids
    ]


async def test_two_processes_append_to_the_same_streams_and_each_accepted_event_is_there_once(
    open_store: OpenStore, start: Start
) -> None:
    store = await open_store()
    ids = [uuid4() for _ in range(3)]
    processes = [await start(2, 150, *ids) for _ in range(2)]
    accepted: list[UUID] = []
    for process in processes:
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        accepted += [UUID(word) for word in output.decode().split()]
    stored = await streams(store, ids)
    for stream in stored:
        assert [version for version, _ in stream] == list(range(1, len(stream) + 1))
    assert sorted(event_id for stream in stored for _, event_id in stream) == sorted(accepted)
    assert len(accepted) == 600


async def test_a_killed_writer_leaves_what_it_acknowledged_and_nothing_half(
    open_store: OpenStore, place: Place, events: Events, start: Start
) -> None:
    ids = [uuid4(), uuid4()]
    await (await open_store()).close()
    for _ in range(5 if place.kind == "sqlite" else 2):
        process = await start(3, 0, *ids)
        assert process.stdout is not None
        acknowledged = [await process.stdout.readline() for _ in range(20)]
        process.kill()
        acknowledged.append(await process.stdout.read())
        await process.wait()
        lines = b"".join(acknowledged).decode().split("\n")[:-1]
        accepted = {UUID(word) for line in lines for word in line.split()}
        store = await open_store()
        stored = await streams(store, ids)
        for stream in stored:
            assert [version for version, _ in stream] == list(range(1, len(stream) + 1))
            assert len(stream) % 3 == 0
        assert accepted <= {event_id for stream in stored for _, event_id in stream}
        for aggregate_id, stream in zip(ids, stored, strict=True):
            head = stream[-1] if stream else None
            more = events(aggregate_id, range(len(stream) + 1, len(stream) + 4))
            await store.append(more, after=head)
        await store.close()
