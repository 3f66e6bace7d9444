"""The tail of a stream, read from a baseline on and folded onto it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from interlock._engine.context import TypeContext
from interlock._engine.fold import Fold
from interlock._engine.known_heads import Head
from interlock._engine.load_context import LoadedState, LoadRequest
from interlock._engine.reports import Reason, Source
from interlock._engine.snapshots import SnapshotHistory
from interlock._model.aggregate import set_origin
from interlock._storage.records import EventRow, from_micros
from interlock.errors import (
    BackendUnavailableError,
    InterlockError,
    StreamTruncatedError,
    VersionNotFoundError,
)


@dataclass(slots=True)
class TailFold:
    """A baseline onto which its tail is folded, chunk by chunk.

    The tail begins with the version `first`. `noted` is the known head from before it was read;
    `is_proven` says that the first row was seen, and that it is the baseline's own event, or event
    1 of an empty baseline. `fold` is None until there is something to fold. `has_slot` says that it
    counts among the long replays.
    """

    baseline: LoadedState
    first: int
    noted: Head | None
    verified_at: datetime
    limit: int | None
    is_proven: bool = False
    fold: Fold | None = None
    has_slot: bool = False


class TailReplay:
    """Brings baselines of one registered aggregate up to the stream's head, or to a version."""

    def __init__(self, context: TypeContext, snapshots: SnapshotHistory) -> None:
        self._context = context
        self._registration = context.registration
        self._snapshots = snapshots
        self._long = context.replay_slots.long
        self._field_names = frozenset(context.registration.aggregate_type.model_fields)

    async def replay(self, empty: LoadedState, request: LoadRequest) -> LoadedState:
        """The state after all events. Raises `StreamTruncatedError` if the first ones are gone."""
        loaded = await self.fast_forward(empty, request)
        if loaded is None:
            raise await self._truncated(empty.aggregate_id)
        return loaded

    async def fast_forward(self, baseline: LoadedState, request: LoadRequest) -> LoadedState | None:
        """The state after the tail; None if the stream doesn't hold the baseline's own event."""
        tail = self.start(baseline)
        baseline.trace.is_reading_stream = True
        stream = self._context.stream
        if stream.confirming is not None and await self._is_confirmed(baseline):
            tail.is_proven = True
            return self.end(tail, request)
        ahead = baseline.trace.take_ahead(tail.first)
        if ahead is None:
            last = request.version
            chunks = stream.read_to_fold(baseline.aggregate_id, first=tail.first, last=last)
            is_of_stream = await self._fold_chunks(tail, chunks, request)
        else:
            tail.noted, tail.verified_at = ahead.noted, ahead.began
            is_of_stream = (
                self.extend(tail, ahead.events)  # no more than a chunk
                if isinstance(ahead.events, list)
                else await self._fold_chunks(tail, ahead.events, request)
            )
        if not is_of_stream:
            return None
        loaded = self.end(tail, request)
        if loaded is not None and request.version is not None and loaded.version != request.version:
            raise await self._not_found(baseline.aggregate_id, request.version, loaded.version)
        return loaded

    async def _fold_chunks(
        self, tail: TailFold, chunks: AsyncIterator[Sequence[EventRow]], request: LoadRequest
    ) -> bool:
        """Fold the chunks, in a slot where they are many; `extend`'s answer."""
        last = request.version or (tail.noted[0] if tail.noted is not None else 0)
        try:
            if last - tail.baseline.version > self._long:
                await self.take_slot(tail, request)
            async for rows in chunks:
                if not self.extend(tail, rows):
                    return False
                if self.is_long(tail) and not tail.has_slot:
                    await self.take_slot(tail, request)
        finally:
            if tail.has_slot:
                self._context.replay_slots.release()
        return True

    async def _is_confirmed(self, baseline: LoadedState) -> bool:
        """Whether a store that confirms heads does so for a cached state, which has no tail then.

        Snapshots mostly have one. A state from the cache is never asked for at a version.
        """
        head = baseline.head
        if head is None or baseline.source is not Source.CACHE:
            return False
        return await self._context.stream.is_head(baseline.aggregate_id, head)

    def start(self, baseline: LoadedState) -> TailFold:
        """Start a fold; called before the tail is read."""
        registration, trace = self._registration, baseline.trace
        is_limited = trace.is_limited and (trace.snapshots_down or registration.is_always_limited)
        return TailFold(
            baseline,
            max(baseline.version, 1),
            self._context.heads.head(baseline.aggregate_id),
            self._context.clock(),
            registration.replay_limit if is_limited else None,
        )

    async def take_slot(self, tail: TailFold, request: LoadRequest) -> None:
        """Let the replay count among the long ones; the stream isn't read on until it may.

        Raises `BackendUnavailableError` if that takes as long as a call of the event store may.
        """
        context, trace = self._context, tail.baseline.trace
        if not context.replay_slots.take():
            context.reporting.count("replay.waited")
            trace.lap("tail")
            try:
                await context.replay_slots.wait(
                    context.stream.store.timeout, for_command=request.is_for_command
                )
            finally:
                trace.lap("slot")
        tail.has_slot = True

    def is_long(self, tail: TailFold) -> bool:
        """Whether so much was folded that it has to count among the long replays."""
        return tail.fold is not None and tail.fold.folded > self._long

    def extend(self, tail: TailFold, rows: Sequence[EventRow]) -> bool:
        """Fold the next rows; False if the stream doesn't hold the baseline's own event."""
        if not tail.is_proven and rows:
            if not self._proves(tail.baseline, rows[0]):
                return False
            tail.is_proven = True
            rows = rows[1:] if tail.baseline.version else rows
        if not rows:
            return True
        if tail.fold is None:
            tail.fold = Fold(self._registration.routes, tail.baseline.state)
        tail.fold.extend(rows)
        if tail.limit is not None and tail.fold.folded > tail.limit:
            raise self._above_limit(tail)
        return True

    def end(self, tail: TailFold, request: LoadRequest) -> LoadedState | None:
        """The state after the whole tail; None if the baseline's own event isn't in it."""
        baseline = tail.baseline
        if baseline.trace.is_timed:
            baseline.trace.lap("tail")
        if not tail.is_proven and baseline.version:
            self._pass_over(baseline, Reason.NOT_IN_STREAM)
            return None
        loaded = self._folded(tail)
        if request.version is None:
            self._settle_head(tail.noted, loaded)
        return loaded

    def _above_limit(self, tail: TailFold) -> BackendUnavailableError:
        baseline = tail.baseline
        why, advice = (
            ("the snapshot store is down and ", "try again when it is back")
            if baseline.trace.snapshots_down
            else ("", "rebuild its snapshots")
        )
        return BackendUnavailableError(
            f"{self._registration.name} {baseline.aggregate_id}: {why}the stream has more than "
            f"replay_limit = {tail.limit} events after version {baseline.version}; {advice}"
        )

    def _proves(self, baseline: LoadedState, row: EventRow) -> bool:
        """Whether the tail's first row is the baseline's own event."""
        if baseline.version == 0:
            return row[0] == 1
        if row[0] != baseline.version:
            self._pass_over(baseline, Reason.NOT_IN_STREAM)
            return False
        if baseline.last_event_id is None or row[1] != baseline.last_event_id.bytes:
            self._pass_over(baseline, Reason.OTHER_BRANCH)
            return False
        return True

    def _pass_over(self, baseline: LoadedState, reason: Reason) -> None:
        trace, record = baseline.trace, baseline.record
        trace.miss(baseline.source, reason, f"version {baseline.version}")
        self._context.reporting.count(f"{baseline.source}.{reason}")
        if record is not None:
            if reason is Reason.OTHER_BRANCH:
                trace.refuted = *trace.refuted, record.stamp
            else:
                trace.unproven = *trace.unproven, record.stamp

    def _folded(self, tail: TailFold) -> LoadedState:
        """The result of a fold. Its fields all count as set, wherever the fold started."""
        baseline, fold, scope = tail.baseline, tail.fold, self._registration.mapper.scope
        is_own = baseline.record is not None and baseline.record.revision == scope.revision
        if is_own and fold is None:
            baseline.verified_at, baseline.is_current = tail.verified_at, True
            return baseline
        state = baseline.state
        object.__setattr__(state, "__pydantic_fields_set__", set(self._field_names))
        loaded = baseline.advanced()
        loaded.verified_at = tail.verified_at
        if fold is not None and fold.last_event_id is not None and fold.last_event_at is not None:
            loaded.version, loaded.events_folded = fold.version, fold.folded
            loaded.last_event_id = UUID(bytes=fold.last_event_id)
            loaded.last_event_at = from_micros(fold.last_event_at)
            if fold.first_event_at is not None:
                loaded.anchor_at = from_micros(fold.first_event_at)
        if loaded.last_event_id is not None:
            set_origin(state, loaded.origin(scope))
        return loaded

    def _settle_head(self, noted: Head | None, loaded: LoadedState) -> None:
        aggregate_id, head = loaded.aggregate_id, loaded.head
        if noted is not None and (
            head is None or head[0] < noted[0] or (head[0] == noted[0] and head[1] != noted[1])
        ):
            # The event store is never behind what it acknowledged: it was rolled back.
            self._context.heads.refute(aggregate_id, noted)
            self._context.reporting.count("stream.rolled_back")
        if head is not None:
            self._context.heads.raise_to(aggregate_id, head, since=loaded.trace.forget_count)

    async def _not_found(self, aggregate_id: UUID, asked: int, reached: int) -> InterlockError:
        stream, following = self._context.stream, reached + 1
        head = await stream.head(aggregate_id)
        # A version that was appended since isn't gone: the next event stands then.
        if (
            head is not None
            and head[0] >= asked
            and not await stream.ids(aggregate_id, following, following)
        ):
            return await self._truncated(aggregate_id)
        return VersionNotFoundError(
            f"{self._registration.name} {aggregate_id}: version {asked} was asked for, the stream "
            f"ends at {reached}"
        )

    async def _truncated(self, aggregate_id: UUID) -> StreamTruncatedError:
        revisions = await self._snapshots.revisions(aggregate_id)
        file = self._context.archive_of(aggregate_id)
        archive = str(file.path) if file is not None and file.exists() else None
        return StreamTruncatedError(
            f"{self._registration.name} {aggregate_id}: the stream doesn't begin with version 1 "
            "and no usable snapshot covers what is gone; snapshots there are of revisions "
            f"{', '.join(revisions) or 'none'}, this code is "
            f"{self._registration.mapper.scope.revision}. If one of them means the same, name it "
            f"in reads_revisions{'' if archive is None else f'. What is gone stands in {archive}'}",
            revisions=revisions,
            archive=archive,
        )
