"""An application for callers without an event loop: what `Application` has, without `await`."""

from collections.abc import Generator, Iterable, Sequence
from datetime import timedelta
from os import PathLike
from types import TracebackType
from typing import Any, Self, overload
from uuid import UUID

from pydantic import BaseModel

from interlock._app.application import A, Application, E, R
from interlock._app.background import BackgroundLoop
from interlock._app.health import Health
from interlock._engine.archiving import Archived
from interlock._engine.command_handling import Metadata
from interlock._engine.fold import RecordedEvent
from interlock._engine.inspecting import KeptState
from interlock._engine.rebuilding import Progress
from interlock._engine.reports import LoadReport
from interlock._model.aggregate import Aggregate
from interlock._model.command import Command
from interlock._model.strategies import Freshness


class SyncApplication:
    """An application that threads call: views of Django and Flask, tasks, scripts, notebooks.

    It runs in an event loop on a thread of its own. Each method is that of `Application`, without
    `await`; calls of all threads go on side by side. The first call starts it, so it may be made at
    import and used after a fork. It is closed by `close`, at the end of `with`, and when the
    interpreter exits.

    After `timeout` a call is cancelled, and `TimeoutError` raised once it is over: a write that had
    begun is waited for, and may stand. So it is with Ctrl-C; a second one doesn't wait.

    Raises `ConfigurationError` in a fork of the process that started it, and in handlers.
    """

    def __init__(self, application: Application, *, timeout: timedelta | None = None) -> None:
        self._application = application
        self._background = BackgroundLoop(application, timeout)
        self._call = self._background.call
        self._iterate = self._background.iterate

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start it now, and not with the first call; closed, it may be started again."""
        self._background.start()

    def close(self) -> None:
        """Wait for what is under way, and close the backends; calls are refused from then on."""
        self._background.close()

    def dispatch(self, command: Command[R], *, metadata: Metadata | None = None) -> R:
        """Handle a command; the handler's answer, once what it emitted is stored."""
        return self._call(lambda: self._application.dispatch(command, metadata=metadata))

    def load(
        self,
        aggregate_type: type[A],
        aggregate_id: UUID,
        *,
        version: int | None = None,
        freshness: Freshness | None = None,
    ) -> A:
        """The aggregate, an object of the caller's own."""
        return self._call(
            lambda: self._application.load(
                aggregate_type, aggregate_id, version=version, freshness=freshness
            )
        )

    def load_many(
        self,
        aggregate_type: type[A],
        ids: Iterable[UUID],
        *,
        freshness: Freshness | None = None,
    ) -> Generator[A, None, None]:
        """The aggregates in the order of their ids; read, as it goes on, up to 128 ahead."""
        return self._iterate(self._application.load_many(aggregate_type, ids, freshness=freshness))

    def forget(
        self, aggregate_type: type[Aggregate], aggregate_id: UUID, *, events: bool = False
    ) -> None:
        """Remove what is kept of an aggregate; with `events` its stream too, for good."""
        self._call(lambda: self._application.forget(aggregate_type, aggregate_id, events=events))

    def exists(self, aggregate_type: type[Aggregate], aggregate_id: UUID) -> bool:
        """Whether the stream has an event; asks the event store."""
        return self._call(lambda: self._application.exists(aggregate_type, aggregate_id))

    @overload
    def events(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        first: int = 1,
        last: int | None = None,
    ) -> Generator[RecordedEvent[BaseModel], None, None]: ...

    @overload
    def events(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        of: type[E],
        first: int = 1,
        last: int | None = None,
    ) -> Generator[RecordedEvent[E], None, None]: ...

    def events(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        of: type[BaseModel] = BaseModel,
        first: int = 1,
        last: int | None = None,
    ) -> Generator[RecordedEvent[Any], None, None]:  # Any: what the overloads say
        """The events with `first <= version <= last`, ascending; read up to 128 ahead."""
        return self._iterate(
            self._application.events(aggregate_type, aggregate_id, of=of, first=first, last=last)
        )

    def health(self, *, within: timedelta = timedelta(seconds=1)) -> Health:
        """Ask each backend for something small; how they answered."""
        return self._call(lambda: self._application.health(within=within))

    def counters(self, aggregate_type: type[Aggregate] | None = None) -> dict[str, int]:
        """The counters since the start: misses by reason, conflicts, lost replies, failures."""

        async def counters() -> dict[str, int]:  # in the thread that counts
            return self._application.counters(aggregate_type)

        return self._call(counters)

    def prune(self, aggregate_type: type[Aggregate]) -> int:
        """Apply the retention of the type's snapshot backend; the number of snapshots removed."""
        return self._call(lambda: self._application.prune(aggregate_type))

    def rebuild_snapshots(
        self,
        aggregate_type: type[Aggregate],
        ids: Iterable[UUID] | None = None,
        *,
        every: int = 10_000,
        progress: Progress | None = None,
    ) -> int:
        """Store snapshots of the streams as they are now; the number of snapshots stored.

        `progress` is called in the thread of the application.
        """
        return self._call(
            lambda: self._application.rebuild_snapshots(
                aggregate_type, ids, every=every, progress=progress
            )
        )

    def archive(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        below: int,
        to: str | PathLike[str] | None = None,
    ) -> Archived:
        """Move the events with `version < below` to a file, from which `events` reads them."""
        return self._call(
            lambda: self._application.archive(aggregate_type, aggregate_id, below=below, to=to)
        )

    def ids(
        self, aggregate_type: type[Aggregate], *, after: UUID | None = None
    ) -> Generator[UUID, None, None]:
        """The ids of the type's streams in ascending order, those greater than `after`."""
        return self._iterate(self._application.ids(aggregate_type, after=after))

    def version(self, aggregate_type: type[Aggregate], aggregate_id: UUID) -> int:
        """The version of the stream's last event, by the event store; 0 without events."""
        return self._call(lambda: self._application.version(aggregate_type, aggregate_id))

    def ids_with_snapshot(self, aggregate_type: type[Aggregate]) -> Generator[UUID, None, None]:
        """The ids of the aggregates with a snapshot of a revision that is read, in any order."""
        return self._iterate(self._application.ids_with_snapshot(aggregate_type))

    def snapshots(
        self, aggregate_type: type[Aggregate], aggregate_id: UUID, *, compare: bool = False
    ) -> Sequence[KeptState]:
        """The snapshots that stand of an aggregate, of each revision, the newest first."""
        return self._call(
            lambda: self._application.snapshots(aggregate_type, aggregate_id, compare=compare)
        )

    def delete_snapshots(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        version: int | None = None,
        revision: str | None = None,
    ) -> int:
        """Delete the snapshots of this version, of this revision, or all; how many there were."""
        return self._call(
            lambda: self._application.delete_snapshots(
                aggregate_type, aggregate_id, version=version, revision=revision
            )
        )

    def cache_entry(self, aggregate_type: type[Aggregate], aggregate_id: UUID) -> KeptState | None:
        """What the type's cache has of an aggregate; None if there is nothing, or no cache."""
        return self._call(lambda: self._application.cache_entry(aggregate_type, aggregate_id))

    def evict(self, aggregate_type: type[Aggregate], aggregate_id: UUID) -> None:
        """Remove the cache's entry of an aggregate."""
        self._call(lambda: self._application.evict(aggregate_type, aggregate_id))

    def explain(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        version: int | None = None,
        freshness: Freshness | None = None,
    ) -> LoadReport:
        """How a load of the aggregate goes; it is made for that, and kept nowhere."""
        return self._call(
            lambda: self._application.explain(
                aggregate_type, aggregate_id, version=version, freshness=freshness
            )
        )
