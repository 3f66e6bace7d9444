"""Calls one server in threads, translates the driver's errors, and avoids a failed server.

A server has threads of its own, so that one that hangs holds up nobody else's keys.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pymemcache.exceptions import (  # type: ignore[import-untyped] # the driver has no types
    MemcacheClientError,
    MemcacheError,
    MemcacheServerError,
    MemcacheUnexpectedCloseError,
)

from interlock.backends import BackendUnavailableError, InterlockError, Limit, LogLines, OutageLines
from interlock_memcached_cache.connection import Connection

T = TypeVar("T")
_log = LogLines("interlock_memcached_cache")

_CLOSED = (
    MemcacheUnexpectedCloseError,
    ConnectionError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


class Node:
    """One server. `clock` counts seconds, from any moment on."""

    def __init__(
        self,
        name: str,
        connect: Callable[[], Connection],
        *,
        pool_size: int,
        retry_interval: float,
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self.clock = clock
        self._connect = connect
        self._pool_size = pool_size
        self._retry_interval = retry_interval
        self._failure: str | None = None
        self._outage = OutageLines(self._log)
        self._retry_at = 0.0
        self._threads: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._connections: list[Connection] = []

    def open(self) -> None:
        """Get ready for calls; connections are made when they are needed."""
        self._threads = ThreadPoolExecutor(self._pool_size, f"memcached {self.name}")
        self._local = threading.local()
        self._failure = None

    async def close(self) -> None:
        """Disconnect once running calls have ended."""
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(self._finish, threads)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run work in one of the server's threads and return its result.

        Raises `BackendUnavailableError`; at once while the server is left alone. The work is run
        once more if a connection that was used before turns out to be closed. What else the work
        raises is raised, and isn't counted against the server. Whoever is cancelled abandons it:
        the thread reads its replies to the end.
        """
        if self._threads is None:
            raise BackendUnavailableError(f"memcached at {self.name} isn't open; call open() first")
        if self._failure is not None:
            now = self.clock()
            if now < self._retry_at:
                raise BackendUnavailableError(self._failure)
            self._retry_at = now + self._retry_interval  # others wait for how this call fares
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._attempt, work)

    def _attempt(self, work: Callable[[Connection], T]) -> T:
        connection = self._connection()
        was_open = connection.is_open
        try:
            result = work(connection)
        except InterlockError:
            raise
        except Exception as error:
            if connection.is_open and not isinstance(error, MemcacheError):
                # The driver closes whatever it fails on: this was found in an answer, which says
                # nothing about the server.
                raise
            connection.close()
            if was_open and isinstance(error, _CLOSED):
                return self._attempt(work)
            raise self._note_failure(error) from error
        if self._failure is not None:
            self._failure = None
            self._outage.ended("memcached.answers", f"memcached at {self.name} answers again")
        return result

    def _note_failure(self, error: Exception) -> BackendUnavailableError:
        message = f"memcached at {self.name} {_describe(error)}"
        if _is_about_the_server(error):
            tell = self._outage.began if self._failure is None else self._outage.goes_on
            tell("memcached.down", message)
            self._retry_at = self.clock() + self._retry_interval
            self._failure = message
        return BackendUnavailableError(message)

    def _log(self, event: str, message: str, limit: Limit) -> bool:
        return _log.warning(event, message, store="cache", kind=self.name, limit=limit)

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    def _finish(self, threads: ThreadPoolExecutor) -> None:
        threads.shutdown()
        while self._connections:
            self._connections.pop().close()


def _is_about_the_server(error: Exception) -> bool:
    """Whether any other call would probably fail as well."""
    if isinstance(error, MemcacheUnexpectedCloseError) or _is_about_the_password(error):
        return True
    return not isinstance(error, MemcacheServerError | MemcacheClientError)


def _is_about_the_password(error: Exception) -> bool:
    return isinstance(error, MemcacheClientError) and "authentica" in str(error)


def _describe(error: Exception) -> str:
    """Say what an error means, and what to do."""
    for is_it, description in _DESCRIPTIONS:
        if is_it(error):
            return description.format(error)
    return f"doesn't answer as memcached does: {error!r}; see that the port in servers is right"


def _is(*kinds: type[Exception]) -> Callable[[Exception], bool]:
    return lambda error: isinstance(error, kinds)


# The first that fits, so the special before the general.
_DESCRIPTIONS = (
    (
        _is_about_the_password,
        "refused us: {!s}; set username and password as its authentication file (-Y) has them",
    ),
    (
        _is(TimeoutError),
        "gave no answer in time; see that it runs and isn't overloaded, or raise timeout",
    ),
    (
        _is(ssl.SSLError),
        "can't be talked to over TLS: {!s}; see that it has TLS (-Z), and tls.ca_file",
    ),
    (_is(ConnectionRefusedError), "can't be reached: {!s}; see that it runs and servers is right"),
    (
        _is(*_CLOSED),
        "hangs up: {!r}; see whether it wants tls or is no memcached; SASL isn't supported",
    ),
    (_is(OSError), "can't be reached: {!s}; see that it runs and servers is right"),
    (_is(MemcacheServerError, MemcacheClientError), "couldn't do it: {!s}"),
)
