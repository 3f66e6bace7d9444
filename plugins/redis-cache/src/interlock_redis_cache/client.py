"""Sends commands with a timeout; the one file that translates the driver's errors."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NoReturn, TypeVar

from redis import exceptions as driver

from interlock.backends import (
    BackendUnavailableError,
    ConfigurationError,
    RecordUnusableError,
)
from interlock_redis_cache.address import Mode, Node
from interlock_redis_cache.config import RedisConfig
from interlock_redis_cache.connections import Reply
from interlock_redis_cache.scripts import Script
from interlock_redis_cache.servers import connect

T = TypeVar("T")

WRONG_TYPE = "WRONGTYPE"


class Client:
    """Sends commands to the servers. No more run at once than there may be connections."""

    def __init__(self, config: RedisConfig) -> None:
        self._servers = connect(config)
        self._timeout = config.timeout.total_seconds()
        self._most = config.max_connections
        self._slots = asyncio.Semaphore(self._most)
        self._description = _describe_servers(config)
        self._close_seconds = config.effective_connect_timeout.total_seconds()
        self._loop: asyncio.AbstractEventLoop | None = None  # that of the first call

    async def execute(self, *command: bytes | str | int) -> Reply:
        """Send a command and return its reply.

        Raises `RecordUnusableError` where something else than a string stands under the key,
        `BackendUnavailableError` for everything else.
        """
        return await self._within_timeout(lambda: self._servers.execute(*command))

    async def run(self, script: Script, key: str, *arguments: bytes | str | int) -> Reply:
        """Run a script; its text is sent to a server that doesn't know it yet."""
        return await self._within_timeout(lambda: self._run(script, key, arguments))

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Get the strings under the keys; None for a missing key or another type."""
        replies = await self._within_timeout(lambda: self._servers.get_many(keys))
        failed = [reply for reply in replies if isinstance(reply, Exception)]
        for error in failed:
            if not str(error).startswith(WRONG_TYPE) and len(failed) == len(replies):
                self._raise(error)
        return [None if isinstance(reply, Exception) else reply for reply in replies]

    async def primaries(self) -> Sequence[Node]:
        """List the servers that take writes at present."""
        return await self._within_timeout(self._servers.primaries)

    async def close(self) -> None:
        """Close all connections once the calls on them have ended, each within its timeout."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                for _ in range(self._most):
                    await self._slots.acquire()
        with suppress(driver.RedisError, OSError, TimeoutError):
            async with asyncio.timeout(self._close_seconds):
                await self._servers.close()

    def check_loop(self) -> None:
        """Raise `ConfigurationError` in another event loop than that of the first call."""
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise ConfigurationError(
                f"{self._description} was opened by another event loop; build another backend for "
                "this one"
            )

    async def _run(self, script: Script, key: str, arguments: Sequence[bytes | str | int]) -> Reply:
        try:
            return await self._servers.execute("EVALSHA", script.sha, 1, key, *arguments)
        except driver.NoScriptError:
            return await self._servers.execute("EVAL", script.text, 1, key, *arguments)

    async def _within_timeout(self, call: Callable[[], Awaitable[T]]) -> T:
        self.check_loop()
        # A call that ends within closes its connection, so no reply is left for the next one.
        try:
            async with asyncio.timeout(self._timeout):
                async with self._slots:
                    return await call()
        except TimeoutError as error:
            raise BackendUnavailableError(
                f"{self._description} gave no answer within {self._timeout:g} s"
            ) from error
        except driver.ResponseError as error:
            if isinstance(error, driver.ReadOnlyError):
                await self._servers.drop_idle()
            self._raise(error)
        except Exception as error:  # noqa: BLE001 not all that the driver raises is its own
            self._raise(error)

    def _raise(self, error: Exception) -> NoReturn:
        if str(error).startswith(WRONG_TYPE):
            raise RecordUnusableError("what stands under the key is no string") from error
        raise BackendUnavailableError(f"{self._description}: {_advice(error)}") from error


def _describe_servers(config: RedisConfig) -> str:
    address = config.address
    nodes = ",".join(f"{host}:{port}" for host, port in address.nodes)
    if address.mode is Mode.SENTINEL:
        return f"Redis ({address.service!r} of the sentinels {nodes})"
    return f"Redis ({'cluster ' if address.mode is Mode.CLUSTER else ''}{nodes})"


def _advice(error: Exception) -> str:
    if isinstance(error, driver.InvalidResponse):
        return f"what answers there isn't Redis; check host and port. It said {error}"
    said = f"{type(error).__name__}: {error}"
    advice = next((advice for kind, advice in _BY_KIND if isinstance(error, kind)), None)
    if advice is None:
        advice = next((advice for words, advice in _BY_WORDS if words in str(error)), None)
    return said if advice is None else f"{said}. {advice}"


_PERMISSIONS = "This backend's page says which permissions its user needs"
_BY_KIND = (
    (driver.ReadOnlyError, "The server is a replica: name the primary, or the sentinels"),
    (driver.AuthenticationError, "Check username and password"),
    (driver.AuthorizationError, "Check username and password"),
    (driver.NoPermissionError, _PERMISSIONS),
    (driver.MovedError, "The server is a node of a cluster: write redis+cluster:// in url"),
)
_BY_WORDS = (
    ("unknown command", "If the port is a sentinel's, write redis+sentinel:// in url"),
    ("executing the script can't", _PERMISSIONS),
)
