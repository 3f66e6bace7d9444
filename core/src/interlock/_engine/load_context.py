"""The request of a load, the trace of its way, and the loaded state with its provenance."""

from datetime import datetime, timedelta
from time import perf_counter
from typing import NamedTuple
from uuid import UUID

from interlock._engine.known_heads import Head
from interlock._engine.reports import Miss, Reason, Source
from interlock._model.aggregate import Aggregate
from interlock._model.stamp import OriginFields
from interlock._model.strategies import Freshness, MaxAge, Replay
from interlock._storage.event_protocols import ReadEvents
from interlock._storage.records import NEVER_VERIFIED, AggregateRecord, Scope, Stamp

_new = object.__new__
"""Makes an object without the call of its class, which takes longer; the attributes are set then.

Each load makes some, and of those that find all in a local cache it is a part that counts.
"""


class LoadRequest(NamedTuple):
    """The request of a load; `version` None is the head."""

    version: int | None
    freshness: Freshness
    skips_cache: bool = False
    is_for_command: bool = False

    @property
    def may_use_cache(self) -> bool:
        """Whether the answer may come from the cache."""
        return not (
            self.skips_cache or self.version is not None or isinstance(self.freshness, Replay)
        )

    @property
    def may_use_snapshots(self) -> bool:
        """Whether the answer may be built on a snapshot."""
        return not isinstance(self.freshness, Replay)


class TailReadAhead(NamedTuple):
    """A tail that came with a snapshot: from version `first` to the version asked for.

    `noted` is the known head, `began` the clock, from before it was read.
    """

    first: int
    events: ReadEvents
    noted: Head | None
    began: datetime


class LoadTrace:
    """The trace of one load: misses, stamps to replace, timings.

    `forget_count` is the process's when the load began. `is_reading_stream` is set just before the
    load reads the stream: what is appended from then on may be missing in it.
    """

    is_reading_stream = False
    ahead: TailReadAhead | None = None
    misses: tuple[Miss, ...] = ()
    refuted: tuple[Stamp, ...] = ()  # another event stands at their version
    unproven: tuple[Stamp, ...] = ()  # no event stands at their version
    saw_cache_entry = False
    cache_entry: AggregateRecord | None = None  # that the load started from
    snapshots_down = False
    is_limited = True  # by `replay_limit`
    is_timed = False

    def __init__(self, *, is_timed: bool, forget_count: int = 0) -> None:
        self.forget_count = forget_count
        if is_timed:
            self.is_timed = True
            self.phases: dict[str, timedelta] = {}
            self._began = self._lap_at = perf_counter()

    @classmethod
    def of_hit(cls, entry: AggregateRecord, forget_count: int) -> "LoadTrace":
        """The trace of a load that isn't timed and starts from a cache entry."""
        trace = _new(cls)
        trace.forget_count = forget_count
        trace.saw_cache_entry = True
        trace.cache_entry = entry
        return trace

    def miss(self, source: Source, reason: Reason, detail: object = "") -> None:
        """Note a baseline that wasn't taken."""
        self.misses = *self.misses, Miss(source, reason, str(detail))

    def take_ahead(self, first: int) -> TailReadAhead | None:
        """The tail from this version on, if it was read ahead; only once."""
        ahead, self.ahead = self.ahead, None
        return ahead if ahead is not None and ahead.first == first else None

    def duration(self) -> timedelta:
        """The time since a load began that is timed."""
        return timedelta(seconds=perf_counter() - self._began)

    def lap(self, phase: str) -> None:
        """Add the time since the last lap to a phase, where the load is timed."""
        if self.is_timed:
            now = perf_counter()
            spent = timedelta(seconds=now - self._lap_at)
            self.phases[phase] = self.phases.get(phase, timedelta(0)) + spent
            self._lap_at = now


class LoadedState:
    """A state and what is known of it.

    `state` is private until it is handed out. `last_event_id` and the times are None for version 0.
    `verified_at` is when the tail read that proved it the head began; `is_current` tells whether
    that was in this load. `record` is an encoding of `state` from which it comes back, if there is
    one, `payload` one that isn't verified yet. `is_spent` says that the state was handed to a
    handler, since it couldn't be copied.
    """

    version: int = 0
    last_event_id: UUID | None = None
    last_event_at: datetime | None = None
    anchor_at: datetime | None = None
    verified_at: datetime = NEVER_VERIFIED
    is_current: bool = False
    events_folded: int = 0
    source: Source = Source.EMPTY
    source_version: int = 0
    record: AggregateRecord | None = None
    payload: bytes | None = None
    is_spent: bool = False

    def __init__(self, aggregate_id: UUID, state: Aggregate, trace: LoadTrace) -> None:
        self.aggregate_id = aggregate_id
        self.state = state
        self.trace = trace

    @classmethod
    def from_record(
        cls, state: Aggregate, record: AggregateRecord, source: Source, trace: LoadTrace
    ) -> "LoadedState":
        """The state of a record."""
        aggregate_id, _, version, last_event_id, last_event_at, anchor_at, at = record[3:10]
        loaded = _new(cls)
        loaded.aggregate_id = aggregate_id
        loaded.state = state
        loaded.trace = trace
        loaded.version = loaded.source_version = version
        loaded.last_event_id = last_event_id
        loaded.last_event_at = last_event_at
        loaded.anchor_at = anchor_at
        loaded.verified_at = at
        loaded.source = source
        loaded.record = record
        return loaded

    def advanced(self) -> "LoadedState":
        """Another one of the same load and state object, without its record."""
        loaded = _new(LoadedState)
        loaded.aggregate_id = self.aggregate_id
        loaded.state = self.state
        loaded.trace = self.trace
        loaded.version = self.version
        loaded.last_event_id = self.last_event_id
        loaded.last_event_at = self.last_event_at
        loaded.anchor_at = self.anchor_at
        loaded.source = self.source
        loaded.source_version = self.source_version
        loaded.is_current = True
        return loaded

    @classmethod
    def empty(
        cls, aggregate_type: type[Aggregate], aggregate_id: UUID, trace: LoadTrace
    ) -> "LoadedState":
        """The aggregate before its first event; as in every state, no field of it is unset."""
        state = aggregate_type(id=aggregate_id)
        state.__pydantic_fields_set__.update(aggregate_type.model_fields)
        return cls(aggregate_id, state, trace)

    @property
    def head(self) -> Head | None:
        """The version and id of the last event folded."""
        return None if self.last_event_id is None else (self.version, self.last_event_id)

    @property
    def stamp(self) -> Stamp | None:
        """The stamp of the state's record, if it has one."""
        return None if self.record is None else self.record.stamp

    def origin(self, scope: Scope) -> OriginFields:
        """The state's provenance; only for a state with events."""
        if self.last_event_id is None or self.last_event_at is None or self.anchor_at is None:
            raise AssertionError("an empty aggregate has no origin")
        namespace, epoch, _, revision = scope
        return namespace, epoch, revision, self.last_event_id, self.last_event_at, self.anchor_at

    def is_too_old(self, request: LoadRequest, began: datetime) -> bool:
        """Whether it was read from the stream too long before a call began."""
        freshness = request.freshness
        return isinstance(freshness, MaxAge) and began - self.verified_at >= freshness.delta
