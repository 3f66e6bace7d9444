"""The running application: opens, dispatches, loads, closes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from interlock.aggregate import Aggregate, Command, running_types
from interlock.calls import bounded
from interlock.declarations import Handler
from interlock.errors import (
    BackendUnavailableError,
    ConfigurationError,
    InterlockError,
    UnknownCommandError,
    VersionNotFoundError,
)
from interlock.fold import RecordedEvent, decoded
from interlock.loaded import Registration
from interlock.loading import Loader
from interlock.policies import Freshness
from interlock.ports import Closeable, EventStore
from interlock.reports import Reporting, logger
from interlock.saving import Metadata, Saver, encode_metadata
from interlock.turns import refuse_reentry

A = TypeVar("A", bound=Aggregate)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Part:
    """What serves one registered aggregate."""

    registration: Registration
    loader: Loader
    saver: Saver


class Application:
    """Dispatches commands and loads aggregates; made by `ApplicationBuilder.build()`.

    `async with` opens the backends, on the event loop that the application belongs to from then on,
    and closes them.
    """

    def __init__(
        self,
        *,
        events: EventStore,
        parts: Mapping[type[Aggregate], Part],
        handlers: Mapping[type[Command[Any]], tuple[Part, Handler]],
        backends: Sequence[object],
        reporting: Reporting,
        close_timeout: timedelta,
    ) -> None:
        self._events = events
        self._parts = parts
        self._handlers = handlers
        self._backends = backends
        self._reporting = reporting
        self._close_timeout = close_timeout
        self._types = {part.registration.tables.name: cls for cls, part in parts.items()}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened: list[Closeable] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Open the backends; if one fails, the others are closed and its error is raised."""
        if self._loop is not None:
            raise ConfigurationError("the application is running already")
        try:
            for backend in self._backends:
                if hasattr(backend, "open") and hasattr(backend, "close"):
                    await _open(cast("Closeable", backend))
                    self._opened.append(cast("Closeable", backend))
        except BaseException:
            await self._close_backends()
            raise
        self._loop = asyncio.get_running_loop()
        running_types.append(self._types)

    async def close(self) -> None:
        """Wait for what is under way, within `close_timeout`, and close the backends."""
        if self._loop is None:
            return
        self._loop = None
        running_types.remove(self._types)
        try:
            async with asyncio.timeout(self._close_timeout.total_seconds()):
                for part in self._parts.values():
                    await part.saver.drain()
                    await part.loader.flights.drain()
        except TimeoutError:
            logger.warning("closing: what was under way took more than %s", self._close_timeout)
        finally:
            await self._close_backends()

    async def dispatch(self, command: Command[R], *, metadata: Metadata | None = None) -> R:
        """Handle a command; the handler's answer, once what it emitted is stored.

        `metadata` is kept with each event, beside the command's id. Raises the handler's own
        exception as it is, `UnknownCommandError`, `ReentrantCommandError`, `ConcurrencyError`,
        `AppendOutcomeUnknownError`, `BackendUnavailableError`. After all but
        `AppendOutcomeUnknownError` nothing of the command is in the stream.
        """
        self._check_running()
        refuse_reentry(type(command).__name__)
        found = self._handlers.get(type(command))
        if found is None:
            raise UnknownCommandError(
                f"no registered aggregate handles {type(command).__name__}; these commands are "
                "handled: "
                f"{', '.join(sorted(cls.__name__ for cls in self._handlers)) or 'none'}"
            )
        part, handler = found
        encoded = encode_metadata(command, metadata)
        return cast("R", await part.saver.handle(command, handler, encoded))

    async def load(
        self,
        aggregate_type: type[A],
        aggregate_id: UUID,
        *,
        version: int | None = None,
        freshness: Freshness | None = None,
    ) -> A:
        """The aggregate, an object of the caller's own; without events it is empty, of version 0.

        `version` asks for the state that the stream had then, and bypasses the cache; `freshness`
        replaces the registered one. Raises `VersionNotFoundError` beyond the head,
        `StreamTruncatedError`, `UnknownEventError`, `EventApplyError`, `BackendUnavailableError`.
        """
        part = self._part(aggregate_type, aggregate_id)
        if version is not None and version < 0:
            raise VersionNotFoundError(f"version {version} was asked for; versions count from 0")
        if freshness is not None and not isinstance(freshness, Freshness):
            raise TypeError(
                f"freshness is {freshness!r}; wanted Trust(), MaxAge(...), FastForward() or "
                "Replay()"
            )
        return cast("A", await part.loader.load(aggregate_id, version=version, freshness=freshness))

    async def exists(self, aggregate_type: type[Aggregate], aggregate_id: UUID) -> bool:
        """Whether the stream has an event; asks the event store."""
        part = self._part(aggregate_type, aggregate_id)
        head = self._events.head(part.registration.tables.name, aggregate_id)
        return await bounded("the event store's head", self._events.timeout, head) is not None

    async def events(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        first: int = 1,
        last: int | None = None,
    ) -> AsyncIterator[RecordedEvent]:
        """The events with `first <= version <= last`, ascending, decoded and upcast.

        Raises `UnknownEventError` and `EventApplyError` at an event that doesn't decode.
        """
        tables = self._part(aggregate_type, aggregate_id).registration.tables
        timeout = self._events.timeout
        chunks = self._events.read(tables.name, aggregate_id, first=max(first, 1), last=last)
        while (
            rows := await bounded("the event store's read", timeout, anext(chunks, None))
        ) is not None:
            for row in rows:
                yield decoded(tables, row)

    def counters(self) -> dict[str, int]:
        """What was counted since the start: misses by reason, conflicts, lost replies, failures."""
        return self._reporting.counters()

    def _part(self, aggregate_type: type[Aggregate], aggregate_id: UUID) -> Part:
        self._check_running()
        part = self._parts.get(aggregate_type)
        if part is None:
            raise ConfigurationError(
                f"{aggregate_type.__name__} isn't registered; these are: "
                f"{', '.join(self._types) or 'none'}"
            )
        if not isinstance(aggregate_id, UUID):
            raise TypeError(f"aggregate_id is {aggregate_id!r}; wanted a UUID")
        return part

    def _check_running(self) -> None:
        if self._loop is not asyncio.get_running_loop():
            if self._loop is None:
                raise ConfigurationError(
                    "the application isn't running; use it inside `async with app:`"
                )
            raise ConfigurationError(
                "the application belongs to the event loop that started it; build another for this "
                "loop"
            )

    async def _close_backends(self) -> None:
        while self._opened:
            backend = self._opened.pop()
            try:
                await backend.close()
            except Exception as error:  # noqa: BLE001 the others are closed all the same
                self._reporting.failed("close.failed", error)


async def _open(backend: Closeable) -> None:
    try:
        await backend.open()
    except InterlockError:
        raise
    except Exception as error:
        raise BackendUnavailableError(
            f"{type(backend).__name__} could not be opened: {error!r}"
        ) from error
