"""The channel of changes: a subscription at every server that takes writes (ADR 0005)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from interlock.backends import BackendUnavailableError, LogLines
from interlock_redis_cache.address import Node
from interlock_redis_cache.config import RedisConfig
from interlock_redis_cache.subscription import Subscription

_log = LogLines("interlock_redis_cache")


def channel_name(config: RedisConfig) -> bytes:
    """Name the channel of a database: a server's channels are shared by its databases."""
    return b"interlock:changes:%d" % config.address.db


def message_of(origin: bytes, key: str) -> bytes:
    """Write the message that the entry of a key was changed."""
    return origin + b" " + key.encode()


class Changes:
    """Reports other processes' changes, as `ChangeNotifier.watch` says."""

    def __init__(
        self,
        config: RedisConfig,
        primaries: Callable[[], Awaitable[Sequence[Node]]],
        origin: bytes,
        *,
        changed: Callable[[str], None],
        reset: Callable[[], None],
    ) -> None:
        self.changed = changed
        self._config = config
        self._primaries = primaries
        self._own = origin + b" "
        self._reset = reset
        self._look = asyncio.Event()  # set when a subscription fails: its server may have moved
        self._subscriptions: dict[Node, asyncio.Task[None]] = {}
        self._follow_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Subscribe; a subscription that fails is tried again until `close`."""
        attempts = []
        with suppress(BackendUnavailableError):
            attempts = self._follow(await self._primaries(), is_first=True)
        for attempted in attempts:
            await attempted.wait()
        self._follow_task = asyncio.create_task(self._follow_forever())

    async def close(self) -> None:
        """Unsubscribe."""
        tasks = list(self._subscriptions.values())
        if self._follow_task is not None:
            tasks.append(self._follow_task)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._subscriptions.clear()

    async def _follow_forever(self) -> None:
        """Follow the servers that take writes, also after a failover."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._config.heartbeat.total_seconds()):
                    await self._look.wait()
            self._look.clear()
            try:
                self._follow(await self._primaries(), is_first=False)
            except BackendUnavailableError as error:
                message = f"the servers that take writes aren't known: {error}"
                _log.debug("redis.primaries_unknown", message, store="cache")

    def _follow(self, nodes: Sequence[Node], *, is_first: bool) -> list[asyncio.Event]:
        for node in self._subscriptions.keys() - set(nodes):
            self._subscriptions.pop(node).cancel()
            self._reset()
        attempts = []
        for node in nodes:
            if node not in self._subscriptions:
                subscription = Subscription(
                    self._config,
                    node,
                    channel_name(self._config),
                    on_message=self._on_message,
                    on_failure=self._look.set,
                    reset=self._reset,
                )
                task = asyncio.create_task(subscription.run(is_first=is_first))
                self._subscriptions[node] = task
                attempts.append(subscription.attempted)
        return attempts

    def _on_message(self, message: bytes) -> None:
        if not message.startswith(self._own):
            self.changed(message.partition(b" ")[2].decode("ascii", "replace"))
