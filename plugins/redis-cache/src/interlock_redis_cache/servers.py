"""The driver's clients for the three ways in which servers are found."""

from collections.abc import Sequence
from typing import Protocol

from redis.asyncio import Connection, ConnectionPool, Redis, Sentinel, SSLConnection

from interlock_redis_cache.address import Mode, Node
from interlock_redis_cache.cluster import ClusterServers
from interlock_redis_cache.config import RedisConfig
from interlock_redis_cache.connections import Reply, connection_options, retries, tls_options


class Servers(Protocol):
    """The servers that hold the entries."""

    async def execute(self, *command: bytes | str | int) -> Reply:
        """Send a command to the server that has its key, and return the reply."""
        ...

    async def get_many(self, keys: Sequence[str]) -> Sequence[Reply]:
        """Get the keys' values or errors, in order; one round trip for each server."""
        ...

    async def primaries(self) -> Sequence[Node]:
        """List the servers that take writes at present."""
        ...

    async def drop_idle(self) -> None:
        """Close idle connections, which may lead to a former primary."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


def connect(config: RedisConfig) -> Servers:
    """Make the servers' client; nothing is sent before the first command."""
    match config.address.mode:
        case Mode.SINGLE:
            return _Single(config)
        case Mode.SENTINEL:
            return _Sentinel(config)
        case Mode.CLUSTER:
            return ClusterServers(config)


class _Pooled:
    """One server at a time, behind a pool."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def execute(self, *command: bytes | str | int) -> Reply:
        return await self._client.execute_command(*command)  # type: ignore[no-untyped-call] # the driver's

    async def get_many(self, keys: Sequence[str]) -> Sequence[Reply]:
        replies: Sequence[Reply] = await self.execute("MGET", *keys)
        return replies

    async def drop_idle(self) -> None:
        await self._client.connection_pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        await self._client.aclose()


class _Single(_Pooled):
    def __init__(self, config: RedisConfig) -> None:
        self._node = config.address.nodes[0]
        pool = ConnectionPool(
            connection_class=SSLConnection if config.address.tls else Connection,
            host=self._node[0],
            port=self._node[1],
            max_connections=config.max_connections,
            retry=retries(1),
            **connection_options(config),
            **tls_options(config),
        )
        super().__init__(Redis.from_pool(pool))

    async def primaries(self) -> Sequence[Node]:
        return [self._node]


class _Sentinels(Sentinel):
    """Keeps all sentinels: the driver reorders its list, and concurrent calls lose some of it."""

    async def discover_master(self, service_name: str) -> Node:
        known = list(self.sentinels)
        try:
            found: Node = await super().discover_master(service_name)
            return found
        finally:
            lost = [sentinel for sentinel in known if sentinel not in self.sentinels]
            if lost:
                self.sentinels[:] = [*dict.fromkeys(self.sentinels), *lost]


class _Sentinel(_Pooled):
    def __init__(self, config: RedisConfig) -> None:
        password = config.sentinel_password
        connect_timeout = config.effective_connect_timeout.total_seconds()
        tls = {"ssl": True, **tls_options(config)} if config.address.tls else {}
        self._service = config.address.service
        self._sentinel = _Sentinels(  # type: ignore[no-untyped-call] # the driver's
            config.address.nodes,
            sentinel_kwargs={
                "username": config.sentinel_username,
                "password": None if password is None else password.get_secret_value(),
                # A sentinel that hangs costs this much, then the next one is asked.
                "socket_timeout": connect_timeout / 2,
                "socket_connect_timeout": connect_timeout / 2,
                "protocol": 2,
                "retry": retries(0),
                **tls,
            },
        )
        client = self._sentinel.master_for(
            self._service,
            max_connections=config.max_connections,
            retry=retries(1),
            **connection_options(config),
            **tls,
        )
        super().__init__(client)

    async def primaries(self) -> Sequence[Node]:
        return [await self._sentinel.discover_master(self._service)]

    async def close(self) -> None:
        await super().close()
        for sentinel in self._sentinel.sentinels:
            await sentinel.aclose()
