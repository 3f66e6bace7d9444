"""Servers in sets of several, and behind a tier in the process, in the shared suite."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from interlock.application import backend
from interlock.application.aggregates import (
    InMemoryAggregateCacheBackend,
    TieredAggregateCacheBackend,
)
from interlock.backends import RecordKey
from interlock_conformance.cases import CacheConformance
from interlock_redis_cache.backend import RedisAggregateCacheBackend
from interlock_redis_cache.config import RedisConfig
from redis_rig import REDIS, VALKEY, Server
from redis_sets import Cluster, SentinelSet


@pytest.fixture(autouse=True, scope="class")
def _servers(request: pytest.FixtureRequest) -> Iterator[None]:
    servers = request.cls.make_servers(binary=request.cls.binary)
    request.cls.servers = servers
    yield
    servers.end()


class TestCluster(CacheConformance):
    binary = REDIS
    make_servers = Cluster
    servers: Cluster

    def backend(self) -> object:
        return backend("redis-cache", url=self.servers.url)

    async def tamper(self, _: object, key: RecordKey, change: Callable[[bytes], bytes]) -> None:
        node = self.servers.owner(key.text())
        node.plant(key, change(node.value(key)))


class TestValkeyCluster(TestCluster):
    binary = VALKEY


class TestSentinel(CacheConformance):
    binary = REDIS
    make_servers = SentinelSet
    servers: SentinelSet

    def backend(self) -> object:
        return backend("redis-cache", url=self.servers.url)

    async def tamper(self, _: object, key: RecordKey, change: Callable[[bytes], bytes]) -> None:
        primary = self.servers.primary
        primary.plant(key, change(primary.value(key)))


class TestValkeySentinel(TestSentinel):
    binary = VALKEY


class _Tiers(TieredAggregateCacheBackend):
    """Opens what it is made of, as an application would, and tells where it is."""

    async def open(self) -> None:
        for tier in self.tiers:
            await tier.open()
        await super().open()

    async def close(self) -> None:
        await super().close()
        for tier in reversed(self.tiers):
            await tier.close()

    async def server_version(self) -> str:
        shared = self.tiers[1]
        assert isinstance(shared, RedisAggregateCacheBackend)
        return await shared.server_version()


class TestTieredOnRedis(CacheConformance):
    binary = REDIS
    make_servers = Server
    servers: Server

    def backend(self) -> object:
        config = RedisConfig(url=self.servers.url, timeout=timedelta(seconds=10))
        shared = RedisAggregateCacheBackend(config)
        return _Tiers(InMemoryAggregateCacheBackend(), shared)

    async def tamper(self, tiers: _Tiers, key: RecordKey, change: Callable[[bytes], bytes]) -> None:
        self.servers.plant(key, change(self.servers.value(key)))
        tiers.tiers[0].discard(key)
