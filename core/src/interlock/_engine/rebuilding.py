"""The rebuilding of an aggregate's snapshots: ahead of the loads that would have to replay."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from interlock._engine.context import TypeContext
from interlock._engine.load_context import LoadedState, LoadRequest
from interlock._engine.reading import StateReader
from interlock._engine.snapshots import SnapshotHistory
from interlock._engine.write_back import WriteBack
from interlock._model.strategies import FastForward
from interlock._values.ids import plain_id
from interlock.errors import BackendUnavailableError, ConfigurationError, VersionNotFoundError


@dataclass(frozen=True, slots=True)
class RebuildProgress:
    """A snapshot that was just stored: at which version, and where the stream ends."""

    aggregate_type: str
    aggregate_id: UUID
    version: int
    head: int


Progress = Callable[[RebuildProgress], object]


class Rebuilding:
    """Rebuilds the snapshots of one registered aggregate.

    It goes from snapshot to snapshot: each stride is a load of a version, from the state that the
    one before ended in. So it holds a chunk of events, and begins anew where it was interrupted.
    """

    def __init__(
        self,
        context: TypeContext,
        snapshots: SnapshotHistory,
        reader: StateReader,
        write_back: WriteBack,
    ) -> None:
        self._context = context
        self._name = context.registration.name
        self._snapshots = snapshots
        self._reader = reader
        self._write_back = write_back

    async def rebuild(
        self, ids: Iterable[UUID] | None, *, every: int, progress: Progress | None
    ) -> int:
        """The number of snapshots stored; without ids, of all streams."""
        if not self._snapshots.are_kept:
            raise ConfigurationError(
                f"{self._name} has no snapshots to rebuild: register it with a snapshot_backend"
            )
        stored = 0
        async for given in self._context.stream.streams() if ids is None else _each(ids):
            aggregate_id = plain_id(given, "one of the ids")
            try:
                stored += await self._rebuild(aggregate_id, every, progress)
            except VersionNotFoundError:
                if await self._context.stream.head(aggregate_id) is not None:
                    raise  # else it was deleted meanwhile, and what was stored for it with it
        return stored

    async def _rebuild(self, aggregate_id: UUID, every: int, progress: Progress | None) -> int:
        name, head = self._name, await self._context.stream.head(aggregate_id)
        if head is None:
            return 0
        forgets, stored = self._context.heads.forgets, 0
        forget_count = forgets.count
        loaded = await self._start(aggregate_id, head[0], every)
        while True:
            if loaded.record is None:
                if forgets.since(aggregate_id, forget_count):
                    return stored
                with self._write_back.in_flight.of(aggregate_id):
                    is_stored = await self._snapshots.store(loaded, self._context.clock())
                stored += is_stored
                if is_stored and progress is not None:
                    progress(RebuildProgress(name, aggregate_id, loaded.version, head[0]))
            if loaded.version >= head[0]:
                return stored
            loaded = await self._advance(loaded, head[0], every)

    async def _start(self, aggregate_id: UUID, head: int, every: int) -> LoadedState:
        """The state after the first stride, from the best baseline that the stream holds."""
        # What may have been read ahead on the first trace goes further than a stride.
        trace, of_stride = self._reader.trace(), self._reader.trace()
        of_stride.is_limited = False
        tail, request = self._reader.tail, LoadRequest(None, FastForward())
        async for snapshot in self._snapshots.candidates(aggregate_id, request, trace):
            snapshot.trace = of_stride
            # One ahead of the head is asked for too: after a rollback it has to give way.
            stride = _stride(snapshot, head, every) if snapshot.version <= head else request
            loaded = await tail.fast_forward(snapshot, stride)
            if loaded is not None:
                return loaded
            ahead = [stamp for stamp in of_stride.unproven if stamp.version > head]
            of_stride.refuted, of_stride.unproven = (*of_stride.refuted, *ahead), ()
        if trace.snapshots_down:
            raise BackendUnavailableError(
                f"the snapshots of {self._name} {aggregate_id} can't be "
                f"rebuilt: {trace.misses[-1].detail}"
            )
        empty = self._reader.empty(aggregate_id, of_stride)
        return await tail.replay(empty, _stride(empty, head, every))

    async def _advance(self, baseline: LoadedState, head: int, every: int) -> LoadedState:
        stride = _stride(baseline, head, every)
        loaded = await self._reader.tail.fast_forward(baseline, stride)
        if loaded is None:
            raise VersionNotFoundError(
                f"{self._name} {baseline.aggregate_id}: version "
                f"{baseline.version} was read a moment ago and isn't the stream's any more; it was "
                "rolled back, rebuild again"
            )
        return loaded


async def _each(ids: Iterable[UUID]) -> AsyncIterator[UUID]:
    for aggregate_id in ids:
        yield aggregate_id


def _stride(baseline: LoadedState, head: int, every: int) -> LoadRequest:
    return LoadRequest(min(baseline.version + every, head), FastForward())
