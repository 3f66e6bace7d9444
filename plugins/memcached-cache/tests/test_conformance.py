from collections.abc import Callable, Iterator

import pytest

from interlock.application import backend
from interlock.backends import RecordKey
from interlock_conformance.cases import CacheConformance, PackagingConformance
from memcached_rig import Server


@pytest.fixture(autouse=True, scope="class")
def _server(request: pytest.FixtureRequest) -> Iterator[None]:
    request.cls.server = Server("-I", "4m")  # a check puts 1 MiB, above the server's default
    yield
    request.cls.server.kill()


class TestMemcached(CacheConformance):
    server: Server

    def backend(self) -> object:
        return backend("memcached-cache", servers=[self.server.name])

    async def tamper(self, _: object, key: RecordKey, change: Callable[[bytes], bytes]) -> None:
        self.server.plant(key, change(self.server.value(key)))


class TestDistribution(PackagingConformance):
    server: Server
    backend = TestMemcached.backend
