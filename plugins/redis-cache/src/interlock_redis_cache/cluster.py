"""Sends commands to a cluster by the driver's client."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode, PipelineCommand
from redis.exceptions import AskError, MovedError, SlotNotCoveredError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from interlock_redis_cache.address import Node
from interlock_redis_cache.config import RedisConfig
from interlock_redis_cache.connections import Reply, connection_options, retries, tls_options


class ClusterServers:
    """The `Servers` of a cluster."""

    def __init__(self, config: RedisConfig) -> None:
        options = connection_options(config)
        # A node that hangs costs this much, then the others are asked who has its slots.
        options["socket_timeout"] = config.timeout.total_seconds() / 2
        del options["db"]
        if config.address.tls:
            options |= {"ssl": True, **tls_options(config)}
        self._client = RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in config.address.nodes],
            max_connections=config.max_connections,
            require_full_coverage=False,
            retry=retries(1),
            **options,
        )

    async def execute(self, *command: bytes | str | int) -> Reply:
        return await self._client.execute_command(*command)

    async def get_many(self, keys: Sequence[str]) -> Sequence[Reply]:
        await self._client.initialize()
        asked = [PipelineCommand(number, "GET", key) for number, key in enumerate(keys)]
        shares: defaultdict[ClusterNode, list[PipelineCommand]] = defaultdict(list)
        for command in asked:
            try:
                node = self._client.get_node_from_key(command.args[1])
            except SlotNotCoveredError as error:
                command.result = error
            else:
                if node is not None:
                    shares[node].append(command)
        await asyncio.gather(*(_ask(node, share) for node, share in shares.items()))
        await self._ask_again([c for c in asked if isinstance(c.result, _ASK_AGAIN)])
        return [command.result for command in asked]

    async def _ask_again(self, commands: Sequence[PipelineCommand]) -> None:
        """Repeat commands one by one until one fails; the driver finds the keys' new servers."""
        for command in commands:
            try:
                command.result = await self.execute(*command.args)
            except Exception:  # noqa: BLE001 the first answer stays
                return

    async def primaries(self) -> Sequence[Node]:
        await self._client.initialize()
        asked = self._client.get_random_node()
        slots = await self._client.execute_command("CLUSTER SLOTS", target_nodes=asked)
        found = {slot["primary"] for slot in slots.values()}
        return sorted({(host or asked.host, int(port)) for host, port, *_ in found})

    async def drop_idle(self) -> None:
        for node in self._client.get_nodes():
            await node.disconnect_free_connections()

    async def close(self) -> None:
        await self._client.aclose()


async def _ask(node: ClusterNode, share: list[PipelineCommand]) -> None:
    # The driver's own pipeline over all nodes gives up the answers of all when one is dead.
    try:
        await node.execute_pipeline(share)
    except Exception as error:  # noqa: BLE001 it is the answer to the share
        for command in share:
            command.result = error


_ASK_AGAIN = (
    AskError,
    MovedError,
    TryAgainError,
    RedisConnectionError,
    RedisTimeoutError,
    SlotNotCoveredError,
)
