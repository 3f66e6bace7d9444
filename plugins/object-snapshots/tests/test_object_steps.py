"""What stands after each step of a put or a forget, and beside others'."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from interlock.backends import AggregateRecord, BackendUnavailableError, RecordKey
from interlock_object_snapshots.backend import ObjectSnapshotBackend
from interlock_object_snapshots.bucket import Bucket

OpenBackend = Callable[..., Awaitable[ObjectSnapshotBackend]]
Record = Callable[..., AggregateRecord]


class _StopsAt:
    """Lets so many writes and removals through, and then none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
        self.left = steps
        for name in ("put", "delete"):
            monkeypatch.setattr(Bucket, name, self._stopping(getattr(Bucket, name)))

    def _stopping(self, method: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def stopping(*arguments: Any) -> None:  # Any: of either
            if not self.left:
                raise BackendUnavailableError("the process is killed here")
            self.left -= 1
            await method(*arguments)

        return stopping


@pytest.mark.parametrize("steps", range(4))
async def test_a_put_that_stops_at_any_step_leaves_what_stood_or_what_it_wrote(
    open_backend: OpenBackend, key: RecordKey, record: Record, steps: int
) -> None:
    backend = await open_backend(keep=2)
    for version in (1, 2):
        await backend.put(key, record(key, version))
    with pytest.MonkeyPatch.context() as patched:
        stops = _StopsAt(patched, steps)
        try:
            await backend.put(key, record(key, 3), [record(key, 2).stamp])
            is_whole = True
        except BackendUnavailableError:
            is_whole = False
    found = [await backend.read(key, version) for version in (1, 2, 3)]
    versions = {each.version for each in found if each is not None}
    assert versions >= ({3} if steps else {1, 2})
    assert is_whole == (steps >= 2)
    if is_whole:
        assert versions == {1, 3}
        assert stops.left == steps - 2


@pytest.mark.parametrize("steps", range(4))
async def test_a_forget_that_stops_keeps_late_puts_out_from_its_first_step_on(
    open_backend: OpenBackend, key: RecordKey, record: Record, steps: int
) -> None:
    now = record(key, 1).taken_at + timedelta(seconds=5)
    backend = await open_backend(clock=lambda: now, keep=2)
    for version in (1, 2):
        await backend.put(key, record(key, version))
    with pytest.MonkeyPatch.context() as patched:
        _StopsAt(patched, steps)
        try:
            await backend.forget(key)
        except BackendUnavailableError:
            assert steps < 3
    await backend.put(key, record(key, 3))
    found = await backend.read(key, 3)
    assert (found is not None and found.version == 3) == (steps == 0)
    await backend.forget(key)
    assert await backend.read(key) is None


async def test_a_put_beside_a_forget_leaves_nothing_in_any_order_of_their_requests(
    open_backend: OpenBackend, key: RecordKey, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = record(key, 1).taken_at + timedelta(seconds=5)
    backend = await open_backend(clock=lambda: now)
    waiting: dict[str, asyncio.Future[None]] = {}

    def in_turn(method: Any) -> Any:  # Any: of each
        async def waits(*arguments: Any) -> Any:
            task, turn = asyncio.current_task(), asyncio.get_running_loop().create_future()
            assert task is not None
            if task.get_name() in {"put", "forget"}:
                waiting[task.get_name()] = turn
                await turn
            return await method(*arguments)

        return waits

    for owner, name in ((Bucket, "put"), (Bucket, "delete"), (ObjectSnapshotBackend, "_listed")):
        monkeypatch.setattr(owner, name, in_turn(getattr(owner, name)))
    for number, order in enumerate(set(itertools.permutations(["put"] * 3 + ["forget"] * 3))):
        key = key._replace(aggregate_id=UUID(int=number))
        tasks = [
            asyncio.create_task(backend.put(key, record(key, 1)), name="put"),
            asyncio.create_task(backend.forget(key), name="forget"),
        ]
        for name in itertools.chain(order, itertools.cycle(["put", "forget"])):
            await _all_wait(tasks, waiting)
            if all(task.done() for task in tasks):
                break
            if name in waiting:
                waiting.pop(name).set_result(None)
        await asyncio.gather(*tasks)
        assert await backend.read(key) is None, order


async def _all_wait(tasks: list[asyncio.Task[Any]], turns: Collection[str]) -> None:
    """Until each has ended, or come to its next request."""
    while not all(task.done() or task.get_name() in turns for task in tasks):  # noqa: ASYNC110 # turns
        await asyncio.sleep(0)


async def test_of_puts_at_once_the_newest_stays(
    open_backend: OpenBackend, key: RecordKey, record: Record
) -> None:
    backend = await open_backend()
    other = key._replace(revision="r2")
    for _ in range(20):
        puts = itertools.product((key, other), range(1, 6))
        await asyncio.gather(*(backend.put(each, record(each, version)) for each, version in puts))
        found = [await backend.read(each) for each in (key, other)]
        assert [each.version for each in found if each is not None] == [5, 5]


async def test_what_others_keep_there_is_left_alone(
    open_backend: OpenBackend, key: RecordKey, record: Record
) -> None:
    backend = await open_backend()
    await backend._bucket.put("notes", b"others'")
    await backend.put(key, record(key, 1))
    path = f"shop/Order/{key.aggregate_id.hex}/r1/0000000000000000000"
    await backend._bucket.put(path, b"others'")
    await backend.put(key, record(key, 2))
    found = await backend.read(key)
    assert found is not None
    assert found.version == 2
    await backend.forget(key)
    assert await anext(backend._bucket.paths("")) == "notes"
    assert bytes(await backend._bucket.get(path) or b"") == b"others'"
