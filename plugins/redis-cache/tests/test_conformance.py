from collections.abc import Callable, Iterator

import pytest

from interlock.application import backend
from interlock.backends import RecordKey
from interlock_conformance.cases import CacheConformance, PackagingConformance
from redis_rig import REDIS, VALKEY, Server


@pytest.fixture(autouse=True, scope="class")
def _server(request: pytest.FixtureRequest) -> Iterator[None]:
    request.cls.server = Server(binary=request.cls.binary)
    yield
    request.cls.server.end()


class TestRedis(CacheConformance):
    binary = REDIS
    server: Server

    def backend(self) -> object:
        return backend("redis-cache", url=self.server.url)

    async def tamper(self, _: object, key: RecordKey, change: Callable[[bytes], bytes]) -> None:
        self.server.plant(key, change(self.server.value(key)))


class TestValkey(TestRedis):
    binary = VALKEY


class TestDistribution(PackagingConformance):
    binary = REDIS
    server: Server
    backend = TestRedis.backend
