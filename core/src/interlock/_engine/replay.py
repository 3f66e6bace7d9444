"""The tail of a stream, read from a baseline on and folded onto it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from interlock._engine.baselines import Baselines
from interlock._engine.calls import bounded
from interlock._engine.flights import Flight
from interlock._engine.fold import Fold
from interlock._engine.known_heads import Floor, Head
from interlock._engine.load_context import Ask, Clock, Loaded, Registration
from interlock._engine.reports import Reason, Reporting
from interlock._model.aggregate import set_origin
from interlock._storage.protocols import EventStore
from interlock._storage.records import EventRow, from_micros
from interlock.errors import (
    BackendUnavailableError,
    InterlockError,
    StreamTruncatedError,
    VersionNotFoundError,
)


@dataclass(slots=True)
class Following:
    """A baseline that is being brought up, chunk by chunk of its tail.

    `noted` is the floor's head from before the tail was read; `is_inclusive` says that the
    baseline's own event, with which the tail begins, is still to come.
    """

    baseline: Loaded
    fold: Fold
    noted: Head | None
    verified_at: datetime
    limit: int | None
    is_inclusive: bool = True

    @property
    def first(self) -> int:
        """The version that the tail begins with."""
        return max(self.baseline.version, 1)


class Tail:
    """Brings baselines of one registered aggregate up to the stream's head, or to a version."""

    def __init__(
        self,
        registration: Registration,
        *,
        events: EventStore,
        baselines: Baselines,
        floor: Floor,
        reporting: Reporting,
        clock: Clock,
    ) -> None:
        self._registration = registration
        self._events = events
        self._baselines = baselines
        self._floor = floor
        self._reporting = reporting
        self._clock = clock
        self._field_names = frozenset(registration.aggregate_type.model_fields)

    async def replay(self, empty: Loaded, ask: Ask, flight: Flight | None) -> Loaded:
        """The state after all events. Raises `StreamTruncatedError` if the first ones are gone."""
        loaded = await self.fast_forward(empty, ask, flight)
        if loaded is None:
            raise await self._truncated(empty.aggregate_id)
        return loaded

    async def fast_forward(
        self, baseline: Loaded, ask: Ask, flight: Flight | None
    ) -> Loaded | None:
        """The state after the tail; None if the stream doesn't hold the baseline's own event."""
        aggregate_id = baseline.aggregate_id
        following = self.begin(baseline)
        if flight is not None:
            flight.has_begun = True
        ahead = baseline.trail.take_ahead(following.first)
        if ahead is None:
            chunks = self._events.read(
                self._registration.tables.name,
                aggregate_id,
                first=following.first,
                last=ask.version,
            )
        else:
            chunks = ahead.chunks
            following.noted, following.verified_at = ahead.noted, ahead.began
        timeout = self._events.timeout
        while (
            rows := await bounded("the event store's read", timeout, anext(chunks, None))
        ) is not None:
            if not self.extend(following, rows):
                return None
        loaded = self.end(following, ask)
        if loaded is not None and ask.version is not None and loaded.version != ask.version:
            raise await self._not_found(aggregate_id, ask.version, loaded.version)
        return loaded

    def begin(self, baseline: Loaded) -> Following:
        """Begin to follow the stream; called before its tail is read."""
        return Following(
            baseline=baseline,
            fold=Fold(self._registration.tables, baseline.state),
            noted=self._floor.head(baseline.aggregate_id),
            verified_at=self._clock(),
            limit=self._registration.replay_limit if baseline.trail.snapshots_down else None,
        )

    def extend(self, following: Following, rows: Sequence[EventRow]) -> bool:
        """Fold the next rows; False if the stream doesn't hold the baseline's own event."""
        baseline, fold, limit = following.baseline, following.fold, following.limit
        if following.is_inclusive and rows:
            following.is_inclusive = False
            if not self._follows(baseline, rows[0]):
                return False
            rows = rows[1:] if baseline.version else rows
        fold.extend(rows)
        if limit is not None and fold.folded > limit:
            raise BackendUnavailableError(
                f"{self._registration.tables.name} {baseline.aggregate_id}: the snapshot store is "
                f"down and the stream has more than replay_limit = {limit} events; try again when "
                "it is back"
            )
        return True

    def end(self, following: Following, ask: Ask) -> Loaded | None:
        """The state after the whole tail; None if the baseline's own event isn't in it."""
        baseline = following.baseline
        baseline.trail.lap("tail")
        if following.is_inclusive and baseline.version:
            self._pass_over(baseline, Reason.NOT_IN_STREAM)
            return None
        loaded = self._folded(baseline, following.fold, following.verified_at)
        if ask.version is None:
            self._settle_floor(following.noted, loaded)
        return loaded

    def _follows(self, baseline: Loaded, row: EventRow) -> bool:
        """Whether the first row of an inclusive tail is the baseline's own event."""
        if baseline.version == 0:
            return row[0] == 1
        if row[0] != baseline.version:
            self._pass_over(baseline, Reason.NOT_IN_STREAM)
            return False
        if baseline.last_event_id is None or row[1] != baseline.last_event_id.bytes:
            self._pass_over(baseline, Reason.OTHER_BRANCH)
            return False
        return True

    def _pass_over(self, baseline: Loaded, reason: Reason) -> None:
        trail, record = baseline.trail, baseline.record
        trail.miss(baseline.baseline, reason, f"version {baseline.version}")
        self._reporting.count(f"{baseline.baseline}.{reason}")
        if record is not None:
            (trail.refuted if reason is Reason.OTHER_BRANCH else trail.unproven).append(
                record.stamp
            )

    def _folded(self, baseline: Loaded, fold: Fold, verified_at: datetime) -> Loaded:
        """The result of a fold. Its fields all count as set, wherever the fold started."""
        state, scope = fold.state, self._registration.mapper.scope
        is_own = baseline.record is not None and baseline.record.revision == scope.revision
        if is_own and fold.last_event_id is None:
            baseline.verified_at, baseline.is_current = verified_at, True
            return baseline
        object.__setattr__(state, "__pydantic_fields_set__", set(self._field_names))
        loaded = Loaded(
            aggregate_id=baseline.aggregate_id,
            state=state,
            trail=baseline.trail,
            version=fold.version,
            last_event_id=baseline.last_event_id,
            last_event_at=baseline.last_event_at,
            anchor_at=baseline.anchor_at,
            verified_at=verified_at,
            is_current=True,
            events_folded=fold.folded,
            baseline=baseline.baseline,
            baseline_version=baseline.version,
        )
        if fold.last_event_id is not None and fold.last_event_at is not None:
            loaded.last_event_id = UUID(bytes=fold.last_event_id)
            loaded.last_event_at = from_micros(fold.last_event_at)
            if fold.first_event_at is not None:
                loaded.anchor_at = from_micros(fold.first_event_at)
        if loaded.last_event_id is not None:
            set_origin(state, loaded.origin(scope))
        return loaded

    def _settle_floor(self, noted: Head | None, loaded: Loaded) -> None:
        aggregate_id, head = loaded.aggregate_id, loaded.head
        if noted is not None and (
            head is None or head[0] < noted[0] or (head[0] == noted[0] and head[1] != noted[1])
        ):
            # The event store is never behind what it acknowledged: it was rolled back.
            self._floor.refute(aggregate_id, noted)
            self._reporting.count("stream.rolled_back")
        if head is not None:
            self._floor.raise_to(aggregate_id, head, since=loaded.trail.moment)

    async def _not_found(self, aggregate_id: UUID, asked: int, reached: int) -> InterlockError:
        name = self._registration.tables.name
        head = await bounded(
            "the event store's head", self._events.timeout, self._events.head(name, aggregate_id)
        )
        # A version that was appended since isn't gone: the next event stands then.
        if (
            head is not None
            and head[0] >= asked
            and not await self._stands(aggregate_id, reached + 1)
        ):
            return await self._truncated(aggregate_id)
        return VersionNotFoundError(
            f"{name} {aggregate_id}: version {asked} was asked for, the stream ends at {reached}"
        )

    async def _stands(self, aggregate_id: UUID, version: int) -> bool:
        chunks = self._events.read(
            self._registration.tables.name, aggregate_id, first=version, last=version
        )
        timeout = self._events.timeout
        found = False
        while (
            rows := await bounded("the event store's read", timeout, anext(chunks, None))
        ) is not None:
            found = found or bool(rows)
        return found

    async def _truncated(self, aggregate_id: UUID) -> StreamTruncatedError:
        name, revisions = (
            self._registration.tables.name,
            await self._baselines.revisions(aggregate_id),
        )
        return StreamTruncatedError(
            f"{name} {aggregate_id}: the stream doesn't begin with version 1 and no usable "
            "snapshot covers what is gone; snapshots there are of revisions "
            f"{', '.join(revisions) or 'none'}, this code is "
            f"{self._registration.mapper.scope.revision}. If one of them means the same, name it "
            "in reads_revisions",
            revisions=revisions,
        )
