"""The shared suite, in a folder and on a server that speaks S3."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import obstore
import pytest

from interlock.application import backend
from interlock.backends import RecordKey
from interlock_conformance.cases import PackagingConformance, SnapshotConformance
from interlock_object_snapshots import names
from object_rig import OPTIONS, Server


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Server]]:
    started = list[Server]()

    def server() -> Server:
        if not started:
            started.append(Server(tmp_path_factory.mktemp("server"), doors=3))
        return started[0]

    yield server
    for each in started:
        each.kill()


@pytest.fixture(autouse=True, scope="class")
def _place(
    request: pytest.FixtureRequest,
    servers: Callable[[], Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    cls = request.cls
    if cls.on_server:
        cls.server = servers()
        url, endpoint = f"s3://snapshots/{uuid4().hex}", cls.server.endpoint
        cls.options = {"url": url, "endpoint": endpoint, "options": OPTIONS}
    else:
        cls.options = {"url": tmp_path_factory.mktemp("snapshots").as_uri()}


class _Somewhere:
    on_server = False
    options: dict[str, Any]

    def backend(self) -> object:
        return backend("object-snapshots", **self.options)

    async def tamper(self, store: Any, key: RecordKey, change: Callable[[bytes], bytes]) -> None:
        bucket = store._bucket
        async for path in bucket.paths(names.records_of(key)):
            blob = await bucket.get(path)
            assert blob is not None
            await obstore.put_async(bucket._store, path, change(bytes(blob)))

    async def advance(self, store: Any, seconds: float) -> datetime:
        now: datetime = store._clock() + timedelta(seconds=seconds)
        store._clock = lambda: now
        return now


class TestFolder(_Somewhere, SnapshotConformance):
    pass


class TestS3(_Somewhere, SnapshotConformance):
    on_server = True
    server: Server

    def backends(self) -> list[object]:
        endpoints = [door.endpoint for door in self.server.doors]
        return [backend("object-snapshots", **self.options | {"endpoint": e}) for e in endpoints]

    async def stop(self, place: int) -> None:
        await asyncio.to_thread(self.server.doors[place].kill)

    async def wake(self, place: int) -> None:
        await asyncio.to_thread(self.server.doors[place].start)

    replace = wake  # a door keeps nothing


class TestDistribution(_Somewhere, PackagingConformance):
    pass
