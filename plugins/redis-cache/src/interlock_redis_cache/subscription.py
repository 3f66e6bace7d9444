"""Subscribes to a channel at one server, again whenever the connection breaks."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

from redis.asyncio import Connection
from redis.exceptions import RedisError

from interlock.backends import LogLines
from interlock_redis_cache.address import Node
from interlock_redis_cache.config import RedisConfig
from interlock_redis_cache.connections import channel_connection

_log = LogLines("interlock_redis_cache")

_FIRST_PAUSE = 0.05  # seconds
_LAST_PAUSE = 2.0


class Subscription:
    """Receives a channel's messages over its own connection; a silent server counts as broken."""

    def __init__(
        self,
        config: RedisConfig,
        node: Node,
        channel: bytes,
        *,
        on_message: Callable[[bytes], None],
        on_failure: Callable[[], None],
        reset: Callable[[], None],
    ) -> None:
        self.attempted = asyncio.Event()
        self._config = config
        self._node = node
        self._channel = channel
        self._on_message = on_message
        self._on_failure = on_failure
        self._reset = reset
        self._timeout = config.timeout.total_seconds()
        self._replied = asyncio.Event()

    async def run(self, *, is_first: bool) -> None:
        """Receive messages until cancelled. Only the very first attempt doesn't call `reset`."""
        pause = _FIRST_PAUSE
        while True:
            connection = channel_connection(self._config, self._node)
            was_open = False
            try:
                await self._subscribe(connection)
                was_open, pause = True, _FIRST_PAUSE
                if not is_first or self.attempted.is_set():
                    self._reset()
                self.attempted.set()
                await self._listen(connection)
            except* (RedisError, OSError) as group:  # TimeoutError is an OSError
                host, port = self._node
                message = f"the channel of changes at {host}:{port}: {group.exceptions!r}"
                _log.info("redis.channel_lost", message, store="cache", kind=self._node)
            finally:
                self.attempted.set()
                await _disconnect(connection)
            if was_open:
                self._reset()
            self._on_failure()
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 # no secret
            pause = min(2 * pause, _LAST_PAUSE)

    async def _subscribe(self, connection: Connection) -> None:
        async with asyncio.timeout(self._timeout):
            await connection.connect()  # type: ignore[no-untyped-call] # the driver's
            await connection.send_command("SUBSCRIBE", self._channel)
            await connection.read_response()

    async def _listen(self, connection: Connection) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._receive(connection))
            tasks.create_task(self._check(connection))

    async def _receive(self, connection: Connection) -> None:
        while True:
            kind, *rest = await connection.read_response()
            self._replied.set()
            if kind == b"message":
                self._on_message(rest[-1])

    async def _check(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self._config.heartbeat.total_seconds())
            self._replied.clear()
            async with asyncio.timeout(self._timeout):
                await connection.send_command("PING", check_health=False)
                await self._replied.wait()


async def _disconnect(connection: Connection) -> None:
    with suppress(RedisError, OSError):
        await connection.disconnect(nowait=True)
