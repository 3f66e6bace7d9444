"""What tools and jobs ask of an application: they list, look into, rebuild and remove."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from os import PathLike
from uuid import UUID

from interlock._app.arguments import check_freshness, check_version
from interlock._app.lifetime import Life
from interlock._engine.archiving import Archived, archive_in
from interlock._engine.command_queue import refuse_reentry
from interlock._engine.inspecting import KeptState
from interlock._engine.rebuilding import Progress
from interlock._engine.reports import LoadReport
from interlock._engine.services import TypeServices
from interlock._model.aggregate import Aggregate
from interlock._model.strategies import Freshness
from interlock._values.ids import plain_id
from interlock.errors import ConfigurationError


class Tools:
    """The part of an application that operators use; `Application` has it all."""

    def __init__(self, services: Mapping[type[Aggregate], TypeServices]) -> None:
        self._services = services
        self._types = {each.context.registration.name: cls for cls, each in services.items()}
        self._life = Life()

    async def prune(self, aggregate_type: type[Aggregate]) -> int:
        """Apply the retention of the type's snapshot backend; the number of snapshots removed.

        Each put applies it to its own aggregate. This is for those that nobody snapshots any more,
        after a setting was lowered or a time has passed: run it from a job of your own, beside
        commands and loads. It goes through all aggregates of the type, in small transactions, and
        takes as long as that takes. Of no aggregate the last snapshot goes.

        Raises `BackendUnavailableError`; what was removed until then stays so, run it again.
        """
        return await self._registered(aggregate_type).snapshots.prune()

    async def rebuild_snapshots(
        self,
        aggregate_type: type[Aggregate],
        ids: Iterable[UUID] | None = None,
        *,
        every: int = 10_000,
        progress: Progress | None = None,
    ) -> int:
        """Store snapshots of the streams as they are now; the number of snapshots stored.

        `ids` are those of the streams; without them it goes through all that `ids()` lists. For a
        new revision, before the first load has to replay everything, or for streams that have no
        snapshot yet; the strategy isn't asked. Each begins at its newest usable snapshot, and
        stores one every so many events and one at the end, so that a rebuild which is interrupted
        goes on where it was: call it again. It holds one state and a chunk of events. `progress` is
        called after each snapshot; what it raises ends the rebuild.

        A snapshot that is usable is believed: `forget` the aggregate first if it shouldn't be.
        Raises what `load` raises, `ConfigurationError` without a snapshot backend, and
        `BackendUnavailableError` where a snapshot can't be stored.
        """
        services = self._registered(aggregate_type)
        if every < 1:
            raise ValueError(f"every is {every!r}; wanted an integer from 1")
        return await services.rebuilding.rebuild(ids, every=every, progress=progress)

    async def archive(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        below: int,
        to: str | PathLike[str] | None = None,
    ) -> Archived:
        """Move the events with `version < below` to a file, from which `events` still reads them.

        `to` is the folder, the application's `archive` unless given; it has to be that one if the
        application names any. A file that is there already is continued. First it is proven that
        the class has an explicit `revision`, and that a snapshot of `below` or later is what all
        events up to it give. The file is on the disk and was read back before an event is deleted,
        so whatever breaks off, nothing is lost: archive it again. The last event always stays.
        Loads of versions below, and with `Replay`, raise `StreamTruncatedError` from then on.

        Waits for the id's commands, and for others who archive streams of the type. Raises
        `ArchiveError` for what isn't as it has to be, `VersionNotFoundError` beyond the head,
        `ConfigurationError` without a folder or snapshots, and `BackendUnavailableError`.
        """
        services = self._registered(aggregate_type)
        check_version(below)
        aggregate_id = plain_id(aggregate_id, "aggregate_id")
        refuse_reentry(f"an archive of {services.context.registration.name}")
        archive = archive_in(services.context, to)
        return await services.archiving.archive(aggregate_id, below, archive)

    async def ids(
        self, aggregate_type: type[Aggregate], *, after: UUID | None = None
    ) -> AsyncGenerator[UUID, None]:
        """The ids of the type's streams in ascending order, those greater than `after`.

        For tools: most event stores go through all of their events for it. A stream that begins or
        is deleted meanwhile may be among them or not. Raises `ConfigurationError` if the event
        store doesn't list its streams.
        """
        stream = self._registered(aggregate_type).context.stream
        after = None if after is None else plain_id(after, "after")
        async for aggregate_id in stream.streams(after):
            yield aggregate_id
            self._life.check()

    async def version(self, aggregate_type: type[Aggregate], aggregate_id: UUID) -> int:
        """The version of the stream's last event, by the event store; 0 without events."""
        stream = self._registered(aggregate_type).context.stream
        head = await stream.head(plain_id(aggregate_id, "aggregate_id"))
        return 0 if head is None else head[0]

    async def ids_with_snapshot(
        self, aggregate_type: type[Aggregate]
    ) -> AsyncGenerator[UUID, None]:
        """The ids of the aggregates with a snapshot of a revision that is read, in any order.

        One with snapshots of several revisions may come as often. Raises `ConfigurationError`
        without a snapshot backend, and if that doesn't list its aggregates.
        """
        async for aggregate_id in self._registered(aggregate_type).inspection.ids_with_snapshot():
            yield aggregate_id
            self._life.check()

    async def snapshots(
        self, aggregate_type: type[Aggregate], aggregate_id: UUID, *, compare: bool = False
    ) -> Sequence[KeptState]:
        """The snapshots that stand of an aggregate, of each revision, the newest first.

        Each is read. With `compare` each is compared with a replay of the events up to its version,
        too. Raises `ConfigurationError` without a snapshot backend, and `BackendUnavailableError`.
        """
        inspection = self._registered(aggregate_type).inspection
        return await inspection.snapshots(plain_id(aggregate_id, "aggregate_id"), compare=compare)

    async def delete_snapshots(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        version: int | None = None,
        revision: str | None = None,
    ) -> int:
        """Delete the snapshots of this version, of this revision, or all; how many there were.

        The events stay, and the next load may take a new snapshot. One that can't be read isn't
        among them: `forget` removes that. Raises as `snapshots` does, and `ConfigurationError` if
        the backend can't remove a single one.
        """
        inspection = self._registered(aggregate_type).inspection
        aggregate_id = plain_id(aggregate_id, "aggregate_id")
        return await inspection.delete(aggregate_id, version=version, revision=revision)

    async def cache_entry(
        self, aggregate_type: type[Aggregate], aggregate_id: UUID
    ) -> KeptState | None:
        """What the type's cache has of an aggregate; None if there is nothing, or no cache.

        Raises `BackendUnavailableError`.
        """
        inspection = self._registered(aggregate_type).inspection
        return await inspection.cache_entry(plain_id(aggregate_id, "aggregate_id"))

    async def evict(self, aggregate_type: type[Aggregate], aggregate_id: UUID) -> None:
        """Remove the cache's entry of an aggregate. Raises `BackendUnavailableError`.

        What other processes have in caches of their own stays there.
        """
        inspection = self._registered(aggregate_type).inspection
        await inspection.evict(plain_id(aggregate_id, "aggregate_id"))

    async def explain(
        self,
        aggregate_type: type[Aggregate],
        aggregate_id: UUID,
        *,
        version: int | None = None,
        freshness: Freshness | None = None,
    ) -> LoadReport:
        """How a load of the aggregate goes; it is made for that, and kept nowhere.

        The arguments and errors are those of `load`.
        """
        if version is not None:
            check_version(version)
        check_freshness(freshness)
        inspection = self._registered(aggregate_type).inspection
        return await inspection.explain(plain_id(aggregate_id, "aggregate_id"), version, freshness)

    def _registered(self, aggregate_type: type[Aggregate]) -> TypeServices:
        self._life.check()
        services = self._services.get(aggregate_type)
        if services is None:
            raise ConfigurationError(
                f"{aggregate_type.__name__} isn't registered; these are: "
                f"{', '.join(self._types) or 'none'}"
            )
        return services
