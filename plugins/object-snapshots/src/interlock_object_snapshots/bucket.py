"""The object storage: few operations, whose errors say what to do."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, from_url

from interlock.backends import BackendUnavailableError, ConfigurationError
from interlock_object_snapshots.config import ObjectSnapshotsConfig

if TYPE_CHECKING:
    from obstore.store import ClientConfig

T = TypeVar("T")
U = TypeVar("U")

_RETRIES = 2
_PAGE = 1_000  # names
_CHUNK = 128 * 1024  # bytes
_ENDPOINT_OPTION = {"s3": "endpoint", "gs": "base_url", "az": "endpoint"}
_process = os.getpid()
"""The process whose threads make the requests."""


class Bucket:
    """The objects at a URL."""

    def __init__(self, config: ObjectSnapshotsConfig) -> None:
        self._config = config
        self._store: ObjectStore | None = None
        self._limit = asyncio.Semaphore(config.concurrency)

    async def open(self) -> None:
        """Connect, and list what is there.

        Raises `ConfigurationError` in a process that was forked since this module was imported:
        the driver's threads are left behind by a fork.
        """
        if os.getpid() != _process:
            raise ConfigurationError(
                "object-snapshots can't be used in a process that was forked after it was loaded; "
                "start processes by spawn, or build the application in the new process"
            )
        self._limit = asyncio.Semaphore(self._config.concurrency)
        self._store = self._made()
        try:
            async with self.in_time():
                async for _ in self.paths(""):
                    break
        except BaseException:
            self._store = None
            raise

    async def close(self) -> None:
        """Disconnect."""
        self._store = None

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Bound what is done within; raises `BackendUnavailableError`."""
        try:
            async with asyncio.timeout(self._config.timeout.total_seconds()):
                yield
        except TimeoutError as error:
            raise BackendUnavailableError(
                f"{self._config.url} gave no answer within {self._config.timeout}; see that it can "
                "be reached, or raise timeout"
            ) from error

    async def paths(self, folder: str, *, offset: str | None = None) -> AsyncIterator[str]:
        """List the paths below the folder behind the offset, in order."""
        store = self._opened()
        with self._translated():
            if isinstance(store, LocalStore):  # which lists in no order
                found = await obstore.list(store, folder, offset=offset).collect_async()
                for path in sorted(each["path"] for each in found):
                    yield path
                return
            async for page in obstore.list(store, folder, offset=offset, chunk_size=_PAGE):
                for each in page:
                    yield each["path"]

    async def get(self, path: str) -> bytearray | None:
        """Read an object; None if there is none."""
        with self._translated():
            try:
                answer = await obstore.get_async(self._opened(), path)
                whole = bytearray(answer.meta["size"])  # so that a large one stands here once
                end = 0
                async for chunk in answer.stream(min_chunk_size=_CHUNK):
                    whole[end : end + len(chunk)] = chunk
                    end += len(chunk)
            except FileNotFoundError:
                return None
        return whole[:end] if end < len(whole) else whole

    async def put(self, path: str, blob: bytes) -> None:
        """Write an object."""
        with self._translated():
            await obstore.put_async(self._opened(), path, blob)

    async def delete(self, path: str) -> None:
        """Remove an object, if there is one."""
        with self._translated(), suppress(FileNotFoundError):
            await obstore.delete_async(self._opened(), path)

    async def each(self, call: Callable[[T], Awaitable[U]], values: Iterable[T]) -> list[U]:
        """Make a call for each value, not too many at once; their results, in order."""

        async def bounded(value: T) -> U:
            async with self._limit:
                return await call(value)

        answers = await asyncio.gather(*map(bounded, values), return_exceptions=True)
        results = list[U]()
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
            results.append(answer)
        return results

    def _opened(self) -> ObjectStore:
        if self._store is None:
            raise BackendUnavailableError(f"{self._config.url} isn't open; call open() first")
        return self._store

    def _made(self) -> ObjectStore:
        config = self._config
        parts = urlsplit(config.url)
        if parts.scheme == "file":
            with self._translated():
                return LocalStore(unquote(parts.path), mkdir=True)
        options = {name: value.get_secret_value() for name, value in config.options.items()}
        client: ClientConfig = {"timeout": config.timeout, "connect_timeout": config.timeout}
        if config.endpoint is not None:
            options[_ENDPOINT_OPTION[parts.scheme]] = config.endpoint
            client["allow_http"] = config.endpoint.startswith("http:")
        try:
            store: ObjectStore = from_url(  # type: ignore[call-overload] # of three providers
                config.url,
                config=options,
                client_options=client,
                retry_config={"max_retries": _RETRIES, "retry_timeout": config.timeout},
            )
        except (BaseError, ValueError) as error:
            raise ConfigurationError(f"the options of {config.url} don't do: {error}") from error
        return store

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise BackendUnavailableError(
                f"{self._config.url} refused us: {_short(error)}; see that the credentials may "
                "list, read, write and delete there"
            ) from error
        except (BaseError, OSError, ValueError) as error:
            raise BackendUnavailableError(
                f"{self._config.url} can't do it: {_short(error)}; see that url, endpoint and "
                "options are right, that the bucket exists, and that it can be reached"
            ) from error


def _short(error: Exception) -> str:
    """What the driver says, without its own debugging form; a server's XML by code and message."""
    text, _, xml = str(error).partition("\n\nDebug source")[0].partition("<?xml")
    told = re.search(r"<Code>([^<]*)</Code>\s*<Message>([^<]*)</Message>", xml)
    return f"{text.strip()} {told[1]}: {told[2]}" if told else text.strip()
