from collections.abc import Callable

import pytest

from interlock.application import backend
from interlock.backends import RecordKey
from interlock_conformance.cases import CacheConformance, PackagingConformance
from redis_rig import Server


@pytest.fixture(autouse=True, scope="class")
def _server(request: pytest.FixtureRequest, server: Server) -> None:
    request.cls.server = server


class TestRedis(CacheConformance):
    server: Server

    def backend(self) -> object:
        return backend("redis-cache", url=self.server.url)

    async def tamper(self, _: object, key: RecordKey, change: Callable[[bytes], bytes]) -> None:
        self.server.plant(key, change(self.server.value(key)))


class TestDistribution(PackagingConformance):
    server: Server
    backend = TestRedis.backend
