"""The running application: opens, dispatches, loads, closes."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar, cast, overload
from uuid import UUID

from pydantic import BaseModel

from interlock._app.arguments import check_freshness, check_version, other_events, plain_command
from interlock._app.breakers import Breakers
from interlock._app.health import Health, health_of
from interlock._app.opening import OpenBackends
from interlock._app.tools import Tools
from interlock._engine.command_handling import Metadata, encode_metadata
from interlock._engine.command_queue import handlers_running, refuse_reentry
from interlock._engine.fold import RecordedEvent, decoded, following
from interlock._engine.registration import Registration
from interlock._engine.reporting import Reporting
from interlock._engine.services import TypeServices
from interlock._model.aggregate import Aggregate, running_types
from interlock._model.command import Command
from interlock._model.routes import Handler
from interlock._model.strategies import FRESHNESSES, Freshness
from interlock._values.ids import plain_id
from interlock.errors import (
    UnknownCommandError,
)

A = TypeVar("A", bound=Aggregate)
E = TypeVar("E", bound=BaseModel)
R = TypeVar("R")

_FAREWELL_SECONDS = 1.0


def registrations_of(application: "Application") -> list[Registration]:
    """The registered aggregates with every option resolved, for commands."""
    services = application._services.values()  # noqa: SLF001 of here
    return [each.context.registration for each in services]


def services_of(application: "Application", aggregate_type: type[Aggregate]) -> TypeServices:
    """What serves a registered aggregate of a running application, for tests."""
    return application._registered(aggregate_type)  # noqa: SLF001 of here


class Application(Tools):
    """Dispatches commands and loads aggregates; made by `ApplicationBuilder.build()`.

    `async with` opens the backends, and closes them. In between the application belongs to the
    event loop and the process that started it; closed, it may be started anew, in whatever loop.
    """

    def __init__(
        self,
        *,
        services: Mapping[type[Aggregate], TypeServices],
        handlers: Mapping[type[Command[Any]], tuple[TypeServices, Handler]],
        backends: Sequence[tuple[object, bool]],
        breakers: Breakers,
        reporting: Reporting,
        close_timeout: timedelta,
    ) -> None:
        super().__init__(services)
        self._handlers = handlers
        self._backends = OpenBackends(backends, reporting)
        self._breakers = breakers
        self._reporting = reporting
        self._close_timeout = close_timeout

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
        """Open the backends; if one fails, the others are closed and its error is raised.

        A cache that isn't `required` and is unavailable only counts as failed: it is asked as
        usual, and is expected to connect when it can. Raises `ConfigurationError` unless it is
        stopped.
        """
        with self._life.beginning():
            try:
                await self._backends.open()
            except BaseException:
                await self._backends.close(self._deadline())
                raise
            for each in self._services.values():
                each.start()
            self._breakers.start()
            running_types.append(self._types)

    async def close(self) -> None:
        """Wait for what is under way, and close the backends, all within `close_timeout`.

        The last quarter of it, a second at most, is the backends'; one that takes longer is
        given up. Raises `ConfigurationError` in another loop or process than the one that started
        the application, and while it is being started.
        """
        with self._life.ending() as is_open:
            if not is_open:
                return
            running_types.remove(self._types)
            deadline, seconds = self._deadline(), self._close_timeout.total_seconds()
            until = deadline - min(_FAREWELL_SECONDS, seconds / 4)
            try:
                async with asyncio.timeout_at(until):
                    for each in self._services.values():
                        await each.drain()
            except TimeoutError:
                self._reporting.warn(
                    "close.late", f"what was under way took more than {self._close_timeout}"
                )
            finally:
                for each in self._services.values():
                    each.give_up()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        await self._breakers.settle()
                self._breakers.end()
                await self._backends.close(deadline)

    async def dispatch(self, command: Command[R], *, metadata: Metadata | None = None) -> R:
        """Handle a command; the handler's answer, once what it emitted is stored.

        `metadata` is kept with each event, beside the command's id. Raises the handler's own
        exception as it is, `UnknownCommandError`, `ReentrantCommandError`, `ConcurrencyError`,
        `AppendOutcomeUnknownError`, `BackendUnavailableError`. After all but
        `AppendOutcomeUnknownError` nothing of the command is in the stream.
        """
        self._life.check()
        if handlers_running():
            refuse_reentry(type(command).__name__)
        found = self._handlers.get(type(command))
        if found is None:
            raise UnknownCommandError(
                f"no registered aggregate handles {type(command).__name__}; these commands are "
                f"handled: {', '.join(sorted(cls.__name__ for cls in self._handlers)) or 'none'}"
            )
        services, handler = found
        if not (type(command.aggregate_id) is type(command.command_id) is UUID):
            command = plain_command(command)
        encoded = encode_metadata(command, metadata)
        answer: R = await services.commands.handle(command, handler, encoded)
        return answer

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
        self._life.check()
        services = self._services.get(aggregate_type) or self._registered(aggregate_type)
        if type(aggregate_id) is not UUID:
            aggregate_id = plain_id(aggregate_id, "aggregate_id")
        if version is not None:
            check_version(version)
        if freshness is not None and not isinstance(freshness, FRESHNESSES):
            check_freshness(freshness)
        loader = services.loader
        loaded = loader.hit(aggregate_id, freshness) if version is None else None
        if loaded is None:
            loaded = await loader.load(aggregate_id, version, freshness)
        return loaded  # type: ignore[return-value] # of that type

    async def load_many(
        self,
        aggregate_type: type[A],
        ids: Iterable[UUID],
        *,
        freshness: Freshness | None = None,
    ) -> AsyncGenerator[A, None]:
        """The aggregates in the order of their ids, each as `load` gives it; also one named twice.

        They are read by the batch: the cache, the snapshots and the events once for 500 ids, when
        the first of these is asked for; that is what memory is bounded by. A result is as of then,
        unless this process knows a later version. Raises what `load` raises, when the id's turn has
        come.
        """
        services = self._registered(aggregate_type)
        check_freshness(freshness)
        async for aggregate in services.batches.load(ids, freshness):
            yield cast("A", aggregate)
            self._life.check()

    async def forget(
        self, aggregate_type: type[Aggregate], aggregate_id: UUID, *, events: bool = False
    ) -> None:
        """Remove an aggregate's snapshots and cache entry; with `events` its stream too, for good.

        Waits for the id's commands and for its turn. Its snapshots of all revisions go, those that
        this process has yet to write, and its cache entry of this revision; what loads under way
        read is kept nowhere. After `events=True` a load gives the empty aggregate, and a new stream
        may begin under the id.

        What remains: cache entries of other revisions, and what another process puts into a shared
        cache from a load that began before, both until their TTL; until then a `Trust` or `MaxAge`
        load that finds such an entry may return it. Other processes' own caches likewise.

        Raises `ConfigurationError` if the snapshot backend can't forget, `StreamTruncatedError` for
        an archived stream without `events`, `ReentrantCommandError` in a handler and
        `ConcurrencyError` if too many commands wait: nothing was removed then. After
        `BackendUnavailableError`, which says how far it came, nothing that was removed comes back;
        forget it again.
        """
        services = self._registered(aggregate_type)
        aggregate_id = plain_id(aggregate_id, "aggregate_id")
        refuse_reentry(f"a forget of {services.context.registration.name}")
        await services.forgetting.forget(aggregate_id, events=events)

    async def exists(self, aggregate_type: type[Aggregate], aggregate_id: UUID) -> bool:
        """Whether the stream has an event; asks the event store."""
        services = self._registered(aggregate_type)
        aggregate_id = plain_id(aggregate_id, "aggregate_id")
        return await services.context.stream.head(aggregate_id) is not None

    @overload
    def events(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        first: int = 1,
        last: int | None = None,
    ) -> AsyncGenerator[RecordedEvent[BaseModel], None]: ...

    @overload
    def events(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        of: type[E],
        first: int = 1,
        last: int | None = None,
    ) -> AsyncGenerator[RecordedEvent[E], None]: ...

    async def events(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        of: type[BaseModel] = BaseModel,
        first: int = 1,
        last: int | None = None,
    ) -> AsyncGenerator[RecordedEvent[Any], None]:  # Any: what the overloads say
        """The events with `first <= version <= last`, ascending, decoded and upcast.

        `of` is the class of those that are wanted, or a base of theirs; the others are not decoded.
        Archived ones are read from the archive that the application names.

        Raises `StreamTruncatedError` where events are missing behind one that was given, or in the
        archive, `ArchiveError` if that isn't as it was written, `UnknownEventError` and
        `EventApplyError` at an event that doesn't decode, and `TypeError` if no event that the
        aggregate applies is an `of`.
        """
        for bound in (first, 0 if last is None else last):
            check_version(bound)
        context = self._registered(aggregate_type).context
        routes = context.registration.routes
        aggregate_id = plain_id(aggregate_id, "aggregate_id")
        others, version = other_events(routes, of), None
        heads, since = context.heads, context.heads.forgets.count
        async for rows in context.events(aggregate_id, max(first, 1), last):
            version = following(f"{routes.name} {aggregate_id}", rows, version)
            if rows:  # no load returns less than what was seen here
                heads.raise_to(aggregate_id, (rows[-1][0], UUID(bytes=rows[-1][1])), since=since)
            for row in rows:
                if row[2] not in others:
                    yield decoded(routes, row)
                    self._life.check()

    async def health(self, *, within: timedelta = timedelta(seconds=1)) -> Health:
        """Ask each backend for something small; how they answered, after `within` at the latest.

        A store whose circuit breaker is open is asked all the same. `Readiness` tells it to a
        probe over HTTP.
        """
        self._life.check()
        return await health_of(self._services.values(), self._reporting.masking, within)

    def counters(self, aggregate_type: type[Aggregate] | None = None) -> dict[str, int]:
        """The counters since the start: misses by reason, conflicts, lost replies, failures.

        Those of one type, or the sums of all types and of what is of no one type.
        """
        if aggregate_type is None:
            return self._reporting.counters()
        return self._reporting.counters(self._registered(aggregate_type).context.registration.name)

    def _deadline(self) -> float:
        """The loop's time at which a close that begins now has ended."""
        return asyncio.get_running_loop().time() + self._close_timeout.total_seconds()
